// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <algorithm>
#include <array>
#include <bit>
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

/// Exact.
[[nodiscard]] inline float from_bfloat16(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

/// Exact, subnormal numbers included. IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits.
[[nodiscard]] inline float from_float16(std::uint16_t bits) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1FU;
  const std::uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0x1FU) {
    return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13U));
  }
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23U) | (fraction << 13U));
}

/// The most products of int8 values within +-127 whose sum fits int32, whatever their signs: 133,144. What is on the
/// way to such a sum may wrap around.
inline constexpr std::size_t most_int8_inputs = std::numeric_limits<std::int32_t>::max() / (127 * 127);

/// The largest magnitude of `values`, which is not finite where one of them is not.
[[nodiscard]] inline float largest_magnitude(std::span<const float> values) noexcept {
  // Magnitudes are ordered as their bits are, which compilers compare side by side.
  constexpr std::size_t lanes = 16;
  constexpr std::int32_t without_sign = 0x7FFFFFFF;
  std::array<std::int32_t, lanes> largest{};
  const std::size_t whole = values.size() / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      largest[lane] = std::max(largest[lane], std::bit_cast<std::int32_t>(values[i + lane]) & without_sign);
    }
  }
  for (std::size_t i = whole; i < values.size(); ++i) {
    largest[0] = std::max(largest[0], std::bit_cast<std::int32_t>(values[i]) & without_sign);
  }
  return std::bit_cast<float>(*std::max_element(largest.begin(), largest.end()));
}

/// Symmetric rounding of a row of finite numbers to -127..127.
struct int8_scale {
  float step = 0.0F;     ///< value = int8 * step
  float inverse = 0.0F;  ///< 127 / largest magnitude; 0 for a row of zeros

  /// To the nearest, ties to even.
  [[nodiscard]] std::int8_t round(float value) const noexcept {
    return lowest_byte(std::clamp(value * inverse, -127.0F, 127.0F));
  }

  /// The same for each of `values`, none beyond the largest magnitude, into `rounded`.
  void round_row(std::span<const float> values, std::int8_t* rounded) const noexcept {
    constexpr std::size_t lanes = 16;  // a fixed number, which compilers compute side by side
    const std::size_t whole = values.size() / lanes * lanes;
    for (std::size_t i = 0; i < whole; i += lanes) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        rounded[i + lane] = lowest_byte(values[i + lane] * inverse);
      }
    }
    for (std::size_t i = whole; i < values.size(); ++i) {
      rounded[i] = lowest_byte(values[i] * inverse);
    }
  }

 private:
  [[nodiscard]] static std::int8_t lowest_byte(float value) noexcept {
    // The sum has no bits for a fraction, and its lowest ones are the integer.
    constexpr float shift = 0x1.8p23F;
    return static_cast<std::int8_t>(std::bit_cast<std::int32_t>(value + shift));
  }
};

/// The scale at which the largest magnitude of `values` becomes 127. Rows too small to be divided by are zeros.
[[nodiscard]] inline int8_scale scale_of_magnitude(float magnitude) noexcept {
  constexpr float smallest = 1e-30F;
  return magnitude < smallest ? int8_scale{} : int8_scale{magnitude / 127.0F, 127.0F / magnitude};
}

[[nodiscard]] inline int8_scale symmetric_scale(std::span<const float> values) noexcept {
  return scale_of_magnitude(largest_magnitude(values));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
