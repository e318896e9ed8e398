# Installs a build tree into a fresh prefix. With CACHE, builds the library there first, without what
# is not installed; the file holds the settings.
#   cmake -D SOURCE= -D BUILD= -D PREFIX= [-D CACHE=] -P install.cmake
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(DEFINED CACHE)
  run(${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G Ninja -C ${CACHE} -DREWIND_BUILD_TESTS=OFF
      -DREWIND_BUILD_EXAMPLES=OFF -DREWIND_BUILD_BENCHMARKS=OFF)
  run(${CMAKE_COMMAND} --build ${BUILD} --parallel 2)
endif()
file(REMOVE_RECURSE ${PREFIX})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX})
