# SPDX-License-Identifier: Apache-2.0
# Two components: offramp_runtime, what runs (a shared library, the command and its models), and offramp_development, what
# compiles and links.
include(CMakePackageConfigHelpers)

get_target_property(type offramp TYPE)
set(offramp_is_static OFF)
if(type STREQUAL STATIC_LIBRARY)
  set(offramp_is_static ON)
endif()

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME offramp_development)
# Who gives GNUInstallDirs whole paths would find the prefix twice in those of the headers.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE header_folder)
install(TARGETS offramp offramp_header_only EXPORT offramp-targets
        LIBRARY COMPONENT offramp_runtime NAMELINK_COMPONENT offramp_development
        ARCHIVE COMPONENT offramp_development
        FILE_SET HEADERS DESTINATION ${header_folder} COMPONENT offramp_development)
set(offramp_package ${CMAKE_INSTALL_LIBDIR}/cmake/offramp)
install(EXPORT offramp-targets NAMESPACE offramp:: DESTINATION ${offramp_package})
if(offramp_is_static AND OFFRAMP_SENTENCEPIECE AND offramp_links_sentencepiece)
  install(FILES cmake/FindSentencePiece.cmake DESTINATION ${offramp_package})
endif()
configure_package_config_file(cmake/offramp-config.cmake.in offramp-config.cmake INSTALL_DESTINATION ${offramp_package})
write_basic_package_version_file(offramp-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/offramp-config.cmake ${PROJECT_BINARY_DIR}/offramp-config-version.cmake
        DESTINATION ${offramp_package})

include(cmake/pkg-config.cmake)

if(TARGET offramp_command)
  if(NOT offramp_is_static AND NOT DEFINED CMAKE_INSTALL_RPATH)
    # The command finds the library wherever the prefix is moved to.
    cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_FULL_BINDIR} OUTPUT_VARIABLE to_library)
    set(origin $ORIGIN)
    if(APPLE)
      set(origin @loader_path)
    endif()
    set_target_properties(offramp_command PROPERTIES INSTALL_RPATH ${origin}/${to_library})
  endif()
  install(TARGETS offramp_command COMPONENT offramp_runtime)
  install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/offramp COMPONENT offramp_runtime
          FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  if(TARGET offramp_shell_files)
    set(shell_files ${PROJECT_BINARY_DIR}/shell)
    install(FILES ${shell_files}/offramp.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT offramp_runtime)
    install(FILES ${shell_files}/offramp DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
            COMPONENT offramp_runtime)
    install(FILES ${shell_files}/_offramp DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions
            COMPONENT offramp_runtime)
    install(FILES ${shell_files}/offramp.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
            COMPONENT offramp_runtime)
  endif()
endif()
