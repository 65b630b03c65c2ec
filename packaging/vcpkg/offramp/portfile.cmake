# SPDX-License-Identifier: Apache-2.0
# An overlay port: it builds the source tree that it lies in.
#   vcpkg install offramp --overlay-ports=<offramp>/packaging/vcpkg
cmake_path(ABSOLUTE_PATH CURRENT_PORT_DIR NORMALIZE)
cmake_path(SET SOURCE_PATH NORMALIZE ${CURRENT_PORT_DIR}/../../..)

vcpkg_check_features(OUT_FEATURE_OPTIONS features FEATURES sentencepiece OFFRAMP_SENTENCEPIECE)
vcpkg_cmake_configure(
  SOURCE_PATH ${SOURCE_PATH}
  OPTIONS -DOFFRAMP_BUILD_TESTS=OFF -DOFFRAMP_BUILD_TOOLS=OFF -DOFFRAMP_BUILD_EXAMPLES=OFF -DOFFRAMP_INSTALL=ON ${features})
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/offramp)
vcpkg_fixup_pkgconfig()
vcpkg_copy_pdbs()
file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/debug/include ${CURRENT_PACKAGES_DIR}/debug/share)
file(INSTALL ${CURRENT_PORT_DIR}/usage DESTINATION ${CURRENT_PACKAGES_DIR}/share/${PORT})
vcpkg_install_copyright(FILE_LIST ${SOURCE_PATH}/LICENSE ${SOURCE_PATH}/NOTICE)
