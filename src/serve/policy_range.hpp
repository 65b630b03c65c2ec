// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/exit_policy.hpp>

#include <vector>

namespace offramp_serve {

/// What a model answers by: one policy while nothing waits, and bolder ones as load grows, up to the boldest allowed.
class policy_range {
 public:
  /// The same whatever the load.
  explicit policy_range(offramp::exit_policy calm) : calm_(std::move(calm)) {}
  /// From `calm` to `busy`. Throws std::invalid_argument unless both are thresholds on confidence (one, declining, or
  /// one for each exit), and `busy` asks for no more than `calm` at any exit.
  policy_range(offramp::exit_policy calm, const offramp::exit_policy& busy, const offramp::classifier& model);

  /// The policy at a load from 0 to 1. Loads are rounded to sixteenths, so that requests that come together have the
  /// same policy and can run together.
  [[nodiscard]] offramp::exit_policy at(double load) const;

 private:
  offramp::exit_policy calm_;
  std::vector<float> calm_thresholds_;  // by exit; empty where the load changes nothing
  std::vector<float> busy_thresholds_;
};

}  // namespace offramp_serve
