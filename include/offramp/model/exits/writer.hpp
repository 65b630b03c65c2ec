// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/exits/description.hpp>
#include <offramp/model/exits/plan.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/model/heads.hpp>
#include <offramp/model/safetensors_writer.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

namespace detail {

using ordered_json = nlohmann::ordered_json;

/// The double whose shortest text is that of `value`, so that 0.9F is written as 0.9; reading gives `value` back.
[[nodiscard]] inline double shortest(float value) {
  std::array<char, 32> text{};
  const char* const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double result = 0;
  std::from_chars(text.data(), end, result);
  return result;
}

[[nodiscard]] inline std::vector<double> shortest(const std::vector<float>& values) {
  std::vector<double> result(values.size());
  std::ranges::transform(values, result.begin(), [](float value) { return shortest(value); });
  return result;
}

[[nodiscard]] inline ordered_json shortest(const std::vector<std::vector<float>>& rows) {
  ordered_json result = ordered_json::array();
  for (const std::vector<float>& row : rows) {
    result.push_back(shortest(row));
  }
  return result;
}

[[nodiscard]] inline ordered_json write_exit(const exit_description& exit) {
  ordered_json result{{"layer", exit.layer},
                      {"pooling", name_of(exit.pooling, pooling_names)},
                      {"pooler", name_of(exit.pooler, pooler_names)}};
  if (exit.pooler_activation != nn::epilogue::tanh) {
    result["pooler_activation"] = name_of(exit.pooler_activation, pooler_activation_names);
  }
  if (exit.mix) {
    result["mix"] = true;
  }
  if (exit.previous_logits) {
    result["previous_logits"] = true;
  }
  const auto write_temperature = [&](const char* format, std::optional<float> temperature) {
    if (temperature) {
      result["temperature"][format] = shortest(*temperature);
    }
  };
  write_temperature("float32", exit.temperature.float32);
  write_temperature("bfloat16", exit.temperature.bfloat16);
  write_temperature("int8", exit.temperature.int8);
  return result;
}

[[nodiscard]] inline ordered_json write_policy(const policy_description& policy) {
  ordered_json result{{"rule", name_of(policy.rule, policy_rule_names)}};
  if (policy.rule == policy_rule::per_exit) {
    result["thresholds"] = shortest(policy.exit_thresholds);
  } else if (policy.rule == policy_rule::per_class) {
    result["thresholds"] = shortest(policy.class_thresholds);
  } else if (policy.rule != policy_rule::patience) {
    result["threshold"] = shortest(policy.threshold);
  }
  if (policy.rule == policy_rule::declining) {
    result["decline"] = shortest(policy.decline);
  }
  if (policy.rule == policy_rule::patience || policy.rule == policy_rule::patience_entropy) {
    result["patience"] = policy.patience;
  }
  if (policy.max_layer) {
    result["max_layer"] = *policy.max_layer;
  }
  return result;
}

[[nodiscard]] inline ordered_json write_calibration(const std::vector<calibration_description>& all) {
  ordered_json result = ordered_json::object();
  for (const calibration_description& one : all) {
    ordered_json exits = ordered_json::array();
    for (const calibration_description::exit_quality& quality : one.exits) {
      exits.push_back({{"nll_before", shortest(quality.nll_before)},
                       {"nll_after", shortest(quality.nll_after)},
                       {"ece_before", shortest(quality.ece_before)},
                       {"ece_after", shortest(quality.ece_after)}});
    }
    result[name_of(one.numeric_format, numeric_format_names)] = {
        {"data_sha256", one.data_sha256}, {"n", one.n}, {"exits", std::move(exits)}};
  }
  return result;
}

[[nodiscard]] inline ordered_json write_certificate(const certificate_description& certificate) {
  return {{"numeric_format", name_of(certificate.numeric_format, numeric_format_names)},
          {"loss", name_of(certificate.loss, certified_loss_names)},
          {"epsilon", certificate.epsilon},
          {"delta", certificate.delta},
          {"n", certificate.n},
          {"data_sha256", certificate.data_sha256},
          {"max_tokens", certificate.max_tokens},
          {"exits", certificate.exit_layers},
          {"policy", write_policy(certificate.policy)}};
}

[[nodiscard]] inline ordered_json write_golden(const golden_text& golden, input_kind input) {
  ordered_json result;
  if (input == input_kind::pair) {
    result = {{"premise", golden.first}, {"hypothesis", golden.second.value_or("")}};
  } else {
    result = {{"text", golden.first}};
  }
  result["logits"] = shortest(golden.logits);
  return result;
}

/// `write(element)` of every element.
template <class Elements, class Write>
[[nodiscard]] ordered_json write_array(const Elements& elements, const Write& write) {
  ordered_json result = ordered_json::array();
  for (const auto& element : elements) {
    result.push_back(write(element));
  }
  return result;
}

/// Appends `from`.weight [outputs, inputs] and `from`.bias [outputs] under another name.
inline void copy_linear(const checkpoint& tensors, const std::string& from, const std::string& to, std::size_t outputs,
                        std::size_t inputs, std::vector<named_tensor>& copies) {
  copies.push_back({to + ".weight", {outputs, inputs}, tensors.read(from + ".weight", {outputs, inputs})});
  copies.push_back({to + ".bias", {outputs}, tensors.read(from + ".bias", {outputs})});
}

}  // namespace detail

