// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace offramp_bench {

/// A loop that only computes: `run(rounds)` does `rounds * operations_per_round` operations in registers.
struct arithmetic_kernel {
  void (*run)(std::size_t rounds) = nullptr;  // null where this CPU or compiler has no such instruction
  double operations_per_round = 0.0;
};

/// The widest multiply-add in float32 that this CPU runs.
[[nodiscard]] arithmetic_kernel float32_kernel();
/// Four int8 products at a time into int32: by VNNI, else by three instructions of AVX2, whose first one saturates.
[[nodiscard]] arithmetic_kernel int8_dot_kernel();
[[nodiscard]] arithmetic_kernel bfloat16_dot_kernel();
/// AMX; the operating system was asked for the tile state and agreed.
[[nodiscard]] arithmetic_kernel int8_tile_kernel();
[[nodiscard]] arithmetic_kernel bfloat16_tile_kernel();

/// What a working set's size is a multiple of.
inline constexpr std::size_t read_step = 512;

/// Reads `bytes` bytes, a multiple of read_step, aligned to 64, with the widest loads.
using read_kernel = void (*)(const std::byte* data, std::size_t bytes);
[[nodiscard]] read_kernel widest_read_kernel();

}  // namespace offramp_bench
