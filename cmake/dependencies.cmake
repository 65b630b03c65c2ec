# SPDX-License-Identifier: Apache-2.0
# Every dependency: the system's package first, else the pinned commit of its repository.
include(FetchContent)

# FetchContent's own find-first step: versions are compared after the fact because find_package(Eigen3 3.4) refuses Eigen 5.
find_package(Eigen3 QUIET CONFIG)
if(NOT Eigen3_FOUND)
  message(FATAL_ERROR "Eigen was not found: install libeigen3-dev")
elseif(Eigen3_VERSION VERSION_LESS 3.4)
  message(FATAL_ERROR "Eigen ${Eigen3_VERSION} was found, 3.4 or later is needed")
endif()

find_package(nlohmann_json 3.11 QUIET CONFIG)
if(NOT nlohmann_json_FOUND)
  message(FATAL_ERROR "nlohmann_json 3.11 was not found: install nlohmann-json3-dev")
endif()

if(OFFRAMP_BUILD_TOOLS)
  find_package(CLI11 2.1 QUIET CONFIG)
  if(NOT CLI11_FOUND)
    message(FATAL_ERROR "CLI11 was not found: install libcli11-dev, or set OFFRAMP_BUILD_TOOLS=OFF")
  endif()
endif()

if(OFFRAMP_BUILD_TESTS)
  find_package(Threads REQUIRED)
  find_package(GTest QUIET)
  if(NOT GTest_FOUND)
    message(FATAL_ERROR "GoogleTest was not found: install libgtest-dev, or set OFFRAMP_BUILD_TESTS=OFF")
  endif()
endif()

if(OFFRAMP_BUILD_BENCHMARKS)
  find_package(benchmark 1.7 QUIET CONFIG)
  if(NOT benchmark_FOUND)
    message(FATAL_ERROR "Google Benchmark was not found: install libbenchmark-dev, or set OFFRAMP_BUILD_BENCHMARKS=OFF")
  endif()
endif()
