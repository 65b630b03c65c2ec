// SPDX-License-Identifier: Apache-2.0
#include "certify_output.hpp"

#include "fixed_number.hpp"
#include "json_output.hpp"
#include "policy_options.hpp"

#include <offramp/names.hpp>

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <optional>
#include <vector>

namespace offramp_cli {

namespace study = offramp::study;

namespace {

json policy_fields(const study::tested_policy& tested) {
  json thresholds = json::array();
  for (const std::vector<float>& row : tested.policy.thresholds()) {
    thresholds.push_back(row);
  }
  return {{"rule", rule_name(tested.policy.rule_kind())},
          {"threshold", thresholds.empty() ? json(tested.policy.threshold()) : json()},
          {"decline",
           tested.policy.rule_kind() == offramp::exit_policy::rule::declining ? json(tested.policy.decline()) : json()},
          {"thresholds", thresholds.empty() ? json() : thresholds},
          {"losses", tested.losses},
          {"risk", tested.risk},
          {"bound", tested.bound},
          {"mean_layer", tested.mean_layer}};
}

json depth_fields(const study::certification& result) {
  json depths = json::array();
  for (const study::depth_evidence& depth : result.depths) {
    depths.push_back({{"layer", depth.layer},
                      {"threshold", depth.threshold ? json(*depth.threshold) : json()},
                      {"texts", depth.texts},
                      {"losses", depth.losses},
                      {"bound", depth.bound}});
  }
  return depths;
}

void write_line(const char* title, const study::tested_policy& tested, const study::certification& result) {
  char numbers[160];
  std::snprintf(numbers, sizeof numbers, "losses %lld of %lld, risk %.4f, bound %.4f, mean layer %.3f",
                static_cast<long long>(tested.losses), static_cast<long long>(result.n), tested.risk, tested.bound,
                tested.mean_layer);
  std::cout << title << describe(tested.policy) << ": " << numbers << '\n';
  const char* row_title =
      tested.policy.rule_kind() == offramp::exit_policy::rule::per_class ? "  exit, by label" : "  by exit";
  for (const std::vector<float>& row : tested.policy.thresholds()) {
    std::cout << row_title;
    for (const float threshold : row) {
      std::cout << ' ' << threshold;
    }
    std::cout << '\n';
  }
}

/// Who has left by each exit, and how sure the promise is of them.
void write_depths(const study::certification& result) {
  std::cout << "layer  threshold  left by then  losses    risk   bound\n";
  for (const study::depth_evidence& depth : result.depths) {
    char line[120];
    const bool is_last = &depth == &result.depths.back();
    char threshold[24];
    std::snprintf(threshold, sizeof threshold, "%.3f", static_cast<double>(depth.threshold.value_or(0.0F)));
    const std::string risk =
        depth.texts == 0 ? "-" : fixed(static_cast<double>(depth.losses) / static_cast<double>(depth.texts), 4);
    std::snprintf(line, sizeof line, "%5d  %9s  %12lld  %6lld  %6s  %6.4f", depth.layer,
                  depth.threshold ? threshold
                  : is_last       ? "-"
                                  : "closed",
                  static_cast<long long>(depth.texts), static_cast<long long>(depth.losses), risk.c_str(), depth.bound);
    std::cout << line << '\n';
  }
}

}  // namespace

void write_certification_json(const study::certification& result, const study::certifiable_texts& texts) {
  const std::optional<std::int64_t> allowed = study::losses_allowed(result.n, result.epsilon, result.delta);
  write_json_line(std::cout, {{"loss", name_of(result.loss)},
                              {"scope", name_of(result.scope)},
                              {"depths", depth_fields(result)},
                              {"epsilon", result.epsilon},
                              {"delta", result.delta},
                              {"n", result.n},
                              {"repeated", texts.repeated},
                              {"left_out", texts.left_out},
                              {"look", texts.earlier_looks + 1},
                              {"losses_allowed", allowed ? json(*allowed) : json()},
                              {"texts_needed", study::texts_needed(result.epsilon, result.delta)},
                              {"certified", result.certified ? policy_fields(*result.certified) : json()},
                              {"failed", result.failed ? policy_fields(*result.failed) : json()}});
}

void write_certification_text(const study::certification& result) {
  if (result.certified) {
    const bool is_overall = result.scope == offramp::certified_scope::overall;
    std::cout << name_of(result.loss) << " at most " << result.epsilon
              << (is_overall ? "" : " at every exit, among those that have left by then,") << " with probability "
              << 1.0 - result.delta << ", by " << result.n << " different texts\n";
    if (const auto allowed = study::losses_allowed(result.n, result.epsilon, result.delta)) {
      std::cout << "allowed    " << *allowed << " losses\n";
    }
    write_line("certified  ", *result.certified, result);
  }
  if (result.failed) {
    write_line("failed     ", *result.failed, result);
  }
  if (!result.depths.empty()) {
    write_depths(result);
  }
}

}  // namespace offramp_cli
