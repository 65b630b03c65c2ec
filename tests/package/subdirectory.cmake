# SPDX-License-Identifier: Apache-2.0
# The same consumer with offramp in its tree.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)

file(REMOVE_RECURSE ${WORK})
build_and_run(${SOURCE}/tests/package/subdirectory -DOFFRAMP_SOURCE=${SOURCE})
