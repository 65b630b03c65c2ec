// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/aligned_vector.hpp>
#include <offramp/nn/layout.hpp>

#include <cstddef>
#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// The input rows of a product, as the kernels of one layout read them. Reused from product to product; grows to the
/// largest seen.
class packed_rows {
 public:
  /// Makes room for rows [rows, inputs]; their content is then undefined.
  void resize(const layout& layout, std::size_t rows, std::size_t inputs) {
    rows_ = rows;
    inputs_ = inputs;
    blocks_ = layout.row_blocks(inputs);
    grow(units_, rows * blocks_ * layout::block_units);
    grow(scales_, rows);
  }

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t inputs() const noexcept { return inputs_; }
  [[nodiscard]] std::size_t blocks() const noexcept { return blocks_; }
  /// Of memory.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_of(units_) + bytes_of(scales_); }

  /// The units of one row in one block, [16].
  [[nodiscard]] std::uint32_t* block(std::size_t block, std::size_t row) noexcept {
    return units_.data() + (block * rows_ + row) * layout::block_units;
  }
  [[nodiscard]] const std::uint32_t* block(std::size_t block, std::size_t row) const noexcept {
    return units_.data() + (block * rows_ + row) * layout::block_units;
  }

  /// What a row's int8 values are multiplied by; unused in other formats.
  [[nodiscard]] float& scale(std::size_t row) noexcept { return scales_[row]; }
  [[nodiscard]] float scale(std::size_t row) const noexcept { return scales_[row]; }

 private:
  std::size_t rows_ = 0;
  std::size_t inputs_ = 0;
  std::size_t blocks_ = 0;
  aligned_vector<std::uint32_t> units_;
  aligned_vector<float> scales_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
