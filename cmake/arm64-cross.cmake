# SPDX-License-Identifier: Apache-2.0
# Toolchain file: compiles for arm64 Linux with Debian's cross compiler and runs what was built under qemu-user, on the CPU
# that QEMU_CPU names (all that qemu knows unless set). unpack-arm64-packages.sh brings the compiled dependencies; headers
# come from the host's packages.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

cmake_path(SET packages NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../build/arm64-packages)
list(APPEND CMAKE_FIND_ROOT_PATH ${packages})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
