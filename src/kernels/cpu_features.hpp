// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Instructions that only some of the CPUs of one Highway target have.
struct cpu_extras {
  bool int8_products = false;      ///< four int8 at once: AVX-512's vpdpbusd, arm64's sdot
  bool avx_int8_products = false;  ///< AVX's vpdpbusd, which some CPUs without AVX-512 have
  bool bfloat16_products = false;  ///< two bfloat16 at once: vdpbf16ps, arm64's bfdot
  /// Whether these beat widening to float32. Not on Intel's: two cycles each where a float32 multiply-add of half the
  /// inputs takes half a cycle (family 6, model 207; `roofline` measures both).
  bool fast_bfloat16_products = false;
  bool tiles = false;  ///< AMX; see amx_tiles()
};

/// What this CPU has but for tiles, which the operating system must be asked for. Safe from any thread.
[[nodiscard]] cpu_extras find_cpu_extras();

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
