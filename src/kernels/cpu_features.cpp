// SPDX-License-Identifier: Apache-2.0
#include "cpu_features.hpp"

#include <algorithm>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>

#include <cstddef>
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {
namespace {

#if defined(__aarch64__) && defined(__linux__)

// The bits are written out where an old system's header lacks them.
optional_products cpu_products() {
#if defined(HWCAP_ASIMDDP)
  constexpr unsigned long int8 = HWCAP_ASIMDDP;
#else
  constexpr unsigned long int8 = 1UL << 20U;
#endif
#if defined(HWCAP2_BF16)
  constexpr unsigned long bfloat16 = HWCAP2_BF16;
#else
  constexpr unsigned long bfloat16 = 1UL << 14U;
#endif
  return {(getauxval(AT_HWCAP) & int8) != 0, (getauxval(AT_HWCAP2) & bfloat16) != 0};
}

#elif defined(__aarch64__) && defined(__APPLE__)

bool has(const char* feature) {
  int value = 0;
  std::size_t size = sizeof value;
  return sysctlbyname(feature, &value, &size, nullptr, 0) == 0 && value != 0;
}

optional_products cpu_products() { return {has("hw.optional.arm.FEAT_DotProd"), has("hw.optional.arm.FEAT_BF16")}; }

#elif defined(__x86_64__) || defined(__i386__)

optional_products cpu_products() { return {false, __builtin_cpu_supports("avx512bf16") != 0}; }

#else

optional_products cpu_products() { return {}; }

#endif

}  // namespace

optional_products find_optional_products(std::span<const instruction_set> avoid) {
  const auto avoids = [avoid](instruction_set set) { return std::ranges::find(avoid, set) != avoid.end(); };
  optional_products found = cpu_products();
#if defined(__aarch64__)
  found.int8 = found.int8 && !avoids(instruction_set::arm_dotprod);
  found.bfloat16 = found.bfloat16 && !avoids(instruction_set::arm_dotprod) && !avoids(instruction_set::arm_bf16);
#else
  found.bfloat16 = found.bfloat16 && !avoids(instruction_set::avx512_bf16);
#endif
  return found;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
