# SPDX-License-Identifier: Apache-2.0
# Compiles the public headers while every header of a third party is shadowed by one that does not compile.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)

foreach(setting IN LISTS SETTINGS)
  if(setting MATCHES "^-DCMAKE_CXX_COMPILER=(.*)$")
    set(compiler ${CMAKE_MATCH_1})
  endif()
endforeach()
set(compile ${compiler} -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror
            -I${WORK}/shadows -I${SOURCE}/include)

file(REMOVE_RECURSE ${WORK})
set(third_party Eigen/Core Eigen/Dense nlohmann/json.hpp nlohmann/json_fwd.hpp sentencepiece_processor.h hwy/highway.h
                CLI/CLI.hpp)
foreach(header IN LISTS third_party)
  file(WRITE ${WORK}/shadows/${header} "#error \"a third party's header\"\n")
  file(WRITE ${WORK}/third_party.cpp "#include <${header}>\n")
  execute_process(COMMAND ${compile} ${WORK}/third_party.cpp RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status EQUAL 0)
    message(FATAL_ERROR "${header} compiles, so this test sees nothing")
  endif()
endforeach()

file(GLOB headers RELATIVE ${SOURCE}/include ${SOURCE}/include/offramp/*.hpp ${SOURCE}/include/offramp/study/*.hpp)
list(TRANSFORM headers REPLACE "^(.+)$" "#include <\\1>\n" OUTPUT_VARIABLE includes)
list(JOIN includes "" includes)
file(WRITE ${WORK}/public.cpp "${includes}")
run(${compile} ${WORK}/public.cpp)
