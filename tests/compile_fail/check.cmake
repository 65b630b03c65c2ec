# SPDX-License-Identifier: Apache-2.0
# uses.cpp must compile; in misuses.cpp the compiler must find an error in each of the functions NAMES.
foreach(kind misuses uses)
  execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only -I${INCLUDE} ${DIRECTORY}/${kind}.cpp
                  RESULT_VARIABLE ${kind}_status OUTPUT_VARIABLE ${kind}_output ERROR_VARIABLE ${kind}_output)
endforeach()
if(NOT uses_status EQUAL 0)
  message(SEND_ERROR "uses.cpp does not compile:\n${uses_output}")
endif()
string(REPLACE "," ";" NAMES "${NAMES}")
foreach(name IN LISTS NAMES)
  if(NOT misuses_output MATCHES "(^|\n)${name}:1:[0-9]+: error: ")
    message(SEND_ERROR "${name} compiles")
  endif()
endforeach()
