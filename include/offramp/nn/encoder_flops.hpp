// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/encoder.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Floating-point operations of one layer on a text of n tokens. With h hidden and i intermediate units,
///
///     2 n (4 h^2 + 2 h i) + 4 p h
///
/// are those of its products: query, key, value and output, the feed-forward network (3 h i where it is gated), and
/// scores with the sums that they weigh, over the p = n^2 pairs of a query and a key (n (2 r + 1) at most, where layers
/// see r tokens to either side). Each way of comparing relative positions adds 2 p h.
[[nodiscard]] inline std::int64_t count_layer_flops(const encoder& all, const encoder_layer& layer,
                                                    std::size_t tokens) {
  const std::size_t hidden = all.hidden;
  const std::size_t per_token = 4 * hidden * hidden + (layer.gate ? 3U : 2U) * hidden * layer.intermediate.outputs();
  const std::size_t seen = layer.is_local ? all.window.visible_keys(tokens) : tokens;
  std::size_t products = 2;
  if (!layer.positions.empty()) {
    products +=
        (layer.positions.front().keys.outputs() > 0 ? 1U : 0U) + (layer.positions.front().queries.empty() ? 0U : 1U);
  }
  return static_cast<std::int64_t>(2 * tokens * per_token + 2 * products * tokens * seen * hidden);
}

/// Of the first `layers` layers; the largest number there is where they are more.
[[nodiscard]] inline std::int64_t count_flops(const encoder& all, std::size_t layers, std::size_t tokens) {
  std::int64_t sum = 0;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    const std::int64_t more = count_layer_flops(all, all.layer(layer), tokens);
    if (more > std::numeric_limits<std::int64_t>::max() - sum) {
      return std::numeric_limits<std::int64_t>::max();
    }
    sum += more;
  }
  return sum;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
