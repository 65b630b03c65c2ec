// SPDX-License-Identifier: Apache-2.0
// The arithmetic of products, one struct for each way to multiply: how four units of a row are multiplied with the
// weights of a panel of outputs and added to their sums. A struct states:
//   value         what a sum is: float, or int32 for int8
//   vectors       the vectors of outputs in a panel
//   tallest       the most rows of sums that fit the registers beside the operands
//   tallest_alone the most rows that one tile should take where it is the only one
//   four_units    the weights' units for four units of a row
//   blocks_at_once the most blocks that the tiles of a panel take before its next ones
// and, of int8:
//   row_offset     added to the rows' values, which then are unsigned bytes; or 0
//   weight_offset  likewise to the weights'
//   puts_excess_aside whether rows are to be packed with an excess (packed_rows)
#if defined(OFFRAMP_KERNELS_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_PRODUCTS_INL
#undef OFFRAMP_KERNELS_PRODUCTS_INL
#else
#define OFFRAMP_KERNELS_PRODUCTS_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <limits>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 32 vector registers hold 12 rows of two vectors; 16 hold 6, or 5 where a product takes a register before it is added.
// Beyond 10 rows g++ moves NEON's sums from one register to another.
#if HWY_ARCH_ARM_A64
inline constexpr int tallest_tile = 10;
#elif HWY_TARGET <= HWY_AVX3
inline constexpr int tallest_tile = 12;
#elif HWY_TARGET <= HWY_AVX2
inline constexpr int tallest_tile = 6;
#else
inline constexpr int tallest_tile = 5;
#endif

inline constexpr std::size_t all_blocks = std::numeric_limits<std::size_t>::max();

// A single tall tile would leave the memory idle while it multiplies.
constexpr int two_thirds(int tallest) { return tallest * 2 / 3; }

template <class Value>
using tag = hn::ScalableTag<Value>;
template <class Value>
using vector = hn::Vec<tag<Value>>;

/// Floats in a vector. Highway's scalable targets are left out: the layouts need a constant.
constexpr std::size_t lanes() { return HWY_LANES(float); }

/// A sum that took several instructions, finished before the next is begun: g++ would keep many half-finished ones, and
/// spill.
template <class Sum>
HWY_INLINE Sum in_order(Sum sum) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3
  asm volatile("" : "+v"(sum.raw));
#endif
  return sum;
}

/// Vectors side by side. Recursive, so that every compiler keeps each in a register.
template <class Value, int count>
struct vectors_of {
  vector<Value> first;
  vectors_of<Value, count - 1> others;

  // Written out: g++ gives one of its own making no target attributes, and those of NEON's vectors want them.
  HWY_INLINE vectors_of() {}
  HWY_INLINE void load(const Value* from) {
    first = hn::LoadU(tag<Value>(), from);
    others.load(from + lanes());
  }
  HWY_INLINE void store(Value* to) const {
    hn::StoreU(first, tag<Value>(), to);
    others.store(to + lanes());
  }
  /// Each of them as load(units), `lanes` units further.
  template <class Load>
  HWY_INLINE void load_by(const Load& load, const std::uint32_t* units) {
    first = load(units);
    others.load_by(load, units + lanes());
  }
  /// Adds the products of one unit of a row with the weights of one unit.
  template <class Products, class Unit, class Weight>
  HWY_INLINE void add(Unit unit, const vectors_of<Weight, count>& weights) {
    first = Products::add(first, unit, weights.first);
    others.template add<Products>(unit, weights.others);
  }
};

template <class Value>
struct vectors_of<Value, 0> {
  HWY_INLINE void load(const Value* /*from*/) {}
  HWY_INLINE void store(Value* /*to*/) const {}
  template <class Load>
  HWY_INLINE void load_by(const Load& /*load*/, const std::uint32_t* /*units*/) {}
  template <class Products, class Unit, class Weight>
  HWY_INLINE void add(Unit /*unit*/, const vectors_of<Weight, 0>& /*weights*/) {}
};

/// Outputs of a panel.
template <class Products>
constexpr std::size_t panel_width() {
  return Products::vectors * lanes();
}

/// The sums of `height` rows by a panel of outputs.
template <class Products, int height>
struct tile_sums {
  using value = typename Products::value;
  vectors_of<value, Products::vectors> top;
  tile_sums<Products, height - 1> below;

  HWY_INLINE tile_sums() {}
  HWY_INLINE void load(const value* rows, std::size_t stride) {
    top.load(rows);
    below.load(rows + stride, stride);
  }
  HWY_INLINE void store(value* rows, std::size_t stride) const {
    top.store(rows);
    below.store(rows + stride, stride);
  }
  /// Adds the products of one unit of each row, the first at `row`, with the weights of one unit.
  template <class Weights>
  HWY_INLINE void add(const std::uint32_t* row, const Weights& weights) {
    top.template add<Products>(Products::broadcast(row), weights);
    below.add(row + layout::block_units, weights);
  }
};

template <class Products>
struct tile_sums<Products, 0> {
  using value = typename Products::value;
  HWY_INLINE void load(const value* /*rows*/, std::size_t /*stride*/) {}
  HWY_INLINE void store(value* /*rows*/, std::size_t /*stride*/) const {}
  template <class Weights>
  HWY_INLINE void add(const std::uint32_t* /*row*/, const Weights& /*weights*/) {
    asm volatile("" ::: "memory");  // else g++ loads the operands of several units ahead, and spills
  }
};

