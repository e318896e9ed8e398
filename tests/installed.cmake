# What a user meets: the installed package, found in both ways, static and shared, the documents'
# code, and the time that a file takes to compile.
set(scratch ${PROJECT_BINARY_DIR}/installed)
set(consumer ${CMAKE_CURRENT_SOURCE_DIR}/consumer)

# Adds the tests of the prefix `${scratch}/${kind}`; further arguments go to install.cmake.
function(rewind_test_package kind build)
  set(prefix ${scratch}/${kind}/prefix)
  add_test(NAME package.${kind}.install
           COMMAND ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D BUILD=${build}
                   -D PREFIX=${prefix} ${ARGN} -P ${consumer}/install.cmake)
  add_test(NAME package.${kind}.find_package
           COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${consumer} ${scratch}/${kind}/cmake
                   --build-generator Ninja
                   --build-options -DCMAKE_PREFIX_PATH=${prefix}
                                   -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
                   --test-command ${CMAKE_CTEST_COMMAND} --output-on-failure)
  add_test(NAME package.${kind}.pkg_config
           COMMAND Python3::Interpreter ${consumer}/pkg_config.py ${prefix} ${CMAKE_CXX_COMPILER}
                   ${scratch}/${kind}/pkg_config)
  set_tests_properties(package.${kind}.install PROPERTIES
    FIXTURES_SETUP package_${kind} TIMEOUT 1800)
  set_tests_properties(package.${kind}.find_package package.${kind}.pkg_config PROPERTIES
    FIXTURES_REQUIRED package_${kind} TIMEOUT 600)
endfunction()

# The build tree as it is, and the other one of static and shared. That one stands beside this one
# and is compiled alike, so that a compiler cache has all of its objects.
if(BUILD_SHARED_LIBS)
  set(this shared)
  set(other static)
  set(other_is_shared OFF)
else()
  set(this static)
  set(other shared)
  set(other_is_shared ON)
endif()
file(WRITE ${scratch}/${other}/cache.cmake "set(BUILD_SHARED_LIBS ${other_is_shared} CACHE BOOL \"\" FORCE)\n")
foreach(setting IN ITEMS CMAKE_CXX_COMPILER CMAKE_BUILD_TYPE CMAKE_CXX_FLAGS
                         CMAKE_CXX_FLAGS_DEBUG CMAKE_CXX_FLAGS_RELEASE
                         CMAKE_CXX_FLAGS_RELWITHDEBINFO)
  file(APPEND ${scratch}/${other}/cache.cmake
       "set(${setting} \"${${setting}}\" CACHE STRING \"\" FORCE)\n")
endforeach()
rewind_test_package(${this} ${PROJECT_BINARY_DIR})
rewind_test_package(${other} ${PROJECT_BINARY_DIR}-${other}
                    -D CACHE=${scratch}/${other}/cache.cmake)

add_test(NAME package.optional
         COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_LIBDIR=${scratch}/nothing
                 ${CMAKE_COMMAND} --fresh -G Ninja -S ${consumer}/optional -B ${scratch}/optional
                 -DCMAKE_PREFIX_PATH=${scratch}/static/prefix
                 -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER})
set_tests_properties(package.optional PROPERTIES FIXTURES_REQUIRED package_static)
add_test(NAME package.absolute_folders
         COMMAND Python3::Interpreter ${consumer}/absolute_folders.py ${PROJECT_SOURCE_DIR}
                 ${CMAKE_COMMAND} ${CMAKE_CXX_COMPILER} ${scratch}/absolute_folders)

add_test(NAME documents.rules
         COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/documents/blocks_test.py)
file(GLOB documents CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/*.md)
foreach(document IN LISTS documents)
  get_filename_component(name ${document} NAME)
  add_test(NAME documents.${name}
           COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/documents/compile_blocks.py
                   ${scratch}/${this}/prefix ${CMAKE_CXX_COMPILER} ${scratch}/documents
                   ${document})
  set_tests_properties(documents.${name} PROPERTIES
    FIXTURES_REQUIRED package_${this} PROCESSORS 2 TIMEOUT 900)
endforeach()

add_test(NAME package.compile_time
         COMMAND Python3::Interpreter ${consumer}/compile_time.py ${scratch}/${this}/prefix
                 ${CMAKE_CXX_COMPILER} ${consumer}/small_model.cpp ${consumer}/standard_headers.cpp 6)
set_tests_properties(package.compile_time PROPERTIES
  FIXTURES_REQUIRED package_${this} RUN_SERIAL ON)
