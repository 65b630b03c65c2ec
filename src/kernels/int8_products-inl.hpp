// SPDX-License-Identifier: Apache-2.0
// The arithmetic of int8 products by vector registers.
#if defined(OFFRAMP_KERNELS_INT8_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_INT8_PRODUCTS_INL
#undef OFFRAMP_KERNELS_INT8_PRODUCTS_INL
#else
#define OFFRAMP_KERNELS_INT8_PRODUCTS_INL
#endif

#include "products-inl.hpp"

#include <cstdint>
#include <limits>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

#if OFFRAMP_HAS_PAIR_PRODUCTS
/// Sums of two products of an unsigned by a signed byte, in 16 bits, where they saturate.
HWY_INLINE auto pair_products(vector<std::int32_t> bytes, vector<std::int32_t> signed_bytes) {
#if HWY_TARGET == HWY_AVX3
  return hn::Vec<hn::ScalableTag<std::int16_t>>{_mm512_maddubs_epi16(bytes.raw, signed_bytes.raw)};
#elif HWY_TARGET == HWY_AVX2
  return hn::Vec<hn::ScalableTag<std::int16_t>>{_mm256_maddubs_epi16(bytes.raw, signed_bytes.raw)};
#else
  return hn::Vec<hn::ScalableTag<std::int16_t>>{_mm_maddubs_epi16(bytes.raw, signed_bytes.raw)};
#endif
}

/// Sums of two neighbours.
HWY_INLINE vector<std::int32_t> sums_of_pairs(hn::Vec<hn::ScalableTag<std::int16_t>> pairs) {
#if HWY_TARGET == HWY_AVX3
  return vector<std::int32_t>{_mm512_madd_epi16(pairs.raw, _mm512_set1_epi16(1))};
#elif HWY_TARGET == HWY_AVX2
  return vector<std::int32_t>{_mm256_madd_epi16(pairs.raw, _mm256_set1_epi16(1))};
#else
  return vector<std::int32_t>{_mm_madd_epi16(pairs.raw, _mm_set1_epi16(1))};
#endif
}

/// The largest magnitude of two values' sum whose products with any unsigned bytes fit 16 bits together. Values of
/// different signs have products of different signs, whose sum is larger than neither.
inline constexpr int most_pair = 128;
static_assert(most_pair * 255 <= std::numeric_limits<std::int16_t>::max());
#endif

/// Four int8 products summed in int32. No intermediate saturates, so that every target computes the same sums: values
/// are within +-127, and pairs of a row's within most_pair where the weights are unsigned.
struct int8_products : unit_by_unit<std::int32_t> {
  using value = std::int32_t;
  /// Whether rows are within most_pair, their excess beside them.
  static constexpr bool puts_excess_aside = OFFRAMP_HAS_PAIR_PRODUCTS != 0;
#if OFFRAMP_HAS_DOT_PRODUCTS
  static constexpr int tallest = tallest_tile;
  /// Rows are stored with this added, as unsigned bytes; 128 times the sum of the weights is then subtracted.
  static constexpr int row_offset = 128;
  static constexpr int weight_offset = 0;
#elif OFFRAMP_HAS_PAIR_PRODUCTS
  // The products take a register before they are added, and the ones another; SSE moves a third before it multiplies.
  static constexpr int tallest = tallest_tile == 12 ? 12 : HWY_TARGET == HWY_AVX2 ? 5 : 4;
  static constexpr int row_offset = 0;
  /// Weights are stored with this added, as unsigned bytes; 128 times the sum of the row is then subtracted.
  static constexpr int weight_offset = 128;
#else
  static constexpr int tallest = HWY_ARCH_ARM_A64 ? 5 : 4;
  static constexpr int row_offset = 0;
  static constexpr int weight_offset = 0;
#endif
  static constexpr int tallest_alone = two_thirds(tallest);

  static HWY_INLINE vector<std::int32_t> add(vector<std::int32_t> sum, vector<std::int32_t> row,
                                             vector<std::int32_t> weights) {
#if OFFRAMP_HAS_DOT_PRODUCTS
    return vector<std::int32_t>{_mm512_dpbusd_epi32(sum.raw, row.raw, weights.raw)};
#elif OFFRAMP_HAS_PAIR_PRODUCTS && HWY_TARGET <= HWY_AVX2
    // As sum + sums_of_pairs(pair_products(weights, row)), of which g++ begins several at once, and spills.
    const auto ones = hn::Set(hn::ScalableTag<std::int16_t>(), std::int16_t{1});
    decltype(sum.raw) products;
    asm("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
        : "+v"(sum.raw), "=&v"(products)
        : "v"(weights.raw), "v"(row.raw), "v"(ones.raw));
    return sum;
#elif OFFRAMP_HAS_PAIR_PRODUCTS
    return in_order(sum + sums_of_pairs(pair_products(weights, row)));
#elif HWY_ARCH_ARM_A64
    const int8x16_t a = vreinterpretq_s8_s32(row.raw);
    const int8x16_t b = vreinterpretq_s8_s32(weights.raw);
    const int16x8_t pairs = vpaddq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)), vmull_high_s8(a, b));
    return vector<std::int32_t>{vpadalq_s16(sum.raw, pairs)};
#else
    const auto byte = [](auto values, auto shift) { return hn::ShiftRight<24>(hn::ShiftLeft<shift>(values)); };
    using std::integral_constant;
    sum = sum + byte(row, integral_constant<int, 24>()) * byte(weights, integral_constant<int, 24>());
    sum = sum + byte(row, integral_constant<int, 16>()) * byte(weights, integral_constant<int, 16>());
    sum = sum + byte(row, integral_constant<int, 8>()) * byte(weights, integral_constant<int, 8>());
    return sum + byte(row, integral_constant<int, 0>()) * byte(weights, integral_constant<int, 0>());
#endif
  }
};

#if OFFRAMP_HAS_VNNI_PRODUCTS
/// The same sums with the same weights by vpdpbusd, which does not saturate, on CPUs that have it. By assembly: the
/// target has no intrinsic for it.
struct int8_dot_products : int8_products {
  static constexpr bool puts_excess_aside = false;
  static constexpr int tallest = tallest_tile;
  static constexpr int tallest_alone = two_thirds(tallest);

  static HWY_INLINE vector<std::int32_t> add(vector<std::int32_t> sum, vector<std::int32_t> row,
                                             vector<std::int32_t> weights) {
#if HWY_TARGET == HWY_AVX2
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.raw) : "x"(weights.raw), "x"(row.raw));
#else
    asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(weights.raw), "v"(row.raw));
#endif
    return sum;
  }
};
#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
