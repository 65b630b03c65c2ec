#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing (Debian or Ubuntu), builds offramp and runs its tests, then those of threads that share a model
# under ThreadSanitizer. Arguments go to ctest.
set -euo pipefail
cd "$(dirname "$0")"
cmake/install-packages.sh
cmake --preset dev
cmake --build --preset dev
ctest --preset dev --no-tests=error "$@"

cmake --preset tsan
cmake --build --preset tsan --target thread_tests
build/tsan/tests/thread_tests --gtest_brief=1
