# SPDX-License-Identifier: Apache-2.0
include(CMakePackageConfigHelpers)

# A component, so that the library can be installed without the command.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME offramp_development)
install(TARGETS offramp offramp_header_only EXPORT offramp-targets)
install(DIRECTORY include/offramp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT offramp-targets NAMESPACE offramp:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/offramp)
if(offramp_installed_sentencepiece)
  install(FILES cmake/FindSentencePiece.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/offramp)
endif()
configure_package_config_file(cmake/offramp-config.cmake.in offramp-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/offramp)
write_basic_package_version_file(offramp-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/offramp-config.cmake ${PROJECT_BINARY_DIR}/offramp-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/offramp)