/// The text of `exits.json` (docs/model-format.md) for an `exits.safetensors` with that SHA-256. The same content gives
/// the same bytes; reading them gives the same content back. Throws `invalid_argument` for strings that are not UTF-8.
[[nodiscard]] inline std::string write_exits_json(const exits_file& content, std::string_view exits_sha256) {
  const input_kind input = content.input.value_or(input_kind::single);
  detail::ordered_json result{{"format", exits_format},
                              {"exits_sha256", exits_sha256},
                              {"labels", content.labels},
                              {"input", name_of(input, input_kind_names)},
                              {"pretokenizer", name_of(content.pretokenizer, pretokenizer_names)}};
  if (content.max_tokens) {
    result["max_tokens"] = *content.max_tokens;
  }
  result["exits"] = detail::write_array(content.exits, detail::write_exit);
  if (content.has_gate) {
    result["gate"] = true;
  }
  if (content.default_policy) {
    result["default_policy"] = detail::write_policy(*content.default_policy);
  }
  if (!content.calibration.empty()) {
    result["calibration"] = detail::write_calibration(content.calibration);
  }
  if (!content.certificates.empty()) {
    result["certificates"] = detail::write_array(content.certificates, detail::write_certificate);
  }
  if (!content.golden.empty()) {
    result["golden"] = detail::write_array(
        content.golden, [&](const golden_text& golden) { return detail::write_golden(golden, input); });
  }
  try {
    return result.dump(1) + "\n";
  } catch (const nlohmann::json::exception& problem) {
    throw error(error_kind::invalid_argument, std::string("exits.json cannot be written: ") + problem.what());
  }
}

/// The heads of a model, whatever kind of files it has, as `exits.safetensors` holds them: their values are those that
/// read_heads uses. Throws as read_heads.
[[nodiscard]] inline std::vector<named_tensor> describe_tensors(const exit_plan& plan, const checkpoint& tensors,
                                                                const config& shape) {
  const std::vector<exit_description>& exits = plan.description.exits;
  const exit_plan target = plan_described_exits(plan.description);
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const std::size_t labels = plan.description.labels.size();
  std::vector<named_tensor> copies;
  bool has_shared_pooler = false;
  for (std::size_t j = 0; j < exits.size(); ++j) {
    const exit_tensors& from = plan.tensors[j];
    const exit_tensors& to = target.tensors[j];
    const bool is_shared = exits[j].pooler == pooler::shared;
    if (exits[j].pooler == pooler::own || (is_shared && !std::exchange(has_shared_pooler, true))) {
      detail::copy_linear(tensors, from.pooler, to.pooler, hidden, hidden, copies);
    }
    if (exits[j].mix) {
      const auto layers = static_cast<std::size_t>(exits[j].layer);
      copies.push_back({to.mix, {layers}, read_mix(tensors, from, layers)});
    }
    const std::size_t width = hidden + (exits[j].previous_logits ? j * labels : 0);
    detail::copy_linear(tensors, from.classifier, to.classifier, labels, width, copies);
  }
  if (!plan.gate.empty()) {
    detail::copy_linear(tensors, plan.gate, target.gate, 1, hidden, copies);
  }
  return copies;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
