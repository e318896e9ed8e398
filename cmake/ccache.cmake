# Compiles through ccache when there is one, unless the caller chose a launcher. Paths are made
# relative, so that two checkouts of the project share their results.
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(REWIND_CCACHE ccache)
  mark_as_advanced(REWIND_CCACHE)
  if(REWIND_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
        ${REWIND_CCACHE})
  endif()
endif()
