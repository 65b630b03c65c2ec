// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/load_options.hpp>

#include <cstddef>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// How the operands of y = W x + b lie in memory, shared by all kernels. The smallest piece is a *unit*: the 32 bits
/// that one lane of a multiply-add takes in, which hold one float32, two bfloat16 or four int8 inputs. Inputs are
/// padded with zeros to whole *blocks* of 16 units, one cache line of a row.
///
///     packed rows    [groups][blocks][rows of a group][16 units]
///     packed weights [panels][weight_units][panel_width outputs]
struct layout {
  numeric_format format = numeric_format::float32;
  /// Outputs whose weights lie side by side; what two or three vector registers hold.
  std::size_t panel_width = 32;
  /// The products of bfloat16 are taken on float32 values that were rounded to bfloat16; rows then lie as float32.
  bool widens_rows = false;
  /// int8 weights are stored with 128 added, as unsigned bytes, and packed rows have sums beside them.
  bool has_unsigned_weights = false;
  /// Packed rows have an excess apart as well.
  bool puts_excess_aside = false;

  static constexpr std::size_t block_units = 16;

  /// Inputs in one unit of the weights.
  [[nodiscard]] constexpr std::size_t unit_inputs() const noexcept {
    return format == numeric_format::int8 ? 4 : format == numeric_format::bfloat16 ? 2 : 1;
  }
  /// Inputs in one unit of a packed row.
  [[nodiscard]] constexpr std::size_t row_unit_inputs() const noexcept { return widens_rows ? 1 : unit_inputs(); }

  /// Blocks of a packed row of so many inputs.
  [[nodiscard]] constexpr std::size_t row_blocks(std::size_t inputs) const noexcept {
    return ceil_divide(inputs, block_units * row_unit_inputs());
  }
  /// Units of one output's packed weights.
  [[nodiscard]] constexpr std::size_t weight_units(std::size_t inputs) const noexcept {
    return row_blocks(inputs) * block_units * row_unit_inputs() / unit_inputs();
  }
  [[nodiscard]] constexpr std::size_t panels(std::size_t outputs) const noexcept {
    return ceil_divide(outputs, panel_width);
  }

  static constexpr std::size_t ceil_divide(std::size_t a, std::size_t b) noexcept { return (a + b - 1) / b; }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
