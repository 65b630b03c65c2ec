// SPDX-License-Identifier: Apache-2.0
#include "machine_kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#endif

namespace offramp_bench {

namespace {

// Every loop below keeps at least ten independent accumulators in registers: two units with a latency of four or five
// cycles are then always busy. The instructions are written as assembly, one statement each, because nothing else keeps
// a compiler from folding, widening or spilling a loop whose result nobody reads.

#if defined(__x86_64__)

__attribute__((target("avx512f"))) void fma_avx512(std::size_t rounds) {
  __m512 a = _mm512_set1_ps(0.5F);
  __m512 b = _mm512_set1_ps(0.25F);
  __m512 c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
  for (std::size_t i = 0; i < rounds; ++i) {
    asm volatile(
        "vfmadd213ps %[b], %[a], %[c0]\n\tvfmadd213ps %[b], %[a], %[c1]\n\tvfmadd213ps %[b], %[a], %[c2]\n\t"
        "vfmadd213ps %[b], %[a], %[c3]\n\tvfmadd213ps %[b], %[a], %[c4]\n\tvfmadd213ps %[b], %[a], %[c5]\n\t"
        "vfmadd213ps %[b], %[a], %[c6]\n\tvfmadd213ps %[b], %[a], %[c7]\n\tvfmadd213ps %[b], %[a], %[c8]\n\t"
        "vfmadd213ps %[b], %[a], %[c9]\n\tvfmadd213ps %[b], %[a], %[c10]\n\tvfmadd213ps %[b], %[a], %[c11]"
        : [c0] "+v"(c0), [c1] "+v"(c1), [c2] "+v"(c2), [c3] "+v"(c3), [c4] "+v"(c4), [c5] "+v"(c5), [c6] "+v"(c6),
          [c7] "+v"(c7), [c8] "+v"(c8), [c9] "+v"(c9), [c10] "+v"(c10), [c11] "+v"(c11)
        : [a] "v"(a), [b] "v"(b));
  }
}

__attribute__((target("avx2,fma"))) void fma_avx2(std::size_t rounds) {
  __m256 a = _mm256_set1_ps(0.5F);
  __m256 b = _mm256_set1_ps(0.25F);
  __m256 c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
  for (std::size_t i = 0; i < rounds; ++i) {
    asm volatile(
        "vfmadd213ps %[b], %[a], %[c0]\n\tvfmadd213ps %[b], %[a], %[c1]\n\tvfmadd213ps %[b], %[a], %[c2]\n\t"
        "vfmadd213ps %[b], %[a], %[c3]\n\tvfmadd213ps %[b], %[a], %[c4]\n\tvfmadd213ps %[b], %[a], %[c5]\n\t"
        "vfmadd213ps %[b], %[a], %[c6]\n\tvfmadd213ps %[b], %[a], %[c7]\n\tvfmadd213ps %[b], %[a], %[c8]\n\t"
        "vfmadd213ps %[b], %[a], %[c9]\n\tvfmadd213ps %[b], %[a], %[c10]\n\tvfmadd213ps %[b], %[a], %[c11]"
        : [c0] "+x"(c0), [c1] "+x"(c1), [c2] "+x"(c2), [c3] "+x"(c3), [c4] "+x"(c4), [c5] "+x"(c5), [c6] "+x"(c6),
          [c7] "+x"(c7), [c8] "+x"(c8), [c9] "+x"(c9), [c10] "+x"(c10), [c11] "+x"(c11)
        : [a] "x"(a), [b] "x"(b));
  }
}

__attribute__((target("avx512f,avx512vnni"))) void vnni_avx512(std::size_t rounds) {
  __m512i a = _mm512_set1_epi8(3);
  __m512i b = _mm512_set1_epi8(-2);
  __m512i c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
  for (std::size_t i = 0; i < rounds; ++i) {
    asm volatile(
        "vpdpbusd %[b], %[a], %[c0]\n\tvpdpbusd %[b], %[a], %[c1]\n\tvpdpbusd %[b], %[a], %[c2]\n\t"
        "vpdpbusd %[b], %[a], %[c3]\n\tvpdpbusd %[b], %[a], %[c4]\n\tvpdpbusd %[b], %[a], %[c5]\n\t"
        "vpdpbusd %[b], %[a], %[c6]\n\tvpdpbusd %[b], %[a], %[c7]\n\tvpdpbusd %[b], %[a], %[c8]\n\t"
        "vpdpbusd %[b], %[a], %[c9]\n\tvpdpbusd %[b], %[a], %[c10]\n\tvpdpbusd %[b], %[a], %[c11]"
        : [c0] "+v"(c0), [c1] "+v"(c1), [c2] "+v"(c2), [c3] "+v"(c3), [c4] "+v"(c4), [c5] "+v"(c5), [c6] "+v"(c6),
          [c7] "+v"(c7), [c8] "+v"(c8), [c9] "+v"(c9), [c10] "+v"(c10), [c11] "+v"(c11)
        : [a] "v"(a), [b] "v"(b));
  }
}

__attribute__((target("avx2"))) void int8_avx2(std::size_t rounds) {
  const __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(-2);
  const __m256i one = _mm256_set1_epi16(1);
  __m256i sums[12] = {};
  for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m256i& sum : sums) {
      __m256i products;
      asm volatile("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
                   : "+x"(sum), "=&x"(products)
                   : "x"(a), "x"(b), "x"(one));
    }
  }
}

