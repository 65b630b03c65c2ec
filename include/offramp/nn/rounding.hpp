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

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// The nearest bfloat16 of a finite number, ties to even: the upper half of its float32. Magnitudes beyond the largest
/// bfloat16 become infinite.
[[nodiscard]] inline std::uint16_t to_bfloat16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

/// The most products of int8 values within +-127 whose sum fits int32, whatever their signs: 133,144. What is on the
/// way to such a sum may wrap around.
inline constexpr std::size_t most_int8_inputs = std::numeric_limits<std::int32_t>::max() / (127 * 127);

/// Symmetric rounding of a row of numbers to -127..127.
struct int8_scale {
  float step = 0.0F;     ///< value = int8 * step
  float inverse = 0.0F;  ///< 127 / largest magnitude; 0 for a row of zeros

  [[nodiscard]] std::int8_t round(float value) const noexcept {
    return static_cast<std::int8_t>(std::nearbyint(std::clamp(value * inverse, -127.0F, 127.0F)));
  }
};

/// The scale at which the largest magnitude of `values` becomes 127. Rows too small to be divided by are zeros.
[[nodiscard]] inline int8_scale scale_of_magnitude(float magnitude) noexcept {
  constexpr float smallest = 1e-30F;
  return magnitude < smallest ? int8_scale{} : int8_scale{magnitude / 127.0F, 127.0F / magnitude};
}

[[nodiscard]] inline int8_scale symmetric_scale(std::span<const float> values) noexcept {
  float magnitude = 0.0F;
  for (const float value : values) {
    magnitude = std::max(magnitude, std::abs(value));
  }
  return scale_of_magnitude(magnitude);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
