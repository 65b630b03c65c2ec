# SPDX-License-Identifier: Apache-2.0
# Programs with an Eigen of their own beside the library, static and shared, linked and in a plugin that is loaded later:
# for every one of COMPILERS and OPTIMIZATIONS, and the instruction sets on which Eigen's alignment depends.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)

set(sources ${CMAKE_CURRENT_LIST_DIR}/third_party)
separate_arguments(FLAGS UNIX_COMMAND "${FLAGS}")
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
cmake_path(GET SHARED_LIBRARY PARENT_PATH shared_folder)

# Whether the compiler takes the option, and this CPU runs what is compiled with it.
function(runs result compiler option)
  set(${result} OFF PARENT_SCOPE)
  file(WRITE ${WORK}/runs.cpp "int main() {\n#ifdef __x86_64__\n  return !__builtin_cpu_supports(\"avx2\");\n#endif\n}\n")
  execute_process(COMMAND ${compiler} ${option} ${FLAGS} ${WORK}/runs.cpp -o ${WORK}/runs RESULT_VARIABLE status
                  OUTPUT_QUIET ERROR_QUIET)
  if(status EQUAL 0)
    execute_process(COMMAND ${WORK}/runs RESULT_VARIABLE status)
    if(status EQUAL 0)
      set(${result} ON PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(check compiler optimization instruction_set)
  set(compile ${compiler} -std=c++20 -fPIC -fvisibility=hidden ${optimization} ${instruction_set} ${FLAGS} -I${SOURCE}/include
              -isystem ${EIGEN})
  runs(makes_unique_symbols ${compiler} -fno-gnu-unique)
  if(makes_unique_symbols)
    list(APPEND compile -fno-gnu-unique)  # the plugin's own code would stay in memory
  endif()
  # Visible, so that a library loaded later could take the program's Eigen for its own.
  run(${compile} -fvisibility=default -c ${sources}/own_eigen.cpp -o ${WORK}/own_eigen.o)
  foreach(file use_offramp program host)
    run(${compile} -c ${sources}/${file}.cpp -o ${WORK}/${file}.o)
  endforeach()
  set(link ${compiler} ${FLAGS})
  set(static ${STATIC_LIBRARIES})
  set(shared ${SHARED_LIBRARY} -Wl,-rpath,${shared_folder})
  run(${link} -rdynamic ${WORK}/host.o ${WORK}/own_eigen.o -ldl -o ${WORK}/host)
  foreach(kind static shared)
    run(${link} -rdynamic ${WORK}/program.o ${WORK}/use_offramp.o ${WORK}/own_eigen.o ${${kind}} -o ${WORK}/program)
    run(${WORK}/program ${MODEL})
    run(${link} -shared -Wl,--version-script=${sources}/plugin.map ${WORK}/use_offramp.o ${${kind}}
        -o ${WORK}/plugin_${kind}.so)
  endforeach()
  run(${WORK}/host ${MODEL} ${WORK}/plugin_static.so)
  run(${WORK}/host ${MODEL} ${WORK}/plugin_shared.so ${SHARED_LIBRARY})
endfunction()

set(checked 0)
foreach(compiler IN LISTS COMPILERS)
  foreach(instruction_set -mavx2 -march=native)
    runs(can_run ${compiler} ${instruction_set})
    if(can_run)
      foreach(optimization IN LISTS OPTIMIZATIONS)
        check(${compiler} ${optimization} ${instruction_set})
        math(EXPR checked "${checked} + 1")
      endforeach()
    endif()
  endforeach()
endforeach()
if(checked EQUAL 0)
  message(FATAL_ERROR "no instruction set could be tried")
endif()
