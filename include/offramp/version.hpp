// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/export.hpp>

#include <string_view>

// Read by CMakeLists.txt: the one place where the version is written.
#define OFFRAMP_VERSION_MAJOR 0
#define OFFRAMP_VERSION_MINOR 2
#define OFFRAMP_VERSION_PATCH 0

/// The version as a number to compare, 10000 * major + 100 * minor + patch, and as text.
#define OFFRAMP_VERSION (OFFRAMP_VERSION_MAJOR * 10000 + OFFRAMP_VERSION_MINOR * 100 + OFFRAMP_VERSION_PATCH)
#define OFFRAMP_VERSION_STRING           \
  OFFRAMP_TEXT_OF(OFFRAMP_VERSION_MAJOR) \
  "." OFFRAMP_TEXT_OF(OFFRAMP_VERSION_MINOR) "." OFFRAMP_TEXT_OF(OFFRAMP_VERSION_PATCH)
#define OFFRAMP_TEXT_OF(number) OFFRAMP_TEXT_OF_TOKEN(number)
#define OFFRAMP_TEXT_OF_TOKEN(token) #token

// Header-only and compiled code get different names, so that a program which mixes both has no ODR violation.
#if defined(OFFRAMP_HEADER_ONLY)
#define OFFRAMP_ABI_NAMESPACE v0_2_header_only
#define OFFRAMP_INLINE inline
#else
#define OFFRAMP_ABI_NAMESPACE v0_2
#define OFFRAMP_INLINE
#endif

// The compiled library keeps its promise whatever flags its users have; what is compiled with those flags cannot.
#if defined(OFFRAMP_HEADER_ONLY) && (defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__))
#error "offramp promises bit-identical results: its header-only target cannot be compiled with -ffast-math"
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// The version of the library that runs, which a shared library may have newer than the headers:
/// "major.minor.patch". OFFRAMP_VERSION_STRING is that of the headers.
#if defined(OFFRAMP_HEADER_ONLY)
[[nodiscard]] inline std::string_view version() noexcept { return OFFRAMP_VERSION_STRING; }
#else
[[nodiscard]] OFFRAMP_API std::string_view version() noexcept;
#endif

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
