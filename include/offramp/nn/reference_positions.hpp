// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/aligned_vector.hpp>
#include <offramp/nn/dot.hpp>
#include <offramp/nn/kernels.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::reference {

inline constexpr std::size_t panel_width = 32;

/// The products of a row [inputs] with the outputs of one panel.
[[gnu::noinline]] inline void multiply_panel(const float* row, std::size_t inputs, const float* panel, float* sums) {
  using lanes = Eigen::Array<float, panel_width, 1>;
  lanes sum = lanes::Zero();
  for (std::size_t i = 0; i < inputs; ++i) {
    sum += row[i] * Eigen::Map<const lanes>(panel + i * panel_width);
  }
  Eigen::Map<lanes>{sums} = sum;
}

/// The product of a vector [size] with one of the rows.
inline float dot_with_row(const float* vector, const position_rows& rows, std::size_t row, std::size_t size) {
  float sum = 0.0F;
  const float* block = rows.row(row);
  for (std::size_t first = 0; first < size; first += layout::block_units, block += rows.block_stride()) {
    sum += dot(vector + first, block, std::min(layout::block_units, size - first));
  }
  return sum;
}

/// Adds to the scores [tokens] of one query what positions add, see head_positions. `query`: scaled, [size].
inline void add_position_products(const attention_head& head, std::size_t index, const float* query,
                                  aligned_vector<float>& products, std::span<float> scores) {
  const std::uint32_t* before = head.places->of_distances() - index;  // by key
  if (const linear& keys = head.positions->keys; keys.outputs() != 0) {
    const std::size_t first = before[0] / panel_width;
    const std::size_t last = before[scores.size() - 1] / panel_width;
    products.resize(std::max(products.size(), (last + 1 - first) * panel_width));
    for (std::size_t panel = first; panel <= last; ++panel) {
      multiply_panel(query, head.size, reinterpret_cast<const float*>(keys.panel(panel)),
                     products.data() + (panel - first) * panel_width);
    }
    for (std::size_t key = 0; key < scores.size(); ++key) {
      scores[key] += products[before[key] - first * panel_width];
    }
  }
  if (const position_rows& queries = head.positions->queries; !queries.empty()) {
    const std::uint32_t* behind = head.places->of_distances() + index;
    for (std::size_t key = 0; key < scores.size(); ++key, --behind) {
      scores[key] += dot_with_row(head.key + key * head.key_value_stride, queries, *behind, head.size);
    }
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::reference
