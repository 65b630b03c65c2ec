// SPDX-License-Identifier: Apache-2.0
// What the inner loops of products take, whatever they are compiled for.
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Weights to bring into the second-level cache while a tile is computed: `lines` cache lines with each block.
struct prefetch {
  const std::uint32_t* from = nullptr;
  std::size_t lines = 0;
};

[[gnu::always_inline]] inline void bring_to_second_level(const std::uint32_t* line) { __builtin_prefetch(line, 0, 2); }

/// Work that takes the time while tile registers multiply: step(work) is called with each block.
struct work_meanwhile {
  void (*step)(void* work) = nullptr;
  void* work = nullptr;
};

/// What a tile multiplies: `blocks` blocks of packed rows, the first row's units at `rows`, the next block of the same
/// row `block_stride` units further, with the weights of one panel.
struct tile_operands {
  const std::uint32_t* rows;
  std::size_t block_stride;
  const std::uint32_t* weights;
  std::size_t blocks;
  prefetch ahead;
  work_meanwhile meanwhile = {};  // of tile engines alone
};

/// What the sums of a tile are before its products are added.
enum class sums_begin { at_zero, in_memory };

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
