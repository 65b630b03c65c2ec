// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#if defined(__x86_64__)
#include <cstdint>
#elif defined(__aarch64__)
#include <cstdint>
#else
#include <cfenv>
#endif

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "offramp promises bit-identical results and cannot be built with -ffast-math or -ffinite-math-only"
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// While it lives, its thread computes as a new thread does: to nearest, with subnormal numbers, without traps. At the
/// end of its life the thread has its own environment back, exception flags included. Everything that computes lives
/// under one, so that a caller's modes change no result. Costs some nanoseconds: the C library's functions, which do
/// the same, about a hundred.
class default_floating_point {
 public:
  default_floating_point(const default_floating_point&) = delete;
  default_floating_point& operator=(const default_floating_point&) = delete;

#if defined(__x86_64__)
  default_floating_point() noexcept {
    constexpr std::uint32_t flags = 0x3F;
    asm volatile("stmxcsr %0" : "=m"(vector_) : : "memory");
    asm volatile("fnstcw %0" : "=m"(scalar_) : : "memory");
    if ((vector_ & ~flags) != default_vector) {
      asm volatile("ldmxcsr %0" : : "m"(default_vector) : "memory");
    }
    // No result comes from the x87 unit, but the C library reads numbers by its rounding mode.
    if (scalar_ != default_scalar) {
      asm volatile("fldcw %0" : : "m"(default_scalar) : "memory");
    }
  }

  ~default_floating_point() {
    asm volatile("ldmxcsr %0" : : "m"(vector_) : "memory");
    if (scalar_ != default_scalar) {
      asm volatile("fldcw %0" : : "m"(scalar_) : "memory");
    }
  }

 private:
  static constexpr std::uint32_t default_vector = 0x1F80;
  static constexpr std::uint16_t default_scalar = 0x037F;

  std::uint32_t vector_ = 0;  // MXCSR
  std::uint16_t scalar_ = 0;  // x87 control word
#elif defined(__aarch64__)
  default_floating_point() noexcept {
    asm volatile("mrs %0, fpcr" : "=r"(control_) : : "memory");
    asm volatile("mrs %0, fpsr" : "=r"(status_) : : "memory");
    if (control_ != 0) {
      asm volatile("msr fpcr, %0" : : "r"(std::uint64_t{0}) : "memory");
    }
  }

  ~default_floating_point() {
    if (control_ != 0) {
      asm volatile("msr fpcr, %0" : : "r"(control_) : "memory");
    }
    asm volatile("msr fpsr, %0" : : "r"(status_) : "memory");
  }

 private:
  std::uint64_t control_ = 0;
  std::uint64_t status_ = 0;
#else
  default_floating_point() noexcept {
    std::fegetenv(&caller_);
    std::fesetenv(FE_DFL_ENV);
  }

  ~default_floating_point() { std::fesetenv(&caller_); }

 private:
  std::fenv_t caller_{};
#endif
};

/// The value, computed before what follows: nothing else keeps a compiler from moving arithmetic between registers past
/// a change of modes. What a function under a default_floating_point takes and returns in registers goes through here.
template <class Value>
[[nodiscard]] Value settled(Value value) noexcept {
  asm volatile("" : "+m"(value) : : "memory");
  return value;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
