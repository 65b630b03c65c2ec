// SPDX-License-Identifier: Apache-2.0
// Products by the tile registers of AMX (Intel SDM, volume 1, chapter 18): eight registers of up to 16 rows of 64
// bytes, four for the sums of 32 rows by 32 outputs and four for what is multiplied. Packed rows and packed weights of
// 32 outputs lie as the registers want them: a block of 16 rows, and of 16 outputs, is one register.
#pragma once

#include "tile_operands.hpp"

#include <offramp/load_options.hpp>
#include <offramp/nn/layout.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

inline constexpr std::size_t most_register_rows = 16;
inline constexpr std::size_t most_tile_rows = 2 * most_register_rows;
inline constexpr std::size_t tile_outputs = 32;

/// The registers by their use. `left` and `right` are the first and the last 16 outputs of a panel, `upper` and `lower`
/// the first 16 rows and those after them.
enum class tile_register {
  upper_left,
  upper_right,
  lower_left,
  lower_right,
  upper_rows,
  lower_rows,
  left_weights,
  right_weights,
};

/// The sizes of all registers, laid out for the instruction that sets them.
struct alignas(64) tile_configuration {
  std::uint8_t palette = 0;
  std::uint8_t start_row = 0;
  std::array<std::uint8_t, 14> reserved = {};
  std::array<std::uint16_t, 16> row_bytes = {};  // of the eight registers, then zeros; likewise below
  std::array<std::uint8_t, 16> rows = {};

  constexpr void set(tile_register which, std::size_t num_rows) {
    const auto index = static_cast<std::size_t>(which);
    row_bytes[index] = num_rows == 0 ? 0 : 64;
    rows[index] = static_cast<std::uint8_t>(num_rows);
  }
};
static_assert(sizeof(tile_configuration) == 64);

/// For products of 1 to 32 rows, by rows - 1. Constants, because g++ 12 would drop the stores to a local one.
inline constexpr auto tile_configurations = [] {
  std::array<tile_configuration, most_tile_rows> all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t upper = std::min(i + 1, most_register_rows);
    const std::size_t lower = i + 1 - upper;
    all[i].palette = 1;
    all[i].set(tile_register::upper_left, upper);
    all[i].set(tile_register::upper_right, upper);
    all[i].set(tile_register::upper_rows, upper);
    all[i].set(tile_register::lower_left, lower);
    all[i].set(tile_register::lower_right, lower);
    all[i].set(tile_register::lower_rows, lower);
    all[i].set(tile_register::left_weights, layout::block_units);
    all[i].set(tile_register::right_weights, layout::block_units);
  }
  return all;
}();

/// Calls each.operator()<register>(its sums in memory), for the sums of one panel whose rows lie `stride` numbers
/// apart. `register_rows` is 1 for up to 16 rows, else 2.
template <int register_rows, class Each>
[[gnu::always_inline]] inline void for_each_sum(void* sums, std::size_t stride, const Each& each) {
  using enum tile_register;
  constexpr std::size_t half = tile_outputs / 2;
  auto* upper = static_cast<std::uint32_t*>(sums);
  each.template operator()<upper_left>(upper);
  each.template operator()<upper_right>(upper + half);
  if constexpr (register_rows == 2) {
    std::uint32_t* lower = upper + most_register_rows * stride;
    each.template operator()<lower_left>(lower);
    each.template operator()<lower_right>(lower + half);
  }
}

/// Loads the sums, or begins at zero.
template <class Unit, int register_rows>
[[gnu::always_inline]] inline void begin_sums(void* sums, std::size_t stride, sums_begin begin) {
  for_each_sum<register_rows>(sums, stride, [&]<tile_register which>(std::uint32_t* memory) {
    if (begin == sums_begin::in_memory) {
      Unit::template load<which>(memory, stride * sizeof(std::uint32_t));
    } else {
      Unit::template zero<which>();
    }
  });
}

