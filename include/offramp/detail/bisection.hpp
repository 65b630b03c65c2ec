// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/interval.hpp>
#include <offramp/version.hpp>

#include <cmath>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// The neighbouring doubles between which `is_right` changes from false to true, given that it does between `left` and
/// `right`.
template <class Predicate>
[[nodiscard]] study::interval bisect(double left, double right, const Predicate& is_right) {
  for (;;) {
    const double middle = left + (right - left) / 2.0;
    if (!(left < middle && middle < right)) {
      return {left, right};
    }
    (is_right(middle) ? right : left) = middle;
  }
}

/// z with P(|Z| > z) = 1 - confidence for a standard normal Z, 0 < confidence < 1.
[[nodiscard]] inline double two_sided_quantile(double confidence) {
  return bisect(0.0, 40.0, [&](double x) { return std::erfc(x / std::sqrt(2.0)) <= 1.0 - confidence; }).upper;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
