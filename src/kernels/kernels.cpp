// SPDX-License-Identifier: Apache-2.0
// The kernels of every target that Highway can compile, and the choice among them.
#define HWY_WANT_AVX3_DL  // without it Highway 1.0 leaves that target out
// In unoptimized and sanitized builds Highway checks itself and aborts, by a function of the namespace that is ours
// here.
#define HWY_IS_DEBUG_BUILD 0

// On arm64 there is NEON alone: our layouts want a constant vector length, and Highway's detection wants AES of a CPU.
#if defined(__aarch64__)
#define HWY_COMPILE_ONLY_STATIC
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/kernels.cpp"
#include <offramp/error.hpp>
#include <offramp/nn/kernels.hpp>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "amx.hpp"
#include "attention-inl.hpp"
#include "choice.hpp"
#include "cpu_features.hpp"
#include "cpu_targets.hpp"
#include "int8_products-inl.hpp"
#include "multiply-inl.hpp"
#include "neon_products-inl.hpp"
#include "rows-inl.hpp"
#include "tile_attention-inl.hpp"
#include "tile_products-inl.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

/// Lets `all` multiply by vector registers.
template <class Products>
void multiply_by(kernels& all) {
  all.layout.panel_width = panel_width<Products>();
  all.multiply = &multiply<Products>;
}

/// Likewise in int8.
template <class Products>
void multiply_int8_by(kernels& all) {
  all.pack = &pack_int8<Products>;
  all.layout.has_unsigned_weights = Products::weight_offset != 0;
  all.layout.puts_excess_aside = Products::puts_excess_aside;
  multiply_by<Products>(all);
}

#if OFFRAMP_HAS_DOT_PRODUCTS
/// Lets `all` multiply by tile registers.
void multiply_by_amx(kernels& all, decltype(kernels::multiply) multiply, cpu_extras extras) {
  all.layout.panel_width = tile_outputs;
  all.multiply = multiply;
  if (extras.bfloat16_products) {
    all.attend = &attend_by_amx;
  }
}
#endif

kernels make_kernels(numeric_format format, cpu_extras extras) {
  const std::string target = hwy::TargetName(HWY_TARGET);
  kernels all{.name = {},
              .layout = {.format = format},
              .position_layout = {.panel_width = panel_width<float32_products>()},
              .pack = &pack_float32,
              .multiply = nullptr,
              .attend = &attend,
              .normalize = &normalize};
  switch (format) {
    case numeric_format::float32:
      all.name = target + " float32";
      multiply_by<float32_products>(all);
      break;
    case numeric_format::int8:
      all.name = target + " int8";
      multiply_int8_by<int8_products>(all);
#if OFFRAMP_HAS_DOT_PRODUCTS
      if (extras.tiles) {
        all.name = target + " int8 with AMX";
        multiply_by_amx(all, &multiply_int8_by_amx, extras);
      }
#elif OFFRAMP_HAS_VNNI_PRODUCTS
      if (HWY_TARGET == HWY_AVX2 ? extras.avx_int8_products : extras.int8_products) {
        all.name = target + " int8 by vpdpbusd";
        multiply_int8_by<int8_dot_products>(all);
      }
#elif OFFRAMP_HAS_NEON_DOT_PRODUCTS
      if (extras.int8_products) {
        all.name = target + " int8 by sdot";
        multiply_int8_by<int8_dot_products>(all);
      }
#endif
      break;
    case numeric_format::bfloat16:
      all.name = target + " bfloat16 widened to float32";
      all.layout.widens_rows = true;
      all.pack = &pack_widened_bfloat16;
      multiply_by<widened_bfloat16_products>(all);
#if OFFRAMP_HAS_DOT_PRODUCTS || OFFRAMP_HAS_NEON_DOT_PRODUCTS
      if (extras.bfloat16_products && extras.fast_bfloat16_products) {
        all.name = target + (HWY_ARCH_ARM_A64 ? " bfloat16 by bfdot" : " bfloat16 by vdpbf16ps");
        all.layout.widens_rows = false;
        all.pack = &pack_bfloat16;
        multiply_by<bfloat16_products>(all);
      }
#endif
#if OFFRAMP_HAS_DOT_PRODUCTS
      if (extras.bfloat16_products && extras.tiles) {
        all.name = target + " bfloat16 by AMX";
        all.layout.widens_rows = false;
        all.pack = &pack_bfloat16;
        multiply_by_amx(all, &multiply_bfloat16_by_amx, extras);
      }
#endif
      break;
  }
  (void)extras;
  return all;
}

