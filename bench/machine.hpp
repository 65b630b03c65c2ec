// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace offramp_bench {

/// What the machine can do at most, measured by itself: the best of many short runs. 0 stands for what the CPU lacks.
struct peaks {
  double float32 = 0.0;       ///< fused multiply-adds in the widest vectors, FLOP/s (two per multiply-add)
  double int8_dot = 0.0;      ///< dot products into int32, by VNNI or AVX2's three instructions, operations/s
  double bfloat16_dot = 0.0;  ///< `vdpbf16ps`, FLOP/s
  double int8_tile = 0.0;     ///< AMX tiles, operations/s
  double bfloat16_tile = 0.0;
  double l2_read = 0.0;  ///< bytes/s of a working set that fits in L2, in all threads together; likewise below
  double l3_read = 0.0;
  double dram_read = 0.0;

  /// The highest rate at which linear layers could run in that format.
  [[nodiscard]] double int8() const { return int8_tile > int8_dot ? int8_tile : int8_dot; }
  [[nodiscard]] double bfloat16() const {
    const double wider = bfloat16_tile > bfloat16_dot ? bfloat16_tile : bfloat16_dot;
    return wider > float32 ? wider : float32;
  }
};

/// Sizes in bytes of the caches that one core sees, as the system reports them.
struct cache_sizes {
  std::size_t l2 = 0;
  std::size_t l3 = 0;
};

/// Measures on `threads` threads at once, some seconds long. Throws std::invalid_argument for fewer than one thread.
[[nodiscard]] peaks measure_peaks(int threads);

[[nodiscard]] cache_sizes read_cache_sizes();

/// The CPU's name as the system reports it.
[[nodiscard]] std::string cpu_name();

}  // namespace offramp_bench
