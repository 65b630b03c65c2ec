# SPDX-License-Identifier: Apache-2.0
# One kind of package: offramp built anew, installed, moved elsewhere, and consumed by projects for which no other package
# exists but those that a static library of system packages needs. Unoptimized, and but for one kind without study and the
# command, because that compiles fastest.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)

file(REMOVE_RECURSE ${WORK}/prefix ${WORK}/moved)
set(SETTINGS -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-g0
             -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
set(is_shared OFF)
set(suffix a)
if(KIND STREQUAL "shared")
  set(is_shared ON)
  set(suffix so)
endif()

set(with_command OFF)
if(is_shared AND ORIGIN STREQUAL "fetched")
  set(with_command ON)
endif()

set(own -DBUILD_SHARED_LIBS=${is_shared} -DCMAKE_CXX_VISIBILITY_PRESET=hidden -DCMAKE_INSTALL_PREFIX=${WORK}/prefix
        -DOFFRAMP_BUILD_STUDY=${with_command} -DOFFRAMP_BUILD_TOOLS=${with_command}
        -DOFFRAMP_BUILD_TESTS=OFF -DOFFRAMP_BUILD_EXAMPLES=OFF -DOFFRAMP_SENTENCEPIECE=ON)
if(ORIGIN STREQUAL "fetched")
  file(GLOB packages RELATIVE ${SOURCES} ${SOURCES}/*)
  foreach(package IN LISTS packages)
    string(TOUPPER ${package} upper)
    list(APPEND own -DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON -DFETCHCONTENT_SOURCE_DIR_${upper}=${SOURCES}/${package})
  endforeach()
endif()
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/offramp -G ${GENERATOR} ${SETTINGS} ${own})
run(${CMAKE_COMMAND} --build ${WORK}/offramp)
run(${CMAKE_COMMAND} --install ${WORK}/offramp)
file(RENAME ${WORK}/prefix ${WORK}/moved)
file(GLOB_RECURSE library ${WORK}/moved/libofframp.${suffix})
if(NOT library)
  message(FATAL_ERROR "no ${KIND} library was installed")
endif()

if(with_command)  # it finds its library
  run(${WORK}/moved/bin/offramp --version)
  run(${WORK}/moved/bin/offramp classify "A good film.")
endif()
set(absent -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
if(is_shared OR ORIGIN STREQUAL "fetched")
  list(APPEND absent -DCMAKE_DISABLE_FIND_PACKAGE_hwy=ON -DCMAKE_DISABLE_FIND_PACKAGE_SentencePiece=ON)
endif()
build_and_run(${SOURCE}/examples/consumer -DCMAKE_PREFIX_PATH=${WORK}/moved ${absent})
consume_with_pkg_config(${WORK}/moved)