tile_multiplication make_tile_multiplication() {
#if OFFRAMP_HAS_DOT_PRODUCTS
  return {&multiply_int8_by_tiles, &multiply_bfloat16_by_tiles, &attend_by_tiles};
#else
  return {};
#endif
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {
namespace {

// What HWY_EXPORT defines but for the first entry: that calls the Highway library, which cpu_targets.cpp alone does.
#define OFFRAMP_ALL_TARGETS(function) \
  { nullptr, HWY_CHOOSE_TARGET_LIST(function), HWY_CHOOSE_FALLBACK(function) }
constexpr decltype(&HWY_STATIC_DISPATCH(make_kernels)) makers_of_kernels[] = OFFRAMP_ALL_TARGETS(make_kernels);
constexpr decltype(&HWY_STATIC_DISPATCH(make_tile_multiplication)) makers_of_tile_multiplication[] =
    OFFRAMP_ALL_TARGETS(make_tile_multiplication);

/// The targets, best first on each architecture, from the one whose name stands for `set`.
[[maybe_unused]] std::int64_t targets_with(instruction_set set) {
#if HWY_ARCH_X86
  constexpr auto and_better = [](std::int64_t target) { return (target << 1) - 1; };
  switch (set) {
    case instruction_set::avx2:
      return and_better(HWY_AVX2);
    case instruction_set::avx512:
      return and_better(HWY_AVX3);
    case instruction_set::avx512_vnni:
      return and_better(HWY_AVX3_DL);
    case instruction_set::avx512_bf16:
    case instruction_set::amx:
    case instruction_set::arm_dotprod:
    case instruction_set::arm_bf16:
      break;
  }
#endif
  (void)set;
  return 0;
}

/// The targets that this CPU runs, a bit each.
std::int64_t supported_targets() {
  if constexpr ((HWY_TARGETS & (HWY_TARGETS - 1)) == 0) {
    return HWY_TARGETS;
  } else {
    return find_cpu_targets() & HWY_TARGETS;
  }
}

/// The index of the best of `targets` in the tables above.
std::size_t index_of_best([[maybe_unused]] std::int64_t targets) {
  if constexpr ((HWY_TARGETS & (HWY_TARGETS - 1)) == 0) {
    return std::size(makers_of_kernels) - 1;  // the fallback is all there is
  } else {
    hwy::ChosenTarget chosen;
    chosen.Update(targets);
    return chosen.GetIndex();
  }
}

/// The index of the best target without `avoid`. What the library was compiled for at least is in all that it does.
std::size_t index_of_target(const std::vector<instruction_set>& avoid) {
  std::int64_t targets = supported_targets();
  for (const instruction_set set : avoid) {
    if ((targets_with(set) & HWY_STATIC_TARGET) != 0) {
      throw error(error_kind::unsupported, std::string("load_options: the library was compiled for ") +
                                               hwy::TargetName(HWY_STATIC_TARGET) + ", which cannot be avoided");
    }
    targets &= ~targets_with(set);
  }
  return index_of_best(targets);
}

/// What this CPU has beyond its target. Only a program that will use the tiles asks the operating system for them.
cpu_extras extras_of_cpu(bool with_tiles) {
  cpu_extras extras = find_cpu_extras();
  extras.tiles = with_tiles && amx_tiles() != nullptr;
  return extras;
}

/// Whether `set` may be used: neither it nor one that it includes is to be avoided.
bool allows(const load_options& options, instruction_set set) {
  const auto is_arm = [](instruction_set one) { return one >= instruction_set::arm_dotprod; };
  return std::ranges::none_of(
      options.avoid, [&](instruction_set avoided) { return is_arm(avoided) == is_arm(set) && avoided <= set; });
}

}  // namespace

kernels choose_kernels(const load_options& options, cpu_extras extras) {
  constexpr auto int8 = HWY_ARCH_ARM_A64 ? instruction_set::arm_dotprod : instruction_set::avx512_vnni;
  constexpr auto bfloat16 = HWY_ARCH_ARM_A64 ? instruction_set::arm_bf16 : instruction_set::avx512_bf16;
  extras.int8_products = extras.int8_products && allows(options, int8);
  extras.avx_int8_products = extras.avx_int8_products && allows(options, int8);
  extras.bfloat16_products = extras.bfloat16_products && allows(options, bfloat16);
  extras.tiles = extras.tiles && allows(options, instruction_set::amx);
  return makers_of_kernels[index_of_target(options.avoid)](options.format, extras);
}

kernels choose_kernels(const load_options& options) {
  const bool may_use_tiles = options.format != numeric_format::float32 && allows(options, instruction_set::amx);
  return choose_kernels(options, extras_of_cpu(may_use_tiles));
}

std::vector<kernels> all_kernels(numeric_format format) {
  const cpu_extras all = extras_of_cpu(true);
  const cpu_extras without_tiles{.int8_products = all.int8_products,
                                 .avx_int8_products = all.avx_int8_products,
                                 .bfloat16_products = all.bfloat16_products,
                                 .fast_bfloat16_products = all.bfloat16_products};
  std::vector<kernels> found;
  for (std::uint64_t left = static_cast<std::uint64_t>(supported_targets()); left != 0; left &= left - 1) {
    const auto make = makers_of_kernels[index_of_best(static_cast<std::int64_t>(left & (~left + 1)))];
    for (const cpu_extras& extras : {all, without_tiles, cpu_extras{}}) {
      kernels made = make(format, extras);
      if (std::ranges::find(found, made.name, &kernels::name) == found.end()) {
        found.push_back(std::move(made));
      }
    }
  }
  return found;
}

tile_multiplication choose_tile_multiplication() { return makers_of_tile_multiplication[index_of_target({})](); }

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
#endif
