# SPDX-License-Identifier: Apache-2.0
# The same consumer with offramp in its tree. Where the library would be compiled again only for this, its own file is as far
# as it goes: what it gets from the targets is seen then.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)

file(REMOVE_RECURSE ${WORK})
set(project ${SOURCE}/tests/package/subdirectory)
if(SLOW)
  build_and_run(${project} -DOFFRAMP_SOURCE=${SOURCE})
else()
  run(${CMAKE_COMMAND} -S ${project} -B ${WORK}/build -G ${GENERATOR} ${SETTINGS} -DOFFRAMP_SOURCE=${SOURCE})
  run(${CMAKE_COMMAND} --build ${WORK}/build --target consumer_objects)
endif()
