# SPDX-License-Identifier: Apache-2.0
# With flags that change arithmetic, the public headers compile, and the header-only target says why it does not.
file(WRITE ${DIRECTORY}/fast_math.cpp "#include <offramp/offramp.hpp>\n#include <offramp/thread_pool.hpp>\n")
set(compile ${COMPILER} -std=c++20 -fsyntax-only -I${INCLUDE} ${DIRECTORY}/fast_math.cpp)
foreach(flag -ffast-math -Ofast -ffinite-math-only)
  execute_process(COMMAND ${compile} ${flag} RESULT_VARIABLE status ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(SEND_ERROR "${flag}: the public headers do not compile:\n${output}")
  endif()
  execute_process(COMMAND ${compile} ${flag} -DOFFRAMP_HEADER_ONLY RESULT_VARIABLE status ERROR_VARIABLE output)
  if(status EQUAL 0 OR NOT output MATCHES "header-only target cannot be compiled with -ffast-math")
    message(SEND_ERROR "${flag}: the header-only target does not say that it cannot be compiled:\n${output}")
  endif()
endforeach()
