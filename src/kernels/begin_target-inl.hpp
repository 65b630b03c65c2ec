// SPDX-License-Identifier: Apache-2.0
// No include guard: opens the code of one target. Highway 1.0 names AVX3_DL's instructions without the dot products
// that every such CPU (vpdpbusd) or some of them (vdpbf16ps, asked for at run time) have. OFFRAMP_ATTR stands on
// lambdas, which the attributes pushed here do not reach in every compiler.
// arm64's dot products are in optimized builds only: others emit the inlined functions that name them once more alone,
// without the attribute.
#undef OFFRAMP_HAS_DOT_PRODUCTS
#undef OFFRAMP_HAS_NEON_DOT_PRODUCTS
#undef OFFRAMP_HAS_PAIR_PRODUCTS
#undef OFFRAMP_HAS_VNNI_PRODUCTS
#undef OFFRAMP_ATTR
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
#define OFFRAMP_HAS_DOT_PRODUCTS 1
#define OFFRAMP_ATTR __attribute__((target(HWY_TARGET_STR ",avx512vnni,avx512bf16")))
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni,avx512bf16")
#else
#define OFFRAMP_HAS_DOT_PRODUCTS 0
#define OFFRAMP_ATTR HWY_ATTR
HWY_BEFORE_NAMESPACE();
#endif
// Pairs of unsigned by signed bytes in 16 bits, vpmaddubsw, in targets that promise nothing better; some of their CPUs
// have vpdpbusd nevertheless: AVX-512's (Cascade Lake) or AVX's (clients from Alder Lake on).
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3 && !OFFRAMP_HAS_DOT_PRODUCTS
#define OFFRAMP_HAS_PAIR_PRODUCTS 1
#else
#define OFFRAMP_HAS_PAIR_PRODUCTS 0
#endif
#if OFFRAMP_HAS_PAIR_PRODUCTS && HWY_TARGET <= HWY_AVX2
#define OFFRAMP_HAS_VNNI_PRODUCTS 1
#else
#define OFFRAMP_HAS_VNNI_PRODUCTS 0
#endif
#if HWY_ARCH_ARM_A64 && defined(__OPTIMIZE__)
#define OFFRAMP_HAS_NEON_DOT_PRODUCTS 1
#else
#define OFFRAMP_HAS_NEON_DOT_PRODUCTS 0
#endif
