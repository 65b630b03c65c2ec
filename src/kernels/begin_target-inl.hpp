// SPDX-License-Identifier: Apache-2.0
// No include guard: opens the code of one target. Highway 1.0 names AVX3_DL's instructions without the dot products
// that every such CPU (vpdpbusd) or some of them (vdpbf16ps, asked for at run time) have. OFFRAMP_ATTR stands on
// lambdas, which the attributes pushed here do not reach in every compiler.
#undef OFFRAMP_HAS_DOT_PRODUCTS
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
