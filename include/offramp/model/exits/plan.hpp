// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/config.hpp>
#include <offramp/model/exits/description.hpp>
#include <offramp/model/exits/reader.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

enum class mix_scale { as_stored, unit_norm };

/// Where the tensors of one exit stand; each linear layer has `.weight` and `.bias`.
struct exit_tensors {
  std::string classifier;
  std::string pooler;  ///< where the exit has one
  std::string mix;     ///< where the exit mixes layers
  model::mix_scale mix_scale = model::mix_scale::as_stored;
  bool has_one_logit = false;  ///< the classifier has a row for the second of two labels alone; the first's is 0
  bias pooler_bias = bias::stored;
  std::string pooler_norm = {};  ///< where the exit has one
  bias pooler_norm_bias = bias::stored;
};

/// The exits of a model, and where to find them. Whatever kind of files a model has, this is all that the heads are
/// made of.
struct exit_plan {
  exits_file description;
  std::vector<exit_tensors> tensors;  ///< one for each exit
  std::string gate;                   ///< of the learned gate; empty: none
};

/// The pooler on the last layer, of a backbone with that prefix whose family has one.
[[nodiscard]] inline std::string pooler_name(const config& shape, const std::string& prefix) {
  return prefix + numbered(shape.family->pooler, static_cast<std::size_t>(shape.num_layers) - 1);
}

/// What the names of an exit's own tensors begin with in `exits.safetensors`.
[[nodiscard]] inline std::string exit_prefix(std::size_t exit) { return "exits." + std::to_string(exit) + "."; }

/// The exits of `exits.json`, whose tensors are in `exits.safetensors`.
[[nodiscard]] inline exit_plan plan_described_exits(exits_file description) {
  exit_plan plan;
  for (std::size_t j = 0; j < description.exits.size(); ++j) {
    const std::string name = exit_prefix(j);
    const bool is_shared = description.exits[j].pooler == pooler::shared;
    plan.tensors.push_back({.classifier = name + "classifier",
                            .pooler = is_shared ? "pooler.dense" : name + "pooler.dense",
                            .mix = name + "mix",
                            .pooler_norm = name + "pooler.norm"});
  }
  plan.gate = description.has_gate ? gate_name : "";
  plan.description = std::move(description);
  return plan;
}

/// The one exit of Hugging Face's <Family>ForSequenceClassification, on the last layer. Its probabilities are used as
/// they are, so its temperature is 1 in every format.
[[nodiscard]] inline exit_plan plan_sequence_classifier(const config& shape, const std::string& prefix) {
  const sequence_head& head = shape.head;
  exit_plan plan;
  plan.description.labels = shape.labels;
  if (shape.problem == problem_type::multi_label) {
    plan.description.cuts.assign(shape.labels.size(), 0.5F);
  }
  plan.description.exits.push_back({.layer = shape.num_layers,
                                    .pooling = head.pooling,
                                    .pooler = pooler::own,
                                    .pooler_activation = head.activation,
                                    .pooler_norm = !head.norm.empty(),
                                    .temperature = {.float32 = 1, .bfloat16 = 1, .int8 = 1}});
  plan.tensors.push_back({.classifier = std::string(head.classifier),
                          .pooler = head.dense.empty() ? pooler_name(shape, prefix) : std::string(head.dense),
                          .mix = {},
                          .has_one_logit = shape.has_one_logit,
                          .pooler_bias = shape.head_bias,
                          .pooler_norm = std::string(head.norm),
                          .pooler_norm_bias = shape.norm_bias});
  return plan;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
