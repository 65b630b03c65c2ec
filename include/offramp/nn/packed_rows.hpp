// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/aligned_vector.hpp>
#include <offramp/nn/layout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// The input rows of a product, as the kernels of one layout read them. Reused from product to product; grows to the
/// largest seen.
class packed_rows {
 public:
  /// Rows that lie together, and are multiplied with all weights before the next ones: theirs and a panel of weights
  /// fit the second-level cache. Five of AMX's tiles.
  static constexpr std::size_t most_rows_of_group = 160;

  /// Where a row lies: its block b begins b * block_stride units behind the first one. So does that of the rows after
  /// it in its group, 16 units further each.
  template <class Unit>
  struct place {
    Unit* units;
    std::size_t block_stride;

    [[nodiscard]] Unit* block(std::size_t index) const noexcept { return units + index * block_stride; }
  };

  /// What was taken from a unit of an int8 row, because a pair of its values, multiplied with unsigned weights, may
  /// exceed 16 bits: four values to be multiplied with the same weights once more.
  struct excess_unit {
    std::uint32_t index;  // of the unit in its row
    std::uint32_t values;
  };

  /// As few groups as may be, of whole tiles of AMX where that leaves half a group or more for the last, else of about
  /// the same size: a last one of a few rows would read all weights for those.
  [[nodiscard]] static constexpr std::size_t choose_rows_of_group(std::size_t rows) noexcept {
    constexpr std::size_t tile = 32;
    if (rows <= most_rows_of_group) {
      return rows;
    }
    const std::size_t groups = layout::ceil_divide(rows, most_rows_of_group);
    const std::size_t even = layout::ceil_divide(rows, groups);
    const std::size_t whole_tiles = layout::ceil_divide(even, tile) * tile;
    return 2 * (groups - 1) * whole_tiles + whole_tiles <= 2 * rows ? whole_tiles : even;
  }

  /// Makes room for rows [rows, inputs], and for any that need no more.
  void reserve(const layout& layout, std::size_t rows, std::size_t inputs) {
    const std::size_t units = rows * layout.row_blocks(inputs) * layout::block_units;
    grow(units_, units);
    grow(scales_, rows);
    if (layout.has_unsigned_weights) {
      grow(sums_, rows);
    }
    if (layout.puts_excess_aside) {
      grow(excess_, units);
      grow(excess_counts_, rows);
    }
  }

  /// As reserve, and these are the rows from now on; their content is then undefined.
  void resize(const layout& layout, std::size_t rows, std::size_t inputs) {
    reserve(layout, rows, inputs);
    rows_ = rows;
    rows_of_group_ = choose_rows_of_group(rows);
    inputs_ = inputs;
    blocks_ = layout.row_blocks(inputs);
  }

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  /// The last group may have fewer.
  [[nodiscard]] std::size_t rows_of_group() const noexcept { return rows_of_group_; }
  [[nodiscard]] std::size_t inputs() const noexcept { return inputs_; }
  [[nodiscard]] std::size_t blocks() const noexcept { return blocks_; }
  /// Of memory.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_of(units_) + bytes_of(scales_) + bytes_of(sums_) + bytes_of(excess_) + bytes_of(excess_counts_);
  }

  [[nodiscard]] place<std::uint32_t> row(std::size_t index) noexcept { return locate(units_.data(), index); }
  [[nodiscard]] place<const std::uint32_t> row(std::size_t index) const noexcept {
    return locate(units_.data(), index);
  }

  /// What a row's int8 values are multiplied by; unused in other formats.
  [[nodiscard]] float& scale(std::size_t row) noexcept { return scales_[row]; }
  [[nodiscard]] float scale(std::size_t row) const noexcept { return scales_[row]; }

  /// The sum of a row's int8 values, excess included; for unsigned weights alone.
  [[nodiscard]] std::int32_t& sum(std::size_t row) noexcept { return sums_[row]; }
  [[nodiscard]] std::int32_t sum(std::size_t row) const noexcept { return sums_[row]; }

  /// What was taken from a row's units, no unit twice; where layout::puts_excess_aside.
  [[nodiscard]] std::span<const excess_unit> excess(std::size_t row) const noexcept {
    return {excess_.data() + row * row_units(), excess_counts_[row]};
  }
  void clear_excess(std::size_t row) noexcept { excess_counts_[row] = 0; }
  void add_excess(std::size_t row, const excess_unit& unit) noexcept {
    excess_[row * row_units() + excess_counts_[row]++] = unit;
  }

 private:
  [[nodiscard]] std::size_t row_units() const noexcept { return blocks_ * layout::block_units; }

  template <class Unit>
  [[nodiscard]] place<Unit> locate(Unit* units, std::size_t index) const noexcept {
    const std::size_t first = index / rows_of_group_ * rows_of_group_;
    const std::size_t together = std::min(rows_of_group_, rows_ - first);
    return {units + (first * blocks_ + index - first) * layout::block_units, together * layout::block_units};
  }

  std::size_t rows_ = 0;
  std::size_t rows_of_group_ = 0;
  std::size_t inputs_ = 0;
  std::size_t blocks_ = 0;
  aligned_vector<std::uint32_t> units_;
  aligned_vector<float> scales_;
  aligned_vector<std::int32_t> sums_;
  aligned_vector<excess_unit> excess_;  // [rows][units of a row], of which each row has excess_counts_
  aligned_vector<std::uint32_t> excess_counts_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
