// SPDX-License-Identifier: Apache-2.0
// The kernels of every target that Highway can compile, and the choice among them.
#define HWY_WANT_AVX3_DL  // without it Highway 1.0 leaves that target out

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

#include "attention-inl.hpp"
#include "cpu_features.hpp"
#include "multiply-inl.hpp"
#include "neon_products-inl.hpp"
#include "rows-inl.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "begin_target-inl.hpp"
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE {

kernels make_kernels(numeric_format format, optional_products has) {
  const std::string target = hwy::TargetName(HWY_TARGET);
  kernels all{.name = {},
              .layout = {.format = format, .panel_width = 2 * lanes()},
              .pack = &pack_float32,
              .multiply = &multiply<float32_products>,
              .attend = &attend,
              .normalize = &normalize};
  switch (format) {
    case numeric_format::float32:
      all.name = target + " float32";
      break;
    case numeric_format::int8:
      all.name = target + " int8";
      all.pack = &pack_int8;
      all.multiply = &multiply<int8_products>;
#if OFFRAMP_HAS_NEON_DOT_PRODUCTS
      if (has.int8) {
        all.name = target + " int8 by sdot";
        all.multiply = &multiply<int8_dot_products>;
      }
#endif
      break;
    case numeric_format::bfloat16:
      all.name = target + " bfloat16 widened to float32";
      all.layout.widens_rows = true;
      all.pack = &pack_widened_bfloat16;
      all.multiply = &multiply<widened_bfloat16_products>;
#if OFFRAMP_HAS_DOT_PRODUCTS || OFFRAMP_HAS_NEON_DOT_PRODUCTS
      if (has.bfloat16) {
        all.name = target + (HWY_ARCH_ARM_A64 ? " bfloat16 by bfdot" : " bfloat16 by vdpbf16ps");
        all.layout.widens_rows = false;
        all.pack = &pack_bfloat16;
        all.multiply = &multiply<bfloat16_products>;
      }
#endif
      break;
  }
  (void)has;
  return all;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {
namespace {

HWY_EXPORT(make_kernels);

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
    case instruction_set::arm_dotprod:
    case instruction_set::arm_bf16:
      break;
  }
#endif
  (void)set;
  return 0;
}

}  // namespace

kernels choose_kernels(const load_options& options) {
  std::size_t index = 0;
  if constexpr ((HWY_TARGETS & (HWY_TARGETS - 1)) != 0) {  // else the table has one entry
    std::int64_t targets = hwy::SupportedTargets();
    for (const instruction_set set : options.avoid) {
      targets &= ~targets_with(set);
    }
    hwy::ChosenTarget chosen;
    chosen.Update(targets);
    index = chosen.GetIndex();
  }
  return HWY_DISPATCH_TABLE(make_kernels)[index](options.format, find_optional_products(options.avoid));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
#endif
