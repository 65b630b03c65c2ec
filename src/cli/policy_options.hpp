// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy_text.hpp"

#include <offramp/certificate.hpp>
#include <offramp/classifier.hpp>
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
  std::optional<float> decline;
  std::optional<int> max_layer;
  std::optional<double> deadline_ms;
  std::optional<double> certified;
  const CLI::Option* full_depth = nullptr;
  const CLI::Option* every_exit = nullptr;
  std::string certified_loss = "disagreement";

  /// `this` must stay where it is until parsing is over.
  void add_to(CLI::App& parser);
  /// Adds --deadline-ms, for who answers texts rather than measures.
  void add_deadline_to(CLI::App& parser);

  /// Throws usage_error for combinations that make no policy, and what exit_policy throws.
  void check() const;
  /// The policy of these options, the model's own where they name none. Throws as check, and std::runtime_error when
  /// the model has no certificate for --certified.
  [[nodiscard]] offramp::exit_policy policy(const offramp::classifier& model) const;
  /// `policy` with the deadline that begins now, if there is one.
  [[nodiscard]] offramp::exit_policy starting_now(const offramp::exit_policy& policy) const;
};

/// Adds --decline; `decline` must stay where it is until parsing is over.
CLI::Option* add_decline_to(CLI::App& parser, std::optional<float>& decline);
/// Throws usage_error unless there is a decline for --rule declining, and for no other.
void check_decline(const std::string& rule, const std::optional<float>& decline);
/// One threshold for all exits, of that option. Throws usage_error above 1, where somebody meant another number;
/// `otherwise` says what else there is.
[[nodiscard]] offramp::exit_policy confidence_of_at_least(float threshold, const std::string& otherwise = {},
                                                          const std::string& option = "--threshold");
/// Adds --loss, whose values certified_loss_named understands; `loss` must stay where it is until parsing is over.
CLI::Option* add_loss_to(CLI::App& parser, std::string& loss);

}  // namespace offramp_cli
