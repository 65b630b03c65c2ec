// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace offramp_cli {

/// When texts may leave, as options.
struct policy_options {
  std::optional<float> threshold;
  std::string rule;
  std::optional<int> patience;
  std::optional<int> max_layer;
  std::optional<double> deadline_ms;

  /// `this` must stay where it is until parsing is over.
  void add_to(CLI::App& parser);

  /// The policy of these options, on top of `fallback` where they name no rule and no threshold. Throws usage_error for
  /// combinations that make no policy, and what exit_policy throws.
  [[nodiscard]] offramp::exit_policy policy(const offramp::exit_policy& fallback) const;
  /// `policy` with the deadline that begins now, if there is one.
  [[nodiscard]] offramp::exit_policy starting_now(const offramp::exit_policy& policy) const;
};

/// As in "confidence >= 0.94".
std::string describe(const offramp::exit_policy& policy);
/// As --rule takes it.
std::string rule_name(offramp::exit_policy::rule rule);

}  // namespace offramp_cli
