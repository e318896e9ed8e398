# Finds OpenBLAS as PkgConfig::REWIND_OPENBLAS; installed too, for those who link the static library.
# Debian keeps the builds of OpenBLAS side by side, and "openblas" names whichever the alternatives
# system prefers. The OpenMP build is looked for in its own folder first, after the user's paths.
find_path(REWIND_OPENBLAS_OPENMP openblas.pc NO_CACHE
          HINTS /usr PATH_SUFFIXES lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp/pkgconfig)
set(REWIND_PKG_CONFIG_PATH "$ENV{PKG_CONFIG_PATH}")
if(REWIND_OPENBLAS_OPENMP)
  set(ENV{PKG_CONFIG_PATH} "${REWIND_PKG_CONFIG_PATH}:${REWIND_OPENBLAS_OPENMP}")
endif()
pkg_check_modules(REWIND_OPENBLAS QUIET IMPORTED_TARGET openblas)
set(ENV{PKG_CONFIG_PATH} "${REWIND_PKG_CONFIG_PATH}")