/// Products whose weights have as many inputs in a unit as the rows, and meet them as vectors of `Value`.
template <class Value>
struct unit_by_unit {
  static constexpr int vectors = 2;
  static constexpr std::size_t four_units = 4;
  static constexpr std::size_t blocks_at_once = all_blocks;

  static HWY_INLINE vector<Value> broadcast(const std::uint32_t* unit) {
    return hn::Set(tag<Value>(), *reinterpret_cast<const Value*>(unit));
  }

  template <class Products, int height>
  static HWY_INLINE void add_four(tile_sums<Products, height>& sums, const std::uint32_t* row,
                                  const std::uint32_t* weights) {
    // Written out: g++ keeps a loop.
    constexpr std::size_t width = panel_width<Products>();
    add_one(sums, row, weights);
    add_one(sums, row + 1, weights + width);
    add_one(sums, row + 2, weights + 2 * width);
    add_one(sums, row + 3, weights + 3 * width);
  }

 private:
  template <class Products, int height>
  static HWY_INLINE void add_one(tile_sums<Products, height>& sums, const std::uint32_t* unit,
                                 const std::uint32_t* weights) {
    vectors_of<Value, Products::vectors> inputs;
    inputs.load(reinterpret_cast<const Value*>(weights));
    sums.add(unit, inputs);
  }
};

struct float32_products : unit_by_unit<float> {
  using value = float;
  static constexpr int tallest = tallest_tile;
  static constexpr int tallest_alone = two_thirds(tallest);

  static HWY_INLINE vector<float> add(vector<float> sum, vector<float> row, vector<float> weights) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
    // Not MulAdd: g++ lets sums change places with the row's units, and spills the tallest tile.
    asm("vfmadd231ps %2, %1, %0" : "+v"(sum.raw) : "v"(row.raw), "v"(weights.raw));
    return sum;
#else
    return in_order(hn::MulAdd(row, weights, sum));
#endif
  }
};

/// bfloat16 weights widened to float32 in registers; the rows are float32 that were rounded to bfloat16.
struct widened_bfloat16_products {
  using value = float;
  // As many sums as in a tile of float32, but 11 loads instead of 14 for them, which leaves time for the widening.
  static constexpr int vectors = tallest_tile == 12 ? 3 : 2;
  static constexpr int tallest = tallest_tile == 12 ? 8 : tallest_tile < 10 ? tallest_tile - 1 : tallest_tile;
  static constexpr int tallest_alone = tallest_tile == 12 ? tallest : two_thirds(tallest);
  static constexpr std::size_t four_units = 2;
  static constexpr std::size_t blocks_at_once = all_blocks;

  static HWY_INLINE vector<float> broadcast(const std::uint32_t* unit) { return float32_products::broadcast(unit); }
  static HWY_INLINE vector<float> add(vector<float> sum, vector<float> row, vector<float> weights) {
    return float32_products::add(sum, row, weights);
  }
  static HWY_INLINE vector<float> even(vector<std::int32_t> weights) {
    return hn::BitCast(tag<float>(), hn::ShiftLeft<16>(weights));
  }
  static HWY_INLINE vector<float> odd(vector<std::int32_t> weights) {
    const auto upper = hn::Set(tag<std::int32_t>(), static_cast<std::int32_t>(0xFFFF0000U));
    return hn::BitCast(tag<float>(), hn::And(weights, upper));
  }
  template <class Products, int height>
  static HWY_INLINE void add_four(tile_sums<Products, height>& sums, const std::uint32_t* row,
                                  const std::uint32_t* weights) {
    add_two(sums, row, weights);
    add_two(sums, row + 2, weights + panel_width<Products>());
  }

 private:
  template <class Products, int height>
  static HWY_INLINE void add_two(tile_sums<Products, height>& sums, const std::uint32_t* row,
                                 const std::uint32_t* weights) {
    // Loaded twice: kept for the odd inputs, they would take the registers of some sums.
    const auto load = [](const std::uint32_t* units) OFFRAMP_ATTR {
      return hn::Load(tag<std::int32_t>(), reinterpret_cast<const std::int32_t*>(units));
    };
    vectors_of<float, Products::vectors> inputs;
    inputs.load_by([&](const std::uint32_t* units) OFFRAMP_ATTR { return even(load(units)); }, weights);
    sums.add(row, inputs);
    inputs.load_by([&](const std::uint32_t* units) OFFRAMP_ATTR { return odd(load(units)); }, weights);
    sums.add(row + 1, inputs);
  }
};

#if OFFRAMP_HAS_DOT_PRODUCTS
/// Pairs of bfloat16 by the instruction for it.
struct bfloat16_products : unit_by_unit<std::int32_t> {
  using value = float;
  static constexpr int tallest = tallest_tile;
  static constexpr int tallest_alone = two_thirds(tallest);

  static HWY_INLINE vector<float> add(vector<float> sum, vector<std::int32_t> row, vector<std::int32_t> weights) {
    return vector<float>{
        _mm512_dpbf16_ps(sum.raw, reinterpret_cast<__m512bh>(row.raw), reinterpret_cast<__m512bh>(weights.raw))};
  }
};
#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
