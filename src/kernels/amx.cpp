// SPDX-License-Identifier: Apache-2.0
// The tile instructions. They are assembly because the compilers' functions do not carry them through a template:
// g++ 12 wants the registers as literals, and tells its optimizer neither that a load reads memory nor that a
// configuration has more than eight bytes.
#include "amx.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

namespace {

/// Whether palette 1 has the eight registers of 16 rows of 64 bytes, and a product takes whole ones.
bool has_registers(const tile_answers& answers) noexcept {
  const auto lower = [](std::uint32_t value) { return value & 0xFFFFU; };
  const auto upper = [](std::uint32_t value) { return value >> 16U; };
  return answers.most_palettes >= 1 && lower(answers.palette_1_eax) >= 8192 && upper(answers.palette_1_eax) >= 1024 &&
         lower(answers.palette_1_ebx) >= 64 && upper(answers.palette_1_ebx) >= 8 &&
         lower(answers.palette_1_ecx) >= most_register_rows && (answers.products_ebx & 0xFFU) >= layout::block_units &&
         (answers.products_ebx >> 8U & 0xFFFFU) >= 64;
}

}  // namespace

bool offers_tiles(const tile_answers& answers) noexcept {
  constexpr std::uint32_t has_xgetbv = 1U << 27U;
  constexpr std::uint32_t bfloat16_tiles = 1U << 22U;
  constexpr std::uint32_t tile_registers = 1U << 24U;
  constexpr std::uint32_t int8_tiles = 1U << 25U;
  constexpr std::uint32_t all_of_leaf_7 = bfloat16_tiles | tile_registers | int8_tiles;
  constexpr std::uint64_t configuration_and_data = 3U << 17U;
  return (answers.leaf_1_ecx & has_xgetbv) != 0 && (answers.leaf_7_edx & all_of_leaf_7) == all_of_leaf_7 &&
         (answers.enabled_state & configuration_and_data) == configuration_and_data && has_registers(answers);
}

#if defined(__x86_64__) && defined(__linux__)
namespace {

struct amx_unit {
  static void configure(const tile_configuration& configuration) {
    asm volatile("ldtilecfg %0" : : "m"(configuration));
  }
  static void release() { asm volatile("tilerelease"); }

  template <tile_register target>
  static void load(const void* memory, std::size_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2"
                 :
                 : "r"(memory), "r"(stride), "i"(static_cast<int>(target))
                 : "memory");
  }
  template <tile_register source>
  static void store(void* memory, std::size_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)"
                 :
                 : "r"(memory), "r"(stride), "i"(static_cast<int>(source))
                 : "memory");
  }
  template <tile_register target>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(static_cast<int>(target)));
  }
  template <tile_register sums, tile_register rows, tile_register weights>
  static void multiply_int8() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0"
                 :
                 : "i"(static_cast<int>(sums)), "i"(static_cast<int>(rows)), "i"(static_cast<int>(weights)));
  }
  template <tile_register sums, tile_register rows, tile_register weights>
  static void multiply_bfloat16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0"
                 :
                 : "i"(static_cast<int>(sums)), "i"(static_cast<int>(rows)), "i"(static_cast<int>(weights)));
  }
};

tile_answers ask_cpu() noexcept {
  tile_answers answers;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) {
    return answers;
  }
  answers.leaf_1_ecx = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
    answers.leaf_7_edx = d;
  }
  if (__get_cpuid_count(0x1D, 0, &a, &b, &c, &d) != 0) {
    answers.most_palettes = a;
  }
  if (answers.most_palettes >= 1 && __get_cpuid_count(0x1D, 1, &a, &b, &c, &d) != 0) {
    answers.palette_1_eax = a;
    answers.palette_1_ebx = b;
    answers.palette_1_ecx = c;
  }
  if (__get_cpuid_count(0x1E, 0, &a, &b, &c, &d) != 0) {
    answers.products_ebx = b;
  }
  if ((answers.leaf_1_ecx & bit_OSXSAVE) != 0) {
    asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    answers.enabled_state = std::uint64_t{d} << 32U | a;
  }
  return answers;
}

/// Linux gives the registers, 8 KB that every thread may have to save, only to a process that asks; and not to one that
/// has set aside too little stack for its signal handlers to save them on.
bool are_granted() noexcept {
  constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM, which older kernels' headers lack
  constexpr long tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

}  // namespace

const tile_engine* amx_instructions() noexcept { return &tile_engine_of<amx_unit>; }

const tile_engine* amx_tiles() noexcept {
  static const bool usable = offers_tiles(ask_cpu()) && are_granted();
  return usable ? amx_instructions() : nullptr;
}
#else
const tile_engine* amx_instructions() noexcept { return nullptr; }
const tile_engine* amx_tiles() noexcept { return nullptr; }
#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
