# SPDX-License-Identifier: Apache-2.0
# Included by the scripts of this folder.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${status}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# Configures the project in `source` with further arguments, builds its `consumer`, and classifies with it.
function(build_and_run source)
  file(REMOVE_RECURSE ${WORK}/build)
  run(${CMAKE_COMMAND} -S ${source} -B ${WORK}/build -G ${GENERATOR} ${SETTINGS} ${ARGN})
  run(${CMAKE_COMMAND} --build ${WORK}/build --target consumer)
  run(${WORK}/build/consumer ${MODEL} "A good film.")
  if(NOT output MATCHES "^(yes|no) [01]\\.?[0-9]*\n$")
    message(FATAL_ERROR "expected a label and a confidence, found:\n${output}")
  endif()
endfunction()
