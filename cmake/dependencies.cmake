# SPDX-License-Identifier: Apache-2.0
# Every dependency: the system's package first, else its repository at one commit, which FetchContent clones. To build
# without the network, point FETCHCONTENT_SOURCE_DIR_<PACKAGE> (in capitals) to a copy of the sources.
# CMAKE_DISABLE_FIND_PACKAGE_<Package>=ON passes the system's package over.
include(FetchContent)

# A compiled one that was fetched becomes part of the library: offramp_absorb(<target> NAME <name> NAMESPACES
# <namespace>=<name> ...) compiles it in namespaces of ours, appends it to offramp_absorbed and makes offramp_<name>, its
# headers. A package of offramp then needs nothing else.
set(offramp_absorbed "")
macro(offramp_absorb target)
  cmake_parse_arguments(absorbed "" "NAME" "NAMESPACES" ${ARGN})
  target_compile_definitions(${target} PRIVATE ${absorbed_NAMESPACES})
  # As options, because old projects' policies let a static library pass over its visibility properties.
  target_compile_options(${target} PRIVATE -fvisibility=hidden -fvisibility-inlines-hidden
                                           $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON EXCLUDE_FROM_ALL ON)
  list(APPEND offramp_absorbed ${target})
  add_library(offramp_${absorbed_NAME} INTERFACE)
  target_include_directories(offramp_${absorbed_NAME} SYSTEM
                             INTERFACE $<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_definitions(offramp_${absorbed_NAME}
                             INTERFACE $<TARGET_PROPERTY:${target},INTERFACE_COMPILE_DEFINITIONS>)
endmacro()

# offramp_dependency(<Package> TARGET <target> MINIMUM <version> REPOSITORY <url> COMMIT <full id>
#                    [HEADERS] [OPTIONS <variable> <value> ...] [ABSORBED])
#
# Afterwards <target> exists. The commit is that of the release named beside it, read from a clone of the repository.
# HEADERS: the sources are a directory of headers, and their CMake project is left alone. OPTIONS: variables for that
# project. ABSORBED: where the package was fetched, offramp_fetched_<Package> is set, and the rest left to the caller.
function(offramp_dependency package)
  cmake_parse_arguments(PARSE_ARGV 1 wanted "HEADERS;ABSORBED" "TARGET;MINIMUM;REPOSITORY;COMMIT" "OPTIONS")
  if(TARGET ${wanted_TARGET})
    return()  # the surrounding project brought its own
  endif()
  # Without a version, which is compared afterwards: find_package(Eigen3 3.4) refuses Eigen 5.
  find_package(${package} QUIET CONFIG)
  if(${package}_FOUND)
    if(${package}_VERSION VERSION_LESS wanted_MINIMUM)
      message(FATAL_ERROR "${package} ${${package}_VERSION} was found, ${wanted_MINIMUM} or later is needed. "
                          "CMAKE_DISABLE_FIND_PACKAGE_${package}=ON fetches one instead")
    endif()
    return()
  endif()

  message(STATUS "${package} was not found; it is fetched from ${wanted_REPOSITORY}")
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # the variables below count as options
  set(CMAKE_POLICY_DEFAULT_CMP0126 NEW)  # ... and as cached variables
  set(CMAKE_COMPILE_WARNING_AS_ERROR OFF)
  while(wanted_OPTIONS)
    list(POP_FRONT wanted_OPTIONS variable value)
    set(${variable} ${value})
  endwhile()
  set(subdirectory "")
  if(wanted_HEADERS)
    set(subdirectory SOURCE_SUBDIR no-project-here)
  endif()
  FetchContent_Declare(${package} GIT_REPOSITORY ${wanted_REPOSITORY} GIT_TAG ${wanted_COMMIT} SYSTEM ${subdirectory})
  FetchContent_MakeAvailable(${package})
  if(wanted_HEADERS)
    string(TOLOWER ${package} name)
    add_library(offramp_${name} INTERFACE)
    add_library(${wanted_TARGET} ALIAS offramp_${name})
    target_include_directories(offramp_${name} SYSTEM INTERFACE ${${name}_SOURCE_DIR})
  elseif(wanted_ABSORBED)
    set(offramp_fetched_${package} ON PARENT_SCOPE)
  elseif(NOT TARGET ${wanted_TARGET})
    string(REGEX REPLACE "^.*::" "" plain_name ${wanted_TARGET})  # some projects name their targets so when installed only
    add_library(${wanted_TARGET} ALIAS ${plain_name})
  endif()
endfunction()

# Its own project would add hundreds of targets and install rules.
offramp_dependency(Eigen3 TARGET Eigen3::Eigen MINIMUM 3.4 HEADERS
                   REPOSITORY https://gitlab.com/libeigen/eigen.git
                   COMMIT 3147391d946bb4b6c68edd901f2add6ac1f31f8c)  # 3.4.0

offramp_dependency(nlohmann_json TARGET nlohmann_json::nlohmann_json MINIMUM 3.11
                   REPOSITORY https://github.com/nlohmann/json.git
                   COMMIT 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03)  # v3.11.3

offramp_dependency(hwy TARGET hwy::hwy MINIMUM 1.0.3 ABSORBED
                   REPOSITORY https://github.com/google/highway.git
                   COMMIT 457c891775a7397bdb0376bb1031e6e027af1c48  # 1.2.0
                   OPTIONS HWY_ENABLE_TESTS OFF HWY_ENABLE_EXAMPLES OFF HWY_ENABLE_CONTRIB OFF HWY_ENABLE_INSTALL OFF
                   BUILD_SHARED_LIBS OFF HWY_FORCE_STATIC_LIBS ON)
set(offramp_links_hwy ON)
if(offramp_fetched_hwy)
  set(offramp_links_hwy OFF)
  offramp_absorb(hwy NAME hwy NAMESPACES hwy=offramp_hwy)
endif()

# sentencepiece exports no CMake package.
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
find_package(SentencePiece QUIET MODULE)
option(OFFRAMP_SENTENCEPIECE "Read sentencepiece models (tokenizer.json needs no such library)" ${SentencePiece_FOUND})
set(offramp_links_sentencepiece OFF)
if(OFFRAMP_SENTENCEPIECE AND SentencePiece_FOUND)
  set(offramp_links_sentencepiece ON)
elseif(OFFRAMP_SENTENCEPIECE)
  include(${CMAKE_CURRENT_LIST_DIR}/fetch-sentencepiece.cmake)
endif()

if(OFFRAMP_BUILD_TOOLS)
  offramp_dependency(CLI11 TARGET CLI11::CLI11 MINIMUM 2.1
                     REPOSITORY https://github.com/CLIUtils/CLI11.git
                     COMMIT 6c7b07a878ad834957b98d0f9ce1dbe0cb204fc9)  # v2.4.2
endif()

if(OFFRAMP_BUILD_TESTS)
  find_package(Threads REQUIRED)
  offramp_dependency(GTest TARGET GTest::gtest_main MINIMUM 1.11
                     REPOSITORY https://github.com/google/googletest.git
                     COMMIT b514bdc898e2951020cbdca1304b75f5950d1f59  # v1.15.2
                     OPTIONS INSTALL_GTEST OFF BUILD_GMOCK OFF)
endif()

if(OFFRAMP_BUILD_BENCHMARKS)
  offramp_dependency(benchmark TARGET benchmark::benchmark MINIMUM 1.7
                     REPOSITORY https://github.com/google/benchmark.git
                     COMMIT c58e6d0710581e3a08d65c349664128a8d9a2461  # v1.9.1
                     OPTIONS BENCHMARK_ENABLE_TESTING OFF BENCHMARK_ENABLE_INSTALL OFF)
endif()
