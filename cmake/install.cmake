# What `cmake --install` gives: the library, its headers, a CMake package and a pkg-config file.
install(TARGETS rewind EXPORT rewindTargets
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