/// Adds the products of some rows with one panel of 32 outputs to `sums`, whose rows lie `stride` numbers apart, or to
/// zeros. Every sum grows block by block, so that it depends on its own row and output alone, and may be continued by a
/// later call.
/// `Unit` runs the instructions:
///     load<r>(memory, stride in bytes), store<r>(memory, stride in bytes), zero<r>()
///     multiply_int8<sums, rows, weights>()      tdpbusd: int32 sums of unsigned times signed bytes, without saturation
///     multiply_bfloat16<sums, rows, weights>()  tdpbf16ps: float32 sums of pairs
template <class Unit, numeric_format format, int register_rows>
[[gnu::noinline]] void multiply_by_tiles(const tile_operands& operands, void* sums, std::size_t stride,
                                         sums_begin begin) {
  using enum tile_register;
  constexpr std::size_t row_bytes = layout::block_units * sizeof(std::uint32_t);
  constexpr std::size_t weight_bytes = tile_outputs * sizeof(std::uint32_t);
  constexpr std::size_t half = tile_outputs / 2;
  constexpr bool has_lower = register_rows == 2;
  const auto multiply = []<tile_register target, tile_register left, tile_register right>() {
    if constexpr (format == numeric_format::int8) {
      Unit::template multiply_int8<target, left, right>();
    } else {
      Unit::template multiply_bfloat16<target, left, right>();
    }
  };
  const std::size_t sum_bytes = stride * sizeof(std::uint32_t);
  const std::size_t block_stride = operands.block_stride;
  const std::size_t lines = operands.ahead.lines;
  const std::uint32_t* row = operands.rows;
  const std::uint32_t* weights = operands.weights;
  const std::uint32_t* ahead = operands.ahead.from;

  const work_meanwhile meanwhile = operands.meanwhile;
  begin_sums<Unit, register_rows>(sums, stride, begin);
  for (std::size_t block = operands.blocks; block != 0; --block) {
    for (std::size_t line = lines; line != 0; --line) {
      bring_to_second_level(ahead);
      ahead += 16;
    }
    Unit::template load<upper_rows>(row, row_bytes);
    Unit::template load<left_weights>(weights, weight_bytes);
    multiply.template operator()<upper_left, upper_rows, left_weights>();
    Unit::template load<right_weights>(weights + half, weight_bytes);
    multiply.template operator()<upper_right, upper_rows, right_weights>();
    if constexpr (has_lower) {
      Unit::template load<lower_rows>(row + most_register_rows * layout::block_units, row_bytes);
      multiply.template operator()<lower_left, lower_rows, left_weights>();
      multiply.template operator()<lower_right, lower_rows, right_weights>();
    }
    row += block_stride;
    weights += layout::block_units * tile_outputs;
    if (meanwhile.step != nullptr) {
      meanwhile.step(meanwhile.work);
    }
  }
  for_each_sum<register_rows>(sums, stride, [&]<tile_register which>(std::uint32_t* memory) {
    Unit::template store<which>(memory, sum_bytes);
  });
}

