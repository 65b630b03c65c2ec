// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/aligned_vector.hpp>
#include <offramp/nn/layout.hpp>
#include <offramp/nn/linear.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// A float32 matrix packed as the rows of a product, which may begin with any row: [blocks][rows][16 units].
class position_rows {
 public:
  position_rows() = default;
  position_rows(std::size_t rows, std::size_t inputs)
      : rows_(rows), units_(layout{}.row_blocks(inputs) * rows * layout::block_units, 0.0F) {}

  void set_row(std::size_t row, std::span<const float> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      units_[i / layout::block_units * block_stride() + row * layout::block_units + i % layout::block_units] =
          values[i];
    }
  }

  [[nodiscard]] bool empty() const noexcept { return rows_ == 0; }
  /// Its first block; the next is block_stride() further.
  [[nodiscard]] const float* row(std::size_t index) const noexcept {
    return units_.data() + index * layout::block_units;
  }
  [[nodiscard]] std::size_t block_stride() const noexcept { return rows_ * layout::block_units; }
  [[nodiscard]] std::size_t bytes() const noexcept { return units_.size() * sizeof(float); }

 private:
  std::size_t rows_ = 0;
  aligned_vector<float> units_;
};

/// What one head of a layer makes of the relative embeddings, by place (relative_places), in float32: to the score of
/// a key for a query, place k - q of `keys` adds its product with the scaled query, and place q - k of `queries` its
/// product with the key. Either may be empty.
struct head_positions {
  linear keys;            // [places] outputs of [size] inputs
  position_rows queries;  // [places, size], scaled as queries are

  [[nodiscard]] std::size_t bytes() const noexcept { return keys.bytes() + queries.bytes(); }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
