# Installs a build tree into a fresh prefix. With FLAVOUR, first builds the library there with
# BUILD_SHARED_LIBS set to it, without tests and without optimisation.
#   cmake -D SOURCE= -D BUILD= -D PREFIX= [-D FLAVOUR= -D COMPILER=] -P install.cmake
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(DEFINED FLAVOUR)
  run(${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G Ninja -DBUILD_SHARED_LIBS=${FLAVOUR}
      -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=-O0 -DREWIND_BUILD_TESTS=OFF
      -DREWIND_BUILD_EXAMPLES=OFF -DREWIND_BUILD_BENCHMARKS=OFF)
  run(${CMAKE_COMMAND} --build ${BUILD} --parallel 2)
endif()
file(REMOVE_RECURSE ${PREFIX})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX})
