// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/floating_point.hpp>
#include <offramp/detail/number.hpp>
#include <offramp/error.hpp>
#include <offramp/exit_policy.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace exits {

[[noreturn]] inline void refuse_policy(const std::string& what) {
  throw error(error_kind::invalid_argument, "exit_policy: " + what);
}

inline void refuse_nan(float threshold) {
  if (std::isnan(threshold)) {
    refuse_policy("a threshold is NaN");
  }
}

/// The float nearest to a threshold that some confidence reaches.
template <class Number>
[[nodiscard]] float nearest_threshold(Number given) {
  const detail::default_floating_point environment;
  const Number threshold = detail::settled(given);
  if (threshold > Number{1}) {
    refuse_policy("the threshold is " + detail::number_text(threshold) +
                  ", which no confidence reaches, expected at most 1; exit_policy::full_depth() runs every layer");
  }
  if (std::isnan(threshold)) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  return detail::settled(
      static_cast<float>(std::max(threshold, static_cast<Number>(std::numeric_limits<float>::lowest()))));
}

}  // namespace exits

OFFRAMP_INLINE exit_policy::exit_policy(rule kind, float threshold, int patience)
    : rule_(kind), threshold_(threshold), patience_(patience) {
  exits::refuse_nan(threshold);
  if (patience < 0) {
    exits::refuse_policy("patience is " + std::to_string(patience) + ", expected at least 0");
  }
}

OFFRAMP_INLINE exit_policy::exit_policy(rule kind, std::vector<std::vector<float>> thresholds)
    : rule_(kind), thresholds_(std::move(thresholds)) {
  for (const std::vector<float>& row : this->thresholds()) {
    std::for_each(row.begin(), row.end(), exits::refuse_nan);
  }
}

OFFRAMP_INLINE const std::vector<std::vector<float>>& exit_policy::thresholds() const noexcept {
  static const std::vector<std::vector<float>> none;
  return thresholds_.get() != nullptr ? *thresholds_.get() : none;
}

OFFRAMP_INLINE float exit_policy::confidence_threshold(float threshold) { return exits::nearest_threshold(threshold); }
OFFRAMP_INLINE float exit_policy::confidence_threshold(double threshold) { return exits::nearest_threshold(threshold); }
OFFRAMP_INLINE float exit_policy::confidence_threshold(long double threshold) {
  return exits::nearest_threshold(threshold);
}

OFFRAMP_INLINE exit_policy exit_policy::full_depth() {
  return {rule::confidence, std::numeric_limits<float>::infinity(), 0};
}

OFFRAMP_INLINE exit_policy exit_policy::declining(float threshold, float decline) {
  if (!(decline >= 0.0F && decline <= 1.0F)) {
    exits::refuse_policy("decline is " + detail::number_text(decline) + ", expected 0 to 1");
  }
  exit_policy policy{rule::declining, threshold, 0};
  policy.decline_ = decline;
  return policy;
}

OFFRAMP_INLINE exit_policy exit_policy::patience_entropy(float threshold, int count) {
  if (count < 1) {
    exits::refuse_policy("the count of patience_entropy is " + std::to_string(count) + ", expected at least 1");
  }
  return {rule::patience_entropy, threshold, count};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
