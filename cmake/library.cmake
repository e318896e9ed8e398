# The library target `rewind`, made of the folders of the tree, lowest floor first.
set(REWIND_FOLDERS tensor autograd nn optim data io train)

# The build tree holds include/rewind, so that "rewind/tensor/tensor.h" means the same file in the
# tree and when installed.
set(REWIND_INCLUDE ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${REWIND_INCLUDE}/rewind)
configure_file(cmake/version.h.in ${REWIND_INCLUDE}/rewind/version.h @ONLY)
foreach(part IN LISTS REWIND_FOLDERS ITEMS rewind.h)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${part} ${REWIND_INCLUDE}/rewind/${part} SYMBOLIC)
endforeach()

set(patterns ${REWIND_FOLDERS})
list(TRANSFORM patterns PREPEND ${PROJECT_SOURCE_DIR}/)
list(TRANSFORM patterns APPEND /*.cpp)
file(GLOB_RECURSE REWIND_SOURCES CONFIGURE_DEPENDS ${patterns})
if(NOT REWIND_SOURCES)
  file(WRITE ${PROJECT_BINARY_DIR}/version.cpp "#include \"rewind/version.h\"\n")
  set(REWIND_SOURCES ${PROJECT_BINARY_DIR}/version.cpp)
endif()

add_library(rewind ${REWIND_SOURCES})
add_library(rewind::rewind ALIAS rewind)
target_compile_features(rewind PUBLIC cxx_std_20)
target_include_directories(rewind PUBLIC $<BUILD_INTERFACE:${REWIND_INCLUDE}>)
target_link_libraries(rewind
  PUBLIC fmt::fmt
  PRIVATE OpenMP::OpenMP_CXX PkgConfig::REWIND_OPENBLAS PkgConfig::REWIND_HIGHWAY
          $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)
set_target_properties(rewind PROPERTIES
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  CXX_EXTENSIONS OFF
  CXX_VISIBILITY_PRESET hidden
  VISIBILITY_INLINES_HIDDEN ON
  POSITION_INDEPENDENT_CODE ON
  INSTALL_RPATH_USE_LINK_PATH ON)

# No errno and no traps from mathematics, which lets the compiler vectorise; NaN and infinity keep
# their meaning, so -ffast-math stays out. A product and a sum are fused where the code says so and
# nowhere else, or the last bit would depend on how a loop was cut. Nobody replaces our functions at
# run time.
target_compile_options(rewind PRIVATE -fno-math-errno -fno-trapping-math -ffp-contract=off
                                      -fno-semantic-interposition)
# One file promises that finite arguments raise no exception: without the flag clang may divide the
# idle lanes of a vector 0 by 0.
set_source_files_properties(${PROJECT_SOURCE_DIR}/tensor/kernels/transcendental.cpp
                            PROPERTIES COMPILE_OPTIONS -ftrapping-math)
# The tape reads a thread-local per operation; initial-exec makes rewinding a fifth faster.
target_compile_options(rewind PRIVATE -ftls-model=initial-exec)
# Static and shared are made of the same objects, so that a compiler cache knows the one's as the
# other's.
set_target_properties(rewind PROPERTIES DEFINE_SYMBOL "")
