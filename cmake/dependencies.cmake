# What the library stands on. Everything comes from the system; nothing is downloaded.
find_package(PkgConfig REQUIRED)
find_package(fmt 9.1 REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(nlohmann_json 3.11 REQUIRED)
pkg_check_modules(REWIND_HIGHWAY REQUIRED QUIET IMPORTED_TARGET libhwy)
include(cmake/openblas.cmake)
if(NOT REWIND_OPENBLAS_FOUND)
  message(FATAL_ERROR "rewind: pkg-config does not find openblas; on Debian install "
                      "libopenblas-openmp-dev")
endif()

# Two thread pools on the same cores cost a factor of two to three, so a build of OpenBLAS with
# threads of its own is worth a loud word.
if(NOT CMAKE_CROSSCOMPILING AND NOT DEFINED REWIND_OPENBLAS_PARALLEL)
  try_run(REWIND_OPENBLAS_PARALLEL REWIND_OPENBLAS_LINKS
          ${PROJECT_BINARY_DIR} SOURCES ${PROJECT_SOURCE_DIR}/cmake/openblas_flavour.cpp
          LINK_LIBRARIES PkgConfig::REWIND_OPENBLAS
          RUN_OUTPUT_VARIABLE REWIND_OPENBLAS_CONFIG)
  if(NOT REWIND_OPENBLAS_LINKS)
    message(FATAL_ERROR "rewind: a program that calls OpenBLAS does not link")
  endif()
  if(REWIND_OPENBLAS_PARALLEL EQUAL 2)
    message(STATUS "OpenBLAS with OpenMP threads: ${REWIND_OPENBLAS_CONFIG}")
  else()
    message(WARNING "rewind: this OpenBLAS was not built with OpenMP (${REWIND_OPENBLAS_CONFIG}). "
                    "Results are the same, but its threads compete with the library's own. "
                    "On Debian install libopenblas-openmp-dev.")
  endif()
endif()
