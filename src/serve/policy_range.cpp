// SPDX-License-Identifier: Apache-2.0
#include "policy_range.hpp"

#include <offramp/detail/number.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace offramp_serve {

using offramp::exit_policy;

namespace {

/// The threshold that a policy on confidence has at each of so many exits; nothing for other rules.
std::optional<std::vector<float>> thresholds_by_exit(const exit_policy& policy, std::size_t exits) {
  using enum exit_policy::rule;
  switch (policy.rule_kind()) {
    case confidence:
    case declining: {
      std::vector<float> thresholds(exits);
      for (std::size_t exit = 0; exit < exits; ++exit) {
        thresholds[exit] = policy.threshold() - policy.decline() * static_cast<float>(exit);
      }
      return thresholds;
    }
    case per_exit:
      return policy.thresholds().front();
    default:
      return std::nullopt;
  }
}

}  // namespace

policy_range::policy_range(exit_policy calm, const exit_policy& busy, const offramp::classifier& model)
    : calm_(std::move(calm)) {
  const std::size_t exits = model.exits().size();
  const auto from = thresholds_by_exit(calm_, exits);
  const auto to = thresholds_by_exit(busy, exits);
  if (!from || !to) {
    throw std::invalid_argument("a policy that changes with load needs thresholds on confidence");
  }
  // What never leaves early still leaves at 1, where probabilities end.
  const auto bounded = [](std::vector<float> thresholds) {
    std::transform(thresholds.begin(), thresholds.end(), thresholds.begin(),
                   [](float threshold) { return std::clamp(threshold, 0.0F, 1.0F); });
    return thresholds;
  };
  calm_thresholds_ = bounded(*from);
  busy_thresholds_ = bounded(*to);
  for (std::size_t exit = 0; exit < exits; ++exit) {
    if (busy_thresholds_[exit] > calm_thresholds_[exit]) {
      throw std::invalid_argument("the policy for high load asks for a confidence of " +
                                  offramp::detail::number_text(busy_thresholds_[exit]) + " at the exit on layer " +
                                  std::to_string(model.exits()[exit].layer) + ", expected at most the " +
                                  offramp::detail::number_text(calm_thresholds_[exit]) + " of the one without load");
    }
  }
}

exit_policy policy_range::at(double load) const {
  constexpr double steps = 16.0;
  const auto share = static_cast<float>(std::round(std::clamp(load, 0.0, 1.0) * steps) / steps);
  if (calm_thresholds_.empty() || share == 0.0F) {
    return calm_;
  }
  std::vector<float> thresholds(calm_thresholds_.size());
  std::transform(calm_thresholds_.begin(), calm_thresholds_.end(), busy_thresholds_.begin(), thresholds.begin(),
                 [share](float calm, float busy) { return calm + (busy - calm) * share; });
  exit_policy between = exit_policy::per_exit(std::move(thresholds));
  return calm_.max_layer() ? between.with_max_layer(*calm_.max_layer()) : between;
}

}  // namespace offramp_serve
