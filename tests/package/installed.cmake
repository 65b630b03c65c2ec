# SPDX-License-Identifier: Apache-2.0
# find_package on an installed offramp, by a consumer for whom no other package exists.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)

file(REMOVE_RECURSE ${WORK})
foreach(component offramp_runtime offramp_development)
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix --component ${component})
endforeach()
build_and_run(${SOURCE}/examples/consumer -DCMAKE_PREFIX_PATH=${WORK}/prefix
              -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
file(STRINGS ${WORK}/build/CMakeCache.txt found REGEX "^offramp_DIR:")
if(NOT found MATCHES "${WORK}/prefix")
  message(FATAL_ERROR "another offramp was found: ${found}")
endif()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/without_dependency -B ${WORK}/without -G ${GENERATOR} ${SETTINGS}
    -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_DISABLE_FIND_PACKAGE_SentencePiece=ON)
consume_with_pkg_config(${WORK}/prefix)