/// As multiply_by_tiles, but of numbers that are each the sum of two of bfloat16, the lower in a block of its own
/// behind that of the higher: a product is the three larger of the four. `operands.blocks` counts these pairs of
/// blocks. The sums begin as what is in memory, or at zero.
template <class Unit, int register_rows>
[[gnu::noinline]] void multiply_split_by_tiles(const tile_operands& operands, float* sums, std::size_t stride,
                                               sums_begin begin) {
  using enum tile_register;
  constexpr std::size_t row_bytes = layout::block_units * sizeof(std::uint32_t);
  constexpr std::size_t weight_bytes = tile_outputs * sizeof(std::uint32_t);
  constexpr std::size_t block_weights = layout::block_units * tile_outputs;
  constexpr bool has_lower = register_rows == 2;
  const auto load_rows = [](const std::uint32_t* rows) {
    Unit::template load<upper_rows>(rows, row_bytes);
    if constexpr (has_lower) {
      Unit::template load<lower_rows>(rows + most_register_rows * layout::block_units, row_bytes);
    }
  };
  const auto load_weights = [](const std::uint32_t* weights) {
    Unit::template load<left_weights>(weights, weight_bytes);
    Unit::template load<right_weights>(weights + tile_outputs / 2, weight_bytes);
  };
  const auto multiply = [] {
    Unit::template multiply_bfloat16<upper_left, upper_rows, left_weights>();
    Unit::template multiply_bfloat16<upper_right, upper_rows, right_weights>();
    if constexpr (has_lower) {
      Unit::template multiply_bfloat16<lower_left, lower_rows, left_weights>();
      Unit::template multiply_bfloat16<lower_right, lower_rows, right_weights>();
    }
  };
  const std::size_t sum_bytes = stride * sizeof(float);
  const std::size_t block_stride = operands.block_stride;
  const std::uint32_t* rows = operands.rows;
  const std::uint32_t* weights = operands.weights;

  begin_sums<Unit, register_rows>(sums, stride, begin);
  for (std::size_t pair = operands.blocks; pair != 0; --pair) {
    load_rows(rows);
    load_weights(weights + block_weights);
    multiply();
    load_weights(weights);
    multiply();
    load_rows(rows + block_stride);
    multiply();
    rows += 2 * block_stride;
    weights += 2 * block_weights;
  }
  for_each_sum<register_rows>(sums, stride, [&]<tile_register which>(std::uint32_t* memory) {
    Unit::template store<which>(memory, sum_bytes);
  });
}

/// A unit behind function pointers, so that the code around the products is compiled once for every unit.
struct tile_engine {
  /// Sets the registers of this thread up for products of 1 to 32 rows.
  void (*configure)(std::size_t rows);
  /// Gives the registers of this thread up.
  void (*release)();
  /// multiply_by_tiles for the rows that this thread is configured for.
  void (*multiply_int8)(std::size_t rows, const tile_operands& operands, std::int32_t* sums, std::size_t stride,
                        sums_begin begin);
  void (*multiply_bfloat16)(std::size_t rows, const tile_operands& operands, float* sums, std::size_t stride,
                            sums_begin begin);
  /// multiply_split_by_tiles likewise.
  void (*multiply_split)(std::size_t rows, const tile_operands& operands, float* sums, std::size_t stride,
                         sums_begin begin);
};

template <class Unit, numeric_format format, class Sum>
void multiply_rows_by_tiles(std::size_t rows, const tile_operands& operands, Sum* sums, std::size_t stride,
                            sums_begin begin) {
  static_assert(sizeof(Sum) == sizeof(std::uint32_t));
  if (rows > most_register_rows) {
    multiply_by_tiles<Unit, format, 2>(operands, sums, stride, begin);
  } else {
    multiply_by_tiles<Unit, format, 1>(operands, sums, stride, begin);
  }
}

template <class Unit>
void multiply_split_rows_by_tiles(std::size_t rows, const tile_operands& operands, float* sums, std::size_t stride,
                                  sums_begin begin) {
  if (rows > most_register_rows) {
    multiply_split_by_tiles<Unit, 2>(operands, sums, stride, begin);
  } else {
    multiply_split_by_tiles<Unit, 1>(operands, sums, stride, begin);
  }
}

/// The engine of a unit, which besides multiply_by_tiles' functions has configure(tile_configuration) and release().
template <class Unit>
inline constexpr tile_engine tile_engine_of = {
    .configure = [](std::size_t rows) { Unit::configure(tile_configurations[rows - 1]); },
    .release = &Unit::release,
    .multiply_int8 = &multiply_rows_by_tiles<Unit, numeric_format::int8, std::int32_t>,
    .multiply_bfloat16 = &multiply_rows_by_tiles<Unit, numeric_format::bfloat16, float>,
    .multiply_split = &multiply_split_rows_by_tiles<Unit>,
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
