# SPDX-License-Identifier: Apache-2.0
# The header-only target of an installed offramp.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix --component offramp_development)
build_and_run(${SOURCE}/tests/package/header_only -DOFFRAMP_SOURCE=${SOURCE} -DCMAKE_PREFIX_PATH=${WORK}/prefix)
