#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing (Debian or Ubuntu), builds offramp and runs its tests. Arguments go to ctest.
set -euo pipefail
cd "$(dirname "$0")"
cmake/install-packages.sh
cmake --preset dev -DOFFRAMP_BUILD_TESTS=ON -DOFFRAMP_BUILD_EXAMPLES=ON  # ./demo.sh turns them off
cmake --build --preset dev
ctest --preset dev --no-tests=error "$@"
