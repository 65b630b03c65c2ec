# SPDX-License-Identifier: Apache-2.0
# GNUInstallDirs may be given whole paths, as Nix does: what is installed still finds its files from where it lies.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)

file(REMOVE_RECURSE ${WORK})
set(prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G ${GENERATOR} ${SETTINGS} -DOFFRAMP_BUILD_TESTS=OFF
    -DOFFRAMP_BUILD_EXAMPLES=OFF -DOFFRAMP_BUILD_TOOLS=OFF -DCMAKE_INSTALL_PREFIX=${prefix}
    -DCMAKE_INSTALL_LIBDIR=${prefix}/lib -DCMAKE_INSTALL_INCLUDEDIR=${prefix}/include)
file(GLOB_RECURSE targets ${WORK}/build/CMakeFiles/Export/*/offramp-targets.cmake)
foreach(file ${WORK}/build/offramp.pc ${targets})
  file(READ ${file} content)
  if(content MATCHES "}/*${prefix}/include" OR NOT content MATCHES "{(prefix|_IMPORT_PREFIX)}/include")
    message(FATAL_ERROR "${file}: expected the headers below its prefix:\n${content}")
  endif()
endforeach()
file(READ ${WORK}/build/offramp.pc content)
if(NOT content MATCHES "libdir=\\\${prefix}/lib\n")
  message(FATAL_ERROR "expected the library below the prefix:\n${content}")
endif()
