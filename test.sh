#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing (Debian or Ubuntu), builds offramp and runs its tests, then those of threads that share a model
# under ThreadSanitizer. Arguments go to ctest. After `arm64` as the first: builds and tests for arm64, under qemu-user;
# the kernels also on a CPU without dot products. That takes longer than the rest together.
set -euo pipefail
cd "$(dirname "$0")"
if [[ "${1:-}" == arm64 ]]; then
  cmake/install-packages.sh g++-aarch64-linux-gnu qemu-user
  cmake/unpack-arm64-packages.sh
  cmake --preset arm64-cross
  cmake --build --preset arm64-cross
  ctest --preset arm64-cross --no-tests=error "${@:2}"
  QEMU_CPU=cortex-a53 ctest --preset arm64-cross --no-tests=error -R '^kernel_tests$'
  exit
fi
cmake/install-packages.sh
cmake --preset dev
cmake --build --preset dev
ctest --preset dev --no-tests=error "$@"

cmake --preset tsan
cmake --build --preset tsan --target thread_tests
build/tsan/tests/thread_tests --gtest_brief=1
