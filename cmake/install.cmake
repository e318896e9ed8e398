# What `cmake --install` gives: the library, its headers under include/rewind, a CMake package and
# a pkg-config file.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/rewind)

# Headers named *_inl.h belong to the .cpp files beside them and stay at home.
foreach(folder IN LISTS REWIND_FOLDERS)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rewind OPTIONAL
          FILES_MATCHING PATTERN "*.h" PATTERN "*_inl.h" EXCLUDE)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/rewind.h ${REWIND_INCLUDE}/rewind/version.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rewind)

install(TARGETS rewind EXPORT rewindTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT rewindTargets NAMESPACE rewind:: DESTINATION ${package_dir})
configure_package_config_file(cmake/rewindConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/rewindConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/rewindConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/rewindConfig.cmake
              ${PROJECT_BINARY_DIR}/rewindConfigVersion.cmake
        DESTINATION ${package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/cmake/openblas.cmake
        DESTINATION ${package_dir} RENAME rewindOpenBLAS.cmake)

# A static library brings nothing with it, so its .pc file names all that a program must link.
if(BUILD_SHARED_LIBS)
  set(pc_requires fmt)
  set(pc_libs "")
else()
  set(pc_requires "fmt, openblas, libhwy")
  set(pc_libs " -fopenmp")
endif()
# Folders may be given whole, outside of the prefix.
foreach(folder IN ITEMS libdir includedir)
  string(TOUPPER CMAKE_INSTALL_${folder} given)
  set(pc_${folder} "\${prefix}/${${given}}")
  if(IS_ABSOLUTE "${${given}}")
    set(pc_${folder} "${${given}}")
  endif()
endforeach()
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(cmake/rewind.pc.in ${PROJECT_BINARY_DIR}/rewind.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/rewind.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
