// SPDX-License-Identifier: Apache-2.0
// The inner loop of every product.
#if defined(OFFRAMP_KERNELS_TILE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_TILE_INL
#undef OFFRAMP_KERNELS_TILE_INL
#else
#define OFFRAMP_KERNELS_TILE_INL
#endif

#include "products-inl.hpp"
#include "tile_operands.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

/// Adds the products of `height` rows with one panel to `sums`, whose rows lie `stride` apart. Every sum grows over the
/// inputs in their order, so that it depends on its own row and output alone, and may be continued by a later call.
template <class Products, int height>
HWY_INLINE void multiply_rows(const tile_operands& operands, typename Products::value* sums, std::size_t stride) {
  tile_sums<Products, height> tile;
  tile.load(sums, stride);
  const std::uint32_t* row = operands.rows;
  const std::uint32_t* weights = operands.weights;
  const std::uint32_t* ahead = operands.ahead.from;
  for (std::size_t block = operands.blocks; block != 0; --block) {
    for (std::size_t line = operands.ahead.lines; line != 0; --line) {
      bring_to_second_level(ahead);
      ahead += 16;
    }
    for (std::size_t four = 0; four < layout::block_units / 4; ++four) {
      Products::add_four(tile, row, weights);
      row += 4;
      weights += Products::four_units * panel_width<Products>();
    }
    row += operands.block_stride - layout::block_units;
  }
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  asm("" : "+r"(sums), "+r"(stride));  // else g++ keeps twelve addresses in registers through the loop, and spills
#endif
  tile.store(sums, stride);
}

/// By reference: copying the operands would read in vectors what was just written in words, and so wait until those
/// words, and every store before them, are in the cache.
template <class Products, int height>
HWY_NOINLINE void multiply_tile(const tile_operands& operands, typename Products::value* sums, std::size_t stride) {
  multiply_rows<Products, height>(operands, sums, stride);
}

template <class Products>
using tile_function = void (*)(const tile_operands&, typename Products::value*, std::size_t);

/// multiply_tile of 1 to Products::tallest rows, by height - 1.
template <class Products>
inline constexpr auto tiles = []<int... index>(std::integer_sequence<int, index...>) {
  return std::array<tile_function<Products>, sizeof...(index)>{&multiply_tile<Products, index + 1>...};
}
(std::make_integer_sequence<int, Products::tallest>());

/// A product's tiles by the vector registers.
template <class Products>
struct vector_tiles {
  /// Whether tile_operands::meanwhile is done.
  static constexpr bool works_meanwhile = false;

  void multiply(std::size_t height, const tile_operands& operands, typename Products::value* sums, std::size_t stride,
                sums_begin begin) const {
    for (std::size_t row = 0; begin == sums_begin::at_zero && row < height; ++row) {
      std::fill_n(sums + row * stride, panel_width<Products>(), typename Products::value{});
    }
    tiles<Products>[height - 1](operands, sums, stride);
  }
};

/// Adds to the sums of one row, by one panel's weights, the products of what was taken from its units.
template <class Products>
HWY_INLINE void add_excess(std::span<const packed_rows::excess_unit> excess, const std::uint32_t* weights,
                           std::int32_t* sums) {
  if (excess.empty()) {
    return;
  }
  vectors_of<std::int32_t, Products::vectors> total;
  total.load(sums);
  for (const packed_rows::excess_unit& unit : excess) {
    vectors_of<std::int32_t, Products::vectors> inputs;
    inputs.load(reinterpret_cast<const std::int32_t*>(weights + unit.index * panel_width<Products>()));
    total.template add<Products>(Products::broadcast(&unit.values), inputs);
  }
  total.store(sums);
}

/// Rows of a product cut into tiles of nearly equal height, the taller ones first: as few as the registers allow, but
/// two where one would be too tall to stand alone.
struct row_tiles {
  std::size_t first;
  std::size_t rows;
  std::size_t count;
  // Divided once: begin and height are asked for with every tile of every panel.
  std::size_t lowest;
  std::size_t taller;  // tiles of a row more

  template <class Products>
  static row_tiles of(std::size_t first, std::size_t rows) {
    constexpr std::size_t tallest = Products::tallest;
    constexpr std::size_t tallest_alone = Products::tallest_alone;
    const std::size_t count =
        rows <= tallest_alone ? 1 : std::max<std::size_t>(2, layout::ceil_divide(rows, tallest));
    return {first, rows, count, rows / count, rows % count};
  }
  [[nodiscard]] std::size_t begin(std::size_t tile) const { return first + lowest * tile + std::min(tile, taller); }
  [[nodiscard]] std::size_t height(std::size_t tile) const { return lowest + (tile < taller ? 1 : 0); }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
