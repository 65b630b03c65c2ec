// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
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

/// Where the values of a column lie: at most `reach` from `center`.
struct column_range {
  float center = 0;
  float reach = 65504;
};

/// A matrix [rows, columns] in float16, which halves the memory. Each column is stored as its distance from a center
/// times a power of two that fills float16's range, so that a column of tiny numbers keeps what it tells of texts too:
/// the precision is 2^-11 of that distance.
class half_rows {
 public:
  half_rows() = default;
  half_rows(std::size_t rows, std::span<const column_range> ranges) : values_(rows * ranges.size()) {
    for (const column_range& range : ranges) {
      centers_.push_back(range.center);
      scales_.push_back(scale_for(range.reach));
    }
  }

  /// False when a value cannot be held: not finite, or far out of its column's range. Different rows are safe from
  /// several threads.
  [[nodiscard]] bool set(std::size_t row, std::span<const float> values) {
    bool is_finite = true;
    for (std::size_t i = 0; i < centers_.size(); ++i) {
      const std::uint16_t half = to_half((values[i] - centers_[i]) * scales_[i]);
      is_finite = is_finite && (half & 0x7c00U) != 0x7c00U;
      values_[row * centers_.size() + i] = half;
    }
    return is_finite;
  }

  [[nodiscard]] std::size_t columns() const noexcept { return centers_.size(); }

  [[nodiscard]] float at(std::size_t row, std::size_t column) const {
    return from_half(values_[row * centers_.size() + column]) / scales_[column] + centers_[column];
  }

  /// One row, [columns].
  void widen(std::size_t row, std::span<float> wide) const {
    for (std::size_t i = 0; i < centers_.size(); ++i) {
      wide[i] = at(row, i);
    }
  }

  /// All rows, [rows, columns].
  [[nodiscard]] std::vector<float> widen() const {
    std::vector<float> wide(values_.size());
    for (std::size_t first = 0; first < wide.size(); first += centers_.size()) {
      widen(first / centers_.size(), std::span(wide).subspan(first, centers_.size()));
    }
    return wide;
  }

 private:
  /// The largest power of two that keeps `reach` times it at or below 2^15, and that float32 and its inverse can hold.
  static float scale_for(float reach) {
    constexpr int largest = 126;
    int exponent = 15 - largest;
    if (reach > 0) {
      static_cast<void>(std::frexp(std::min(reach, std::numeric_limits<float>::max()), &exponent));
    }
    return std::ldexp(1.0F, std::clamp(15 - exponent, -largest, largest));
  }

  std::vector<float> centers_;  // [columns]
  std::vector<float> scales_;   // [columns], powers of two
  std::vector<std::uint16_t> values_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
