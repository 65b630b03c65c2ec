// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The nearest float16, ties to even; infinity from 65,520 on.
[[nodiscard]] inline std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude >= 0x47800000U) {  // 2^16 and more, NaN
    return static_cast<std::uint16_t>(sign | (magnitude > 0x7f800000U ? 0x7e00U : 0x7c00U));
  }
  if (magnitude < 0x38800000U) {  // below 2^-14 halves are multiples of 2^-24, as floats from 1/2 to 1 are
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000U));
  }
  const std::uint32_t odd = magnitude >> 13 & 1U;
  const std::uint32_t rounded = magnitude + 0xfffU + odd;
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000U) >> 13));
}

/// Exact, for finite halves.
[[nodiscard]] inline float from_half(std::uint16_t half) {
  constexpr float scale = 0x1p112F;  // between the exponents' biases; also makes subnormal halves right
  const float magnitude = std::bit_cast<float>(static_cast<std::uint32_t>(half & 0x7fffU) << 13) * scale;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | static_cast<std::uint32_t>(half & 0x8000U)
                                                                            << 16);
}

/// A matrix [rows, columns] in float16: half the memory, and a precision of 2^-11, far finer than what tells texts
/// apart.
class half_rows {
 public:
  half_rows() = default;
  half_rows(std::size_t rows, std::size_t columns) : columns_(columns), values_(rows * columns) {}

  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }

  /// False when a value cannot be held: not finite, or 65,520 and more. Different rows are safe from several threads.
  [[nodiscard]] bool set(std::size_t row, std::span<const float> values) {
    bool is_finite = true;
    for (std::size_t i = 0; i < columns_; ++i) {
      const std::uint16_t half = to_half(values[i]);
      is_finite = is_finite && (half & 0x7c00U) != 0x7c00U;
      values_[row * columns_ + i] = half;
    }
    return is_finite;
  }

  /// All rows, [rows, columns].
  [[nodiscard]] std::vector<float> widen() const {
    std::vector<float> wide(values_.size());
    for (std::size_t i = 0; i < values_.size(); ++i) {
      wide[i] = from_half(values_[i]);
    }
    return wide;
  }

 private:
  std::size_t columns_ = 0;
  std::vector<std::uint16_t> values_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
