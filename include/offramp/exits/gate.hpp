// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/exits/labelling.hpp>
#include <offramp/model/exits/description.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// What the rules know of one text besides an exit's probabilities.
struct gate_memory {
  float uncertainty = 1.0F;     // what a learned gate says at this exit
  bool repeats_answer = false;  // this exit's answer is that of the exit before
  int streak = 0;
};

/// Throws `invalid_argument` when the policy does not fit a model with that many exits and labels, whose first exit is
/// on `first_layer`.
inline void check_policy(const exit_policy& policy, std::size_t num_exits, std::size_t num_labels, int first_layer) {
  const auto refuse = [](const char* what, std::size_t found, std::size_t expected) {
    throw error(error_kind::invalid_argument,
                "exit_policy: " + std::to_string(found) + " " + what + ", expected " + std::to_string(expected));
  };
  if (policy.rule_kind() == exit_policy::rule::per_exit && policy.thresholds()[0].size() != num_exits) {
    refuse("thresholds per exit", policy.thresholds()[0].size(), num_exits);
  }
  if (policy.rule_kind() == exit_policy::rule::per_class) {
    if (policy.thresholds().size() != num_exits) {
      refuse("rows of thresholds per class", policy.thresholds().size(), num_exits);
    }
    for (const auto& row : policy.thresholds()) {
      if (row.size() != num_labels) {
        refuse("thresholds per class", row.size(), num_labels);
      }
    }
  }
  if (policy.max_layer() && *policy.max_layer() < first_layer) {
    throw error(error_kind::invalid_argument, "exit_policy: max_layer is " + std::to_string(*policy.max_layer()) +
                                                  ", expected at least the first exit's layer " +
                                                  std::to_string(first_layer));
  }
}

/// Throws `invalid_argument` for a policy that asks a learned gate: the model has none.
inline void refuse_learned(const exit_policy& policy) {
  if (policy.rule_kind() == exit_policy::rule::learned) {
    throw error(error_kind::invalid_argument, "exit_policy: the rule is learned, but the model has no gate");
  }
}

/// Throws `invalid_argument` for a rule that weighs labels against each other where each is given for itself.
inline void refuse_exclusive(const exit_policy& policy) {
  if (!model::fits_multi_label(policy.rule_kind())) {
    throw error(error_kind::invalid_argument,
                "exit_policy: the rule is " +
                    std::string(model::name_in(model::policy_rule_names, policy.rule_kind())) +
                    ", which is for labels that exclude each other, but the model is multi-label; expected " +
                    std::string(model::multi_label_rules));
  }
}

/// What the rule `declining` asks for at exit number `exit` (from 0). In double, where the product of a float and the
/// number of an exit is exact: the same however the compiler contracts it.
inline double declined_threshold(float threshold, float decline, std::size_t exit) {
  return static_cast<double>(threshold) - static_cast<double>(decline) * static_cast<double>(exit);
}

/// Whether the rule can be satisfied by any probabilities. Deadlines and layer limits are not asked here.
inline bool may_leave_early(const exit_policy& policy) {
  switch (policy.rule_kind()) {
    case exit_policy::rule::confidence:
    case exit_policy::rule::margin:
      return policy.threshold() <= 1.0F;
    case exit_policy::rule::entropy:
    case exit_policy::rule::patience_entropy:
    case exit_policy::rule::learned:
      return policy.threshold() > 0.0F;
    case exit_policy::rule::normalized_entropy:
      return policy.threshold() >= 0.0F;
    case exit_policy::rule::declining:
      return policy.threshold() <= 1.0F || (policy.decline() > 0.0F && !std::isinf(policy.threshold()));
    case exit_policy::rule::patience:
      return policy.patience_count() > 0;
    case exit_policy::rule::per_exit:
    case exit_policy::rule::per_class:
      break;
  }
  return true;
}

/// Whether a text may leave at exit number `exit` (from 0), given that exit's calibrated probabilities.
inline bool is_satisfied(const exit_policy& policy, const labelling& labels, std::size_t exit,
                         std::span<const float> probabilities, gate_memory& memory) {
  const float confidence = labels.confidence(probabilities);
  switch (policy.rule_kind()) {
    case exit_policy::rule::confidence:
      return confidence >= policy.threshold();
    case exit_policy::rule::declining:
      return static_cast<double>(confidence) >= declined_threshold(policy.threshold(), policy.decline(), exit);
    case exit_policy::rule::per_exit:
      return confidence >= policy.thresholds()[0][exit];
    case exit_policy::rule::per_class:
      return confidence >= policy.thresholds()[exit][most_probable(probabilities)];
    case exit_policy::rule::entropy:
      return entropy(probabilities) < policy.threshold();
    case exit_policy::rule::normalized_entropy:
      return normalized_entropy(probabilities) <= policy.threshold();
    case exit_policy::rule::margin:
      return margin(probabilities) >= policy.threshold();
    case exit_policy::rule::patience:
      memory.streak = memory.repeats_answer ? memory.streak + 1 : 0;
      return policy.patience_count() > 0 && memory.streak == policy.patience_count();
    case exit_policy::rule::patience_entropy:
      memory.streak = normalized_entropy(probabilities) < policy.threshold() ? memory.streak + 1 : 0;
      return memory.streak == policy.patience_count();
    case exit_policy::rule::learned:
      return memory.uncertainty < policy.threshold();
  }
  return false;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
