// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// With that many decimals, whatever the locale; "-" for what is no number.
[[nodiscard]] inline std::string fixed_number(double value, int decimals) {
  char digits[400];
  const auto [end, problem] = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, decimals);
  const bool is_finite = value - value == 0.0;
  return problem == std::errc() && is_finite ? std::string(digits, end) : "-";
}

/// As few digits as tell the number from its neighbours, never with an exponent: "0.5", "12".
[[nodiscard]] inline std::string short_number(double value) {
  char digits[400];
  const auto [end, problem] = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
  return problem == std::errc() ? std::string(digits, end) : "?";
}

/// A share in hundredths, short: 0.57 is "57", whatever 100 times the double next to 0.57 is.
[[nodiscard]] inline std::string short_percent(double share) { return short_number(std::round(share * 1e12) / 1e10); }

/// As few digits as tell a float from its neighbours.
[[nodiscard]] inline std::string threshold_number(float threshold) {
  char digits[200];
  const auto [end, problem] = std::to_chars(digits, digits + sizeof digits, threshold, std::chars_format::fixed);
  return problem == std::errc() ? std::string(digits, end) : "-";
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
