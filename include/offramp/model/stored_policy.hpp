// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/certificate.hpp>
#include <offramp/error.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/load_options.hpp>
#include <offramp/model/exits_description.hpp>

#include <algorithm>
#include <limits>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

inline exit_policy make_policy(const policy_description& stored) {
  const auto by_rule = [&]() -> exit_policy {
    switch (stored.rule) {
      case policy_rule::confidence:
        return exit_policy(stored.threshold);
      case policy_rule::declining:
        return exit_policy::declining(stored.threshold, stored.decline);
      case policy_rule::per_exit:
        return exit_policy::per_exit(stored.exit_thresholds);
      case policy_rule::per_class:
        return exit_policy::per_class(stored.class_thresholds);
      case policy_rule::entropy:
        return exit_policy::entropy(stored.threshold);
      case policy_rule::normalized_entropy:
        return exit_policy::normalized_entropy(stored.threshold);
      case policy_rule::margin:
        return exit_policy::margin(stored.threshold);
      case policy_rule::patience:
        return exit_policy::patience(stored.patience);
      case policy_rule::patience_entropy:
        return exit_policy::patience_entropy(stored.threshold, stored.patience);
      case policy_rule::learned:
        return exit_policy::learned(stored.threshold);
    }
    return exit_policy::full_depth();
  };
  return stored.max_layer ? by_rule().with_max_layer(*stored.max_layer) : by_rule();
}

/// A threshold that means the same and that a file can hold.
[[nodiscard]] inline float finite_threshold(const exit_policy& policy) {
  if (policy.kind() == exit_policy::rule::confidence && policy.threshold() == std::numeric_limits<float>::infinity()) {
    return 2.0F;  // full depth
  }
  return std::clamp(policy.threshold(), std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max());
}

/// The other way round; infinite thresholds become finite ones, because the file holds finite numbers. Throws
/// `invalid_argument` for a deadline, which is a moment and cannot be stored.
inline policy_description describe_policy(const exit_policy& policy) {
  if (policy.deadline()) {
    throw error(error_kind::invalid_argument, "exit_policy: a deadline cannot be stored");
  }
  policy_description stored{.rule = policy.kind(),
                            .threshold = finite_threshold(policy),
                            .decline = policy.decline(),
                            .patience = policy.patience_count(),
                            .max_layer = policy.max_layer()};
  if (stored.rule == policy_rule::per_exit) {
    stored.exit_thresholds = policy.thresholds().front();
  } else if (stored.rule == policy_rule::per_class) {
    stored.class_thresholds = policy.thresholds();
  }
  return stored;
}

/// The certificates that hold for a model loaded in this format, with exits on these layers and that limit of tokens.
inline std::vector<certificate> certificates_for(const exits_file& stored, numeric_format format,
                                                 const std::vector<int>& exit_layers, std::size_t max_tokens) {
  std::vector<certificate> valid;
  for (const certificate_description& one : stored.certificates) {
    if (one.numeric_format == format && one.exit_layers == exit_layers &&
        static_cast<std::size_t>(one.max_tokens) == max_tokens) {
      valid.push_back({one.loss, one.epsilon, one.delta, one.n, make_policy(one.policy)});
    }
  }
  return valid;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
