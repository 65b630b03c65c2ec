// SPDX-License-Identifier: Apache-2.0
// int8 products by vpdpbusd on CPUs that have it without all that Highway's AVX3_DL asks for: AVX-512's on Cascade
// Lake, AVX's on clients from Alder Lake on. Only the functions of whole tiles have these CPUs' attribute, as in
// neon_products-inl.hpp.
#if defined(OFFRAMP_KERNELS_VNNI_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_VNNI_PRODUCTS_INL
#undef OFFRAMP_KERNELS_VNNI_PRODUCTS_INL
#else
#define OFFRAMP_KERNELS_VNNI_PRODUCTS_INL
#endif

#include "int8_products-inl.hpp"
#include "tile-inl.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "begin_target-inl.hpp"
#undef OFFRAMP_HAS_VNNI_PRODUCTS
#if OFFRAMP_HAS_PAIR_PRODUCTS && (HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2)
#define OFFRAMP_HAS_VNNI_PRODUCTS 1
#else
#define OFFRAMP_HAS_VNNI_PRODUCTS 0
#endif
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {
#if OFFRAMP_HAS_VNNI_PRODUCTS

/// The sums of int8_products, with the same weights, by dot products, which do not saturate.
struct int8_dot_products : int8_products {
  static constexpr int tallest = tallest_tile;
  static constexpr int tallest_alone = two_thirds(tallest);
  static constexpr bool puts_excess_aside = false;

  static HWY_INLINE vector<std::int32_t> add(vector<std::int32_t> sum, vector<std::int32_t> row,
                                             vector<std::int32_t> weights) {
#if HWY_TARGET == HWY_AVX3
    asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(weights.raw), "v"(row.raw));
#else
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.raw) : "x"(weights.raw), "x"(row.raw));
#endif
    return sum;
  }
};

// g++'s assembler knows every instruction; clang's those of the function's target.
#if !HWY_COMPILER_CLANG
#define OFFRAMP_ON_CPUS_WITH_VNNI
#elif HWY_TARGET == HWY_AVX3
#define OFFRAMP_ON_CPUS_WITH_VNNI __attribute__((target(HWY_TARGET_STR ",avx512vnni")))
#else
#define OFFRAMP_ON_CPUS_WITH_VNNI __attribute__((target(HWY_TARGET_STR ",avxvnni")))
#endif

template <int height>
OFFRAMP_ON_CPUS_WITH_VNNI HWY_NOINLINE void multiply_int8_tile(const tile_operands& operands, std::int32_t* sums,
                                                               std::size_t stride) {
  multiply_rows<int8_dot_products, height>(operands, sums, stride);
}

template <>
inline constexpr auto tiles<int8_dot_products> = []<int... index>(std::integer_sequence<int, index...>) {
  return std::array{&multiply_int8_tile<index + 1>...};
}
(std::make_integer_sequence<int, int8_dot_products::tallest>());

#undef OFFRAMP_ON_CPUS_WITH_VNNI
#endif
}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
