// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/certificate.hpp>
#include <offramp/error.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/load_options.hpp>
#include <offramp/model/exits/description.hpp>
#include <offramp/model/json_object.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

namespace detail {

/// The value named by a string, `otherwise` where there is none. Throws `bad_model` for any other string.
template <class T, std::size_t N>
[[nodiscard]] T choose(const std::optional<json_place>& place, T otherwise, const name_table<T, N>& choices) {
  if (!place) {
    return otherwise;
  }
  std::string expected;
  for (const auto& [name, value] : choices) {
    if (place->text() == name) {
      return value;
    }
    expected += (expected.empty() ? "" : " or ") + std::string(name);
  }
  place->refuse(expected);
}

/// A policy over `num_exits` exits of the model, of which `labels` and the first layer are known.
[[nodiscard]] inline policy_description read_policy(const json_place& place, const exits_file& model,
                                                    std::size_t num_exits, int num_layers) {
  const std::size_t num_labels = model.labels.size();
  const auto number = [](const json_place& element) { return element.number(); };
  json_object object(place);
  policy_description policy;
  policy.rule = choose(std::optional(object.require("rule")), policy_rule::confidence, policy_rule_names);
  if (policy.rule == policy_rule::learned && !model.has_gate) {
    place.member("rule").refuse("another rule, because the model has no gate");
  }
  if (!model.cuts.empty() && !fits_multi_label(policy.rule)) {
    place.member("rule").refuse(std::string(multi_label_rules) + ", because the model is multi-label");
  }
  if (policy.rule == policy_rule::per_exit) {
    policy.exit_thresholds = object.require("thresholds").array(num_exits, num_exits, number);
  } else if (policy.rule == policy_rule::per_class) {
    policy.class_thresholds = object.require("thresholds").array(num_exits, num_exits, [&](const json_place& row) {
      return row.array(num_labels, num_labels, number);
    });
  } else if (policy.rule != policy_rule::patience) {
    policy.threshold = object.require("threshold").number();
  }
  if (policy.rule == policy_rule::declining) {
    policy.decline = object.require("decline").number(0.0, 1.0);
  }
  if (policy.rule == policy_rule::patience || policy.rule == policy_rule::patience_entropy) {
    const int lowest = policy.rule == policy_rule::patience ? 0 : 1;
    policy.patience = static_cast<int>(object.require("patience").integer(lowest, 1 << 30));
  }
  if (const auto layer = object.find("max_layer")) {
    policy.max_layer = static_cast<int>(layer->integer(model.exits.front().layer, num_layers));
  }
  object.refuse_unknown();
  return policy;
}

}  // namespace detail

inline exit_policy make_policy(const policy_description& stored) {
  const auto by_rule = [&]() -> exit_policy {
    switch (stored.rule) {
      case policy_rule::confidence:
        return stored.threshold > 1.0F ? exit_policy::full_depth() : exit_policy(stored.threshold);
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
[[nodiscard]] inline float finite_threshold(float threshold) {
  return std::clamp(threshold, std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max());
}

/// The same of a confidence: 2, which none reaches, for infinity.
[[nodiscard]] inline float finite_confidence(float threshold) {
  return threshold == std::numeric_limits<float>::infinity() ? 2.0F : finite_threshold(threshold);
}

[[nodiscard]] inline std::vector<float> finite_confidences(std::vector<float> thresholds) {
  std::ranges::transform(thresholds, thresholds.begin(), finite_confidence);
  return thresholds;
}

/// The other way round; infinite thresholds become finite ones, because the file holds finite numbers. Throws
/// `invalid_argument` for a deadline or a stop token, which belong to a moment and cannot be stored.
inline policy_description describe_policy(const exit_policy& policy) {
  if (policy.deadline() || policy.stop_token().stop_possible()) {
    throw error(error_kind::invalid_argument, "exit_policy: a deadline or a stop token cannot be stored");
  }
  policy_description stored{.rule = policy.rule_kind(),
                            .threshold = policy.rule_kind() == exit_policy::rule::confidence
                                             ? finite_confidence(policy.threshold())
                                             : finite_threshold(policy.threshold()),
                            .decline = policy.decline(),
                            .patience = policy.patience_count(),
                            .max_layer = policy.max_layer()};
  if (stored.rule == policy_rule::per_exit) {
    stored.exit_thresholds = finite_confidences(policy.thresholds().front());
  } else if (stored.rule == policy_rule::per_class) {
    std::ranges::transform(policy.thresholds(), std::back_inserter(stored.class_thresholds), finite_confidences);
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
      valid.push_back({one.loss, one.epsilon, one.delta, one.n, make_policy(one.policy), one.scope, one.looks});
    }
  }
  return valid;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
