// SPDX-License-Identifier: Apache-2.0
// Products by instructions that only some arm64 CPUs have. Only the functions of whole tiles have these CPUs'
// attribute: what is inlined into them is compiled for all CPUs and names the instruction, where an intrinsic would
// want it too.
#if defined(OFFRAMP_KERNELS_NEON_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFRAMP_KERNELS_NEON_PRODUCTS_INL
#undef OFFRAMP_KERNELS_NEON_PRODUCTS_INL
#else
#define OFFRAMP_KERNELS_NEON_PRODUCTS_INL
#endif

#include "int8_products-inl.hpp"
#include "tile-inl.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {
#if OFFRAMP_HAS_NEON_DOT_PRODUCTS

/// A unit as the first 32 bits of a vector register, from where an instruction repeats it by itself.
HWY_INLINE float load_unit(const std::uint32_t* unit) {
  float bits;
  std::memcpy(&bits, unit, sizeof bits);
  return bits;
}

/// The sums of int8_products by Armv8.2's dot product.
struct int8_dot_products : int8_products {
  static constexpr int tallest = 12;
  static constexpr int tallest_alone = two_thirds(tallest);

  static HWY_INLINE float broadcast(const std::uint32_t* unit) { return load_unit(unit); }
  static HWY_INLINE vector<std::int32_t> add(vector<std::int32_t> sum, float row, vector<std::int32_t> weights) {
    asm("sdot %0.4s, %1.16b, %2.4b[0]" : "+w"(sum.raw) : "w"(weights.raw), "w"(row));
    return sum;
  }
};

/// Pairs of bfloat16 by Armv8.6's dot product.
struct bfloat16_products : unit_by_unit<std::int32_t> {
  using value = float;
  static constexpr int tallest = 12;
  static constexpr int tallest_alone = two_thirds(tallest);

  static HWY_INLINE float broadcast(const std::uint32_t* unit) { return load_unit(unit); }
  static HWY_INLINE vector<float> add(vector<float> sum, float row, vector<std::int32_t> weights) {
    asm("bfdot %0.4s, %1.8h, %2.2h[0]" : "+w"(sum.raw) : "w"(weights.raw), "w"(row));
    return sum;
  }
};

// After everything else here: g++ forgets the pushed attributes at a function that has its own. Its assembler wants the
// architecture besides the extension; one with SVE is at least that.
#if HWY_COMPILER_CLANG
#define OFFRAMP_ON_CPUS_WITH(extension) __attribute__((target(extension)))
#elif defined(__ARM_FEATURE_DOTPROD) || defined(__ARM_FEATURE_SVE)
#define OFFRAMP_ON_CPUS_WITH(extension) __attribute__((target("+" extension)))
#else
#define OFFRAMP_ON_CPUS_WITH(extension) __attribute__((target("arch=armv8.2-a+crypto+" extension)))
#endif

template <int height>
OFFRAMP_ON_CPUS_WITH("dotprod")
HWY_NOINLINE void multiply_int8_tile(const tile_operands& operands, std::int32_t* sums, std::size_t stride) {
  multiply_rows<int8_dot_products, height>(operands, sums, stride);
}

template <>
inline constexpr auto tiles<int8_dot_products> = []<int... index>(std::integer_sequence<int, index...>) {
  return std::array{&multiply_int8_tile<index + 1>...};
}
(std::make_integer_sequence<int, int8_dot_products::tallest>());

template <int height>
OFFRAMP_ON_CPUS_WITH("bf16")
HWY_NOINLINE void multiply_bfloat16_tile(const tile_operands& operands, float* sums, std::size_t stride) {
  multiply_rows<bfloat16_products, height>(operands, sums, stride);
}

template <>
inline constexpr auto tiles<bfloat16_products> = []<int... index>(std::integer_sequence<int, index...>) {
  return std::array{&multiply_bfloat16_tile<index + 1>...};
}
(std::make_integer_sequence<int, bfloat16_products::tallest>());

#undef OFFRAMP_ON_CPUS_WITH
#endif
}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