__attribute__((target("avx512f,avx512bf16"))) void bfloat16_avx512(std::size_t rounds) {
  __m512i a = _mm512_set1_epi16(0x3F00);  // 0.5
  __m512i b = _mm512_set1_epi16(0x3E80);  // 0.25
  __m512 c0 = _mm512_set1_ps(0.5F);
  __m512 c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0, c8 = c0, c9 = c0, c10 = c0, c11 = c0;
  for (std::size_t i = 0; i < rounds; ++i) {
    asm volatile(
        "vdpbf16ps %[b], %[a], %[c0]\n\tvdpbf16ps %[b], %[a], %[c1]\n\tvdpbf16ps %[b], %[a], %[c2]\n\t"
        "vdpbf16ps %[b], %[a], %[c3]\n\tvdpbf16ps %[b], %[a], %[c4]\n\tvdpbf16ps %[b], %[a], %[c5]\n\t"
        "vdpbf16ps %[b], %[a], %[c6]\n\tvdpbf16ps %[b], %[a], %[c7]\n\tvdpbf16ps %[b], %[a], %[c8]\n\t"
        "vdpbf16ps %[b], %[a], %[c9]\n\tvdpbf16ps %[b], %[a], %[c10]\n\tvdpbf16ps %[b], %[a], %[c11]"
        : [c0] "+v"(c0), [c1] "+v"(c1), [c2] "+v"(c2), [c3] "+v"(c3), [c4] "+v"(c4), [c5] "+v"(c5), [c6] "+v"(c6),
          [c7] "+v"(c7), [c8] "+v"(c8), [c9] "+v"(c9), [c10] "+v"(c10), [c11] "+v"(c11)
        : [a] "v"(a), [b] "v"(b));
  }
}

// Eight tiles of 16 rows of 64 bytes, palette 1.
struct alignas(64) tile_configuration {
  std::array<unsigned char, 16> head{1};
  std::array<unsigned short, 16> row_bytes{64, 64, 64, 64, 64, 64, 64, 64};
  std::array<unsigned char, 16> rows{16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(tile_configuration) == 64);

// g++ 12 takes it that the tile functions read eight bytes of a configuration and none of the data, and drops the
// stores to the rest. This keeps them.
void keep_stores(const void* configuration, const void* data) {
  asm volatile("" : : "r"(configuration), "r"(data) : "memory");
}

// Four accumulators, two left and two right operands: the widest block that eight tiles allow.
__attribute__((target("amx-tile,amx-int8"))) void int8_tiles(std::size_t rounds) {
  const tile_configuration configuration;
  alignas(64) std::array<unsigned char, 1024> data{};
  data.fill(3);
  keep_stores(&configuration, data.data());
  _tile_loadconfig(&configuration);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, data.data(), 64);
  _tile_loadd(5, data.data(), 64);
  _tile_loadd(6, data.data(), 64);
  _tile_loadd(7, data.data(), 64);
  for (std::size_t i = 0; i < rounds; ++i) {
    asm volatile(
        "tdpbssd %%tmm6, %%tmm4, %%tmm0\n\ttdpbssd %%tmm7, %%tmm4, %%tmm1\n\t"
        "tdpbssd %%tmm6, %%tmm5, %%tmm2\n\ttdpbssd %%tmm7, %%tmm5, %%tmm3" ::);
  }
  _tile_release();
}

__attribute__((target("amx-tile,amx-bf16"))) void bfloat16_tiles(std::size_t rounds) {
  const tile_configuration configuration;
  alignas(64) std::array<unsigned short, 512> data{};
  data.fill(0x3F00);  // 0.5
  keep_stores(&configuration, data.data());
  _tile_loadconfig(&configuration);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, data.data(), 64);
  _tile_loadd(5, data.data(), 64);
  _tile_loadd(6, data.data(), 64);
  _tile_loadd(7, data.data(), 64);
  for (std::size_t i = 0; i < rounds; ++i) {
    asm volatile(
        "tdpbf16ps %%tmm6, %%tmm4, %%tmm0\n\ttdpbf16ps %%tmm7, %%tmm4, %%tmm1\n\t"
        "tdpbf16ps %%tmm6, %%tmm5, %%tmm2\n\ttdpbf16ps %%tmm7, %%tmm5, %%tmm3" ::);
  }
  _tile_release();
}

// Four loads a statement into one register, which renaming makes four.
__attribute__((target("avx512f"))) void read_avx512(const std::byte* data, std::size_t bytes) {
  for (const std::byte* end = data + bytes; data != end; data += 256) {
    __m512i value;
    asm volatile("vmovdqa64 (%1), %0\n\tvmovdqa64 64(%1), %0\n\tvmovdqa64 128(%1), %0\n\tvmovdqa64 192(%1), %0"
                 : "=v"(value)
                 : "r"(data)
                 : "memory");
  }
}

