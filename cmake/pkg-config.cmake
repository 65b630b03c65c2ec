# SPDX-License-Identifier: Apache-2.0
# Installs offramp.pc, which finds its prefix from where it lies. Who links the static library needs its dependencies
# whether or not he asks pkg-config for --static; a shared one brings its own along.
set(pkgconfig_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
cmake_path(ABSOLUTE_PATH pkgconfig_folder BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE full_folder)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${full_folder} OUTPUT_VARIABLE to_prefix)
# Relative to the prefix, also where they were given whole.
foreach(folder LIBDIR INCLUDEDIR)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_${folder} BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
             OUTPUT_VARIABLE pkgconfig_${folder})
endforeach()
set(pkgconfig_requires "")
set(pkgconfig_libraries "")
set(pkgconfig_private "")
if(offramp_is_static)
  if(offramp_links_hwy)
    string(APPEND pkgconfig_requires "libhwy")
  endif()
  if(OFFRAMP_SENTENCEPIECE AND offramp_links_sentencepiece)
    string(APPEND pkgconfig_libraries " -lsentencepiece")
  elseif(OFFRAMP_SENTENCEPIECE)
    string(APPEND pkgconfig_libraries " -pthread")
  endif()
  list(TRANSFORM CMAKE_CXX_IMPLICIT_LINK_LIBRARIES PREPEND -l OUTPUT_VARIABLE implicit)
  list(FILTER implicit INCLUDE REGEX "^-l(stdc\\+\\+|c\\+\\+|m)$")
  list(REMOVE_DUPLICATES implicit)
  list(JOIN implicit " " pkgconfig_private)  # for a program in C
endif()
configure_file(cmake/offramp.pc.in offramp.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/offramp.pc DESTINATION ${pkgconfig_folder})
