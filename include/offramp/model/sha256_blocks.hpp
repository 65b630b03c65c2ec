// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#include <tmmintrin.h>
#endif

/// The compression of SHA-256 (FIPS 180-4, section 6.2.2): folds blocks of 64 bytes into a state. In two ways of the
/// same result; by the CPU's instructions for it several times as fast.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model::sha256_blocks {

using state = std::array<std::uint32_t, 8>;
using compression = void (*)(state& digest, const std::byte* blocks, std::size_t count);

inline constexpr std::size_t block_bytes = 64;

// FIPS 180-4 section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
inline constexpr std::array<std::uint32_t, 64> constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// Section 6.2.2, step 1.
[[nodiscard]] inline std::array<std::uint32_t, 64> schedule(const std::byte* block) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t t = 0; t < 16; ++t) {
    for (std::size_t i = 0; i < 4; ++i) {
      w[t] = (w[t] << 8) | std::to_integer<std::uint32_t>(block[4 * t + i]);
    }
  }
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  return w;
}

inline void compress_portably(state& digest, const std::byte* blocks, std::size_t count) {
  for (; count != 0; --count, blocks += block_bytes) {
    const std::array<std::uint32_t, 64> w = schedule(blocks);
    auto [a, b, c, d, e, f, g, h] = digest;
    for (std::size_t t = 0; t < 64; ++t) {
      const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const std::uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + constants[t] + w[t];
      const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const std::uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + t2;
    }
    const state step{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < step.size(); ++i) {
      digest[i] += step[i];
    }
  }
}

#if defined(__x86_64__)

// Not by their intrinsics: the header that declares those takes half a second to compile.
using words = int __attribute__((vector_size(16)));

__attribute__((target("sha"))) inline __m128i two_rounds(__m128i cdgh, __m128i abef, __m128i added) {
  return reinterpret_cast<__m128i>(__builtin_ia32_sha256rnds2(
      reinterpret_cast<words>(cdgh), reinterpret_cast<words>(abef), reinterpret_cast<words>(added)));
}

__attribute__((target("sha"))) inline __m128i add_s0(__m128i w, __m128i next) {
  return reinterpret_cast<__m128i>(
      __builtin_ia32_sha256msg1(reinterpret_cast<words>(w), reinterpret_cast<words>(next)));
}

__attribute__((target("sha"))) inline __m128i add_s1(__m128i sum, __m128i last) {
  return reinterpret_cast<__m128i>(
      __builtin_ia32_sha256msg2(reinterpret_cast<words>(sum), reinterpret_cast<words>(last)));
}

/// The words lie as the instructions want them (Intel SDM, volume 2, SHA256RNDS2): a, b, e, f in one register and
/// c, d, g, h in the other, the first highest. Four words of the schedule make a register, the first lowest.
__attribute__((target("sha,ssse3"))) inline void compress_by_sha_extensions(state& digest, const std::byte* blocks,
                                                                            std::size_t count) {
  const auto signed_word = [&](std::size_t i) { return static_cast<int>(digest[i]); };
  __m128i abef = _mm_set_epi32(signed_word(0), signed_word(1), signed_word(4), signed_word(5));
  __m128i cdgh = _mm_set_epi32(signed_word(2), signed_word(3), signed_word(6), signed_word(7));
  const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  for (; count != 0; --count, blocks += block_bytes) {
    __m128i w[16];
    for (int i = 0; i < 4; ++i) {
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(blocks) + i), big_endian);
    }
    for (int i = 4; i < 16; ++i) {
      const __m128i seventh = _mm_alignr_epi8(w[i - 1], w[i - 2], 4);  // w[t - 7]
      w[i] = add_s1(_mm_add_epi32(add_s0(w[i - 4], w[i - 3]), seventh), w[i - 1]);
    }
    const __m128i before[] = {abef, cdgh};
    for (int i = 0; i < 16; ++i) {
      const __m128i added =
          _mm_add_epi32(w[i], _mm_loadu_si128(reinterpret_cast<const __m128i*>(constants.data()) + i));
      cdgh = two_rounds(cdgh, abef, added);
      abef = two_rounds(abef, cdgh, _mm_shuffle_epi32(added, 0x0E));
    }
    abef = _mm_add_epi32(abef, before[0]);
    cdgh = _mm_add_epi32(cdgh, before[1]);
  }
  std::array<std::uint32_t, 4> high{};
  std::array<std::uint32_t, 4> low{};
  _mm_storeu_si128(reinterpret_cast<__m128i*>(high.data()), abef);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(low.data()), cdgh);
  digest = {high[3], high[2], low[3], low[2], high[1], high[0], low[1], low[0]};
}

/// Asked of the CPU itself: g++ 12's __builtin_cpu_supports does not know these instructions.
[[nodiscard]] inline bool has_sha_extensions() {
  constexpr unsigned ssse3 = 1U << 9U;
  constexpr unsigned sha = 1U << 29U;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & ssse3) == 0) {
    return false;
  }
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & sha) != 0;
}

/// What this CPU does fastest; it is asked once, since a hypervisor answers for it, which takes long.
[[nodiscard]] inline compression choose() {
  static const compression chosen = has_sha_extensions() ? &compress_by_sha_extensions : &compress_portably;
  return chosen;
}

#else

[[nodiscard]] inline compression choose() { return &compress_portably; }

#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model::sha256_blocks