__attribute__((target("avx2"))) void read_avx2(const std::byte* data, std::size_t bytes) {
  for (const std::byte* end = data + bytes; data != end; data += 128) {
    __m256i value;
    asm volatile("vmovdqa (%1), %0\n\tvmovdqa 32(%1), %0\n\tvmovdqa 64(%1), %0\n\tvmovdqa 96(%1), %0"
                 : "=x"(value)
                 : "r"(data)
                 : "memory");
  }
}

struct cpuid_answer {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

cpuid_answer cpuid(unsigned leaf, unsigned subleaf) {
  cpuid_answer r;
  asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
  return r;
}

bool has_leaf_7_edx(unsigned bit) { return cpuid(0, 0).eax >= 7 && ((cpuid(7, 0).edx >> bit) & 1U) != 0; }

// Linux gives the tile registers only to a process that asks for them.
bool may_use_tiles() {
  constexpr long request_permission = 0x1023;
  constexpr long tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

#endif

// Four floats: the vectors of plain x86-64 and of arm64. Contraction makes this a fused multiply-add where there is
// one.
using vector4 = float __attribute__((vector_size(16)));

void multiply_add_plain(std::size_t rounds) {
  vector4 a = {0.5F, 0.5F, 0.5F, 0.5F};
  vector4 b = {0.25F, 0.25F, 0.25F, 0.25F};
  vector4 c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
  for (std::size_t i = 0; i < rounds; ++i) {
    c0 = c0 * a + b;
    c1 = c1 * a + b;
    c2 = c2 * a + b;
    c3 = c3 * a + b;
    c4 = c4 * a + b;
    c5 = c5 * a + b;
    c6 = c6 * a + b;
    c7 = c7 * a + b;
    c8 = c8 * a + b;
    c9 = c9 * a + b;
    c10 = c10 * a + b;
    c11 = c11 * a + b;
// The accumulators are equal, which must not be noticed: one would do.
#if defined(__aarch64__)
    asm volatile(""
                 : "+w"(c0), "+w"(c1), "+w"(c2), "+w"(c3), "+w"(c4), "+w"(c5), "+w"(c6), "+w"(c7), "+w"(c8), "+w"(c9),
                   "+w"(c10), "+w"(c11));
#elif defined(__x86_64__)
    asm volatile(""
                 : "+x"(c0), "+x"(c1), "+x"(c2), "+x"(c3), "+x"(c4), "+x"(c5), "+x"(c6), "+x"(c7), "+x"(c8), "+x"(c9),
                   "+x"(c10), "+x"(c11));
#endif
  }
  volatile float sink = (c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11)[0];
  static_cast<void>(sink);
}

void read_plain(const std::byte* data, std::size_t bytes) {
  for (const std::byte* end = data + bytes; data != end; data += sizeof(vector4)) {
    vector4 value = *reinterpret_cast<const vector4*>(data);
#if defined(__aarch64__)
    asm volatile("" : "+w"(value));
#elif defined(__x86_64__)
    asm volatile("" : "+x"(value));
#endif
  }
}

constexpr double lanes_times_accumulators(double operations_per_vector) { return 12.0 * operations_per_vector; }

}  // namespace

arithmetic_kernel float32_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    return {fma_avx512, lanes_times_accumulators(2 * 16)};
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return {fma_avx2, lanes_times_accumulators(2 * 8)};
  }
#endif
  return {multiply_add_plain, lanes_times_accumulators(2 * 4)};
}

arithmetic_kernel int8_dot_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vnni")) {
    return {vnni_avx512, lanes_times_accumulators(2 * 64)};
  }
  if (__builtin_cpu_supports("avx2")) {
    return {int8_avx2, lanes_times_accumulators(2 * 32)};
  }
#endif
  return {};
}

arithmetic_kernel bfloat16_dot_kernel() {
#if defined(__x86_64__)
  constexpr unsigned avx512_bf16 = 5;
  // The compilers' names for this feature differ; the bit does not.
  if (__builtin_cpu_supports("avx512f") && (cpuid(7, 1).eax >> avx512_bf16 & 1U) != 0) {
    return {bfloat16_avx512, lanes_times_accumulators(2 * 32)};
  }
#endif
  return {};
}

arithmetic_kernel int8_tile_kernel() {
#if defined(__x86_64__)
  constexpr unsigned amx_int8 = 25;
  if (has_leaf_7_edx(amx_int8) && may_use_tiles()) {
    return {int8_tiles, 4.0 * 2 * 16 * 16 * 64};
  }
#endif
  return {};
}

arithmetic_kernel bfloat16_tile_kernel() {
#if defined(__x86_64__)
  constexpr unsigned amx_bf16 = 22;
  if (has_leaf_7_edx(amx_bf16) && may_use_tiles()) {
    return {bfloat16_tiles, 4.0 * 2 * 16 * 16 * 32};
  }
#endif
  return {};
}

read_kernel widest_read_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    return read_avx512;
  }
  if (__builtin_cpu_supports("avx2")) {
    return read_avx2;
  }
#endif
  return read_plain;
}

}  // namespace offramp_bench
