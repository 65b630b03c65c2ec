// SPDX-License-Identifier: Apache-2.0
#pragma once

// Read by CMakeLists.txt: the one place where the version is written.
#define OFFRAMP_VERSION_MAJOR 0
#define OFFRAMP_VERSION_MINOR 1
#define OFFRAMP_VERSION_PATCH 0

// Header-only and compiled code get different names, so that a program which mixes both has no ODR violation.
#if defined(OFFRAMP_HEADER_ONLY)
#define OFFRAMP_ABI_NAMESPACE v0_1_header_only
#define OFFRAMP_INLINE inline
#else
#define OFFRAMP_ABI_NAMESPACE v0_1
#define OFFRAMP_INLINE
#endif

#if defined(__FAST_MATH__)
#error "offramp promises bit-identical results and cannot be compiled with -ffast-math"
#endif
