// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/exits_description.hpp>
#include <offramp/model/json_object.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model::detail {

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

/// 64 lower-case hexadecimal digits.
[[nodiscard]] inline const std::string& read_digest(const json_place& place) {
  const std::string& digest = place.text();
  if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    place.refuse("64 lower-case hexadecimal digits");
  }
  return digest;
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

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model::detail
