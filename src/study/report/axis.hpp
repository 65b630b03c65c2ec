// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// A straight scale from values to places in a picture.
struct axis {
  double low = 0.0;   ///< value at `from`
  double high = 1.0;  ///< value at `to`, above `low`
  double from = 0.0;
  double to = 1.0;

  [[nodiscard]] double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

/// Round distances between ticks: 1, 2 or 5 times a power of ten, about `count` of them.
[[nodiscard]] inline double tick_step(double width, int count) {
  const double rough = width / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double digit = rough / power;
  return power * (digit <= 1.0 ? 1.0 : digit <= 2.0 ? 2.0 : digit <= 5.0 ? 5.0 : 10.0);
}

/// The multiples of `step` from `low` to `high`.
[[nodiscard]] inline std::vector<double> ticks(double low, double high, double step) {
  constexpr double slack = 1e-6;
  std::vector<double> places;
  for (double i = std::ceil(low / step - slack) + 0.0; i * step <= high + slack * step; i += 1.0) {
    places.push_back(i * step);
  }
  return places;
}

/// Decimals that tell ticks of this distance apart.
[[nodiscard]] inline int tick_decimals(double step) {
  constexpr double slack = 1e-9;
  return std::max(0, static_cast<int>(std::ceil(-std::log10(step) - slack)));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
