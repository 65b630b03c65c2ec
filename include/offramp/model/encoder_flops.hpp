// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/config.hpp>
#include <offramp/nn/attention_window.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// Floating-point operations of layer `index`, from 0 on, on a text of n tokens. With h hidden and i intermediate
/// units,
///
///     2 n (4 h^2 + 2 h i) + 4 p h
///
/// are those of its products: query, key, value and output, the feed-forward network (3 h i where it is gated), and
/// scores with the sums that they weigh, over the p = n^2 pairs of a query and a key (n (2 r + 1) at most, where layers
/// see r tokens to either side). Each way of comparing relative positions adds 2 p h.
[[nodiscard]] inline std::int64_t count_layer_flops(const config& shape, std::size_t index, std::size_t tokens) {
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const auto intermediate = static_cast<std::size_t>(shape.intermediate_size);
  const std::size_t per_token = 4 * hidden * hidden + (shape.family->is_gated ? 3U : 2U) * hidden * intermediate;
  std::size_t seen = tokens;
  if (!shape.attention.empty() && shape.attention[index].reach) {
    seen = nn::attention_window(static_cast<std::size_t>(*shape.attention[index].reach)).visible_keys(tokens);
  }
  const std::size_t products = 1 + (shape.relative.has_table() ? static_cast<std::size_t>(shape.relative.terms()) : 1U);
  return static_cast<std::int64_t>(2 * tokens * per_token + 2 * products * tokens * seen * hidden);
}

/// Of the first `layers` layers; the largest number there is where they are more.
[[nodiscard]] inline std::int64_t count_flops(const config& shape, std::size_t layers, std::size_t tokens) {
  std::int64_t sum = 0;
  for (std::size_t index = 0; index < layers; ++index) {
    const std::int64_t more = count_layer_flops(shape, index, tokens);
    if (more > std::numeric_limits<std::int64_t>::max() - sum) {
      return std::numeric_limits<std::int64_t>::max();
    }
    sum += more;
  }
  return sum;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
