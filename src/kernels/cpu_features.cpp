// SPDX-License-Identifier: Apache-2.0
#include "cpu_features.hpp"

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>

#include <cstddef>
#elif defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

#if defined(__aarch64__) && defined(__linux__)

// The bits are written out where an old system's header lacks them.
cpu_extras find_cpu_extras() {
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
  const bool has_bfloat16 = (getauxval(AT_HWCAP2) & bfloat16) != 0;
  return {.int8_products = (getauxval(AT_HWCAP) & int8) != 0,
          .bfloat16_products = has_bfloat16,
          .fast_bfloat16_products = has_bfloat16};
}

#elif defined(__aarch64__) && defined(__APPLE__)

namespace {

bool has(const char* feature) {
  int value = 0;
  std::size_t size = sizeof value;
  return sysctlbyname(feature, &value, &size, nullptr, 0) == 0 && value != 0;
}

}  // namespace

cpu_extras find_cpu_extras() {
  const bool has_bfloat16 = has("hw.optional.arm.FEAT_BF16");
  return {.int8_products = has("hw.optional.arm.FEAT_DotProd"),
          .bfloat16_products = has_bfloat16,
          .fast_bfloat16_products = has_bfloat16};
}

#elif defined(__x86_64__) || defined(__i386__)

namespace {

/// Not by __builtin_cpu_supports: older compilers do not know its name. Intel, "Intel 64 and IA-32 Architectures
/// Software Developer's Manual", CPUID, leaf 7: subleaf 0 has the number of the last one in EAX.
bool has_avx_vnni() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  const bool has_subleaf = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && eax >= 1;
  return has_subleaf && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & 1U << 4U) != 0;
}

}  // namespace

cpu_extras find_cpu_extras() {
  const bool has_bfloat16 = __builtin_cpu_supports("avx512bf16") != 0;
  return {.int8_products = __builtin_cpu_supports("avx512vnni") != 0,
          .avx_int8_products = has_avx_vnni(),
          .bfloat16_products = has_bfloat16,
          .fast_bfloat16_products = has_bfloat16 && __builtin_cpu_is("intel") == 0};
}

#else

cpu_extras find_cpu_extras() { return {}; }

#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
