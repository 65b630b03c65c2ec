// SPDX-License-Identifier: Apache-2.0
// The choice of kernels, in parts that tests can reach.
#pragma once

#include "cpu_features.hpp"
#include "tile_engine.hpp"

#include <offramp/nn/kernels.hpp>

#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// The kernels that a CPU of this one's target with `extras` would get. To run them, it needs to be that CPU.
[[nodiscard]] kernels choose_kernels(const load_options& options, cpu_extras extras);

/// The kernels for `format` of every target in the library that this CPU runs, and with every part of its extras.
[[nodiscard]] std::vector<kernels> all_kernels(numeric_format format);

/// kernels::multiply and kernels::attend on any tile engine, the former between rows and weights as this CPU's kernels
/// by dot products pack them. int8 takes the vector instructions for up to 16 rows, where they are faster and give the
/// same sums.
struct tile_multiplication {
  using function = void(const tile_engine& engine, const packed_rows& rows, const linear& weights, index_range panels,
                        const product_target& target);
  function* int8 = nullptr;
  function* bfloat16 = nullptr;
  void (*attention)(const tile_engine& engine, const attention_head& head, attention_scratch& scratch) = nullptr;
};

/// Null functions where the CPU lacks the vector instructions around the tiles: AVX-512 with VNNI, as every CPU with
/// AMX has them. bfloat16 rows are to be packed as pairs; attention wants instructions for bfloat16 of the CPU.
[[nodiscard]] tile_multiplication choose_tile_multiplication();

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
