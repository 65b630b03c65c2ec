// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/exits/plan.hpp>
#include <offramp/model/exits/policy.hpp>
#include <offramp/model/label_lines.hpp>
#include <offramp/model/weights.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

namespace detail {

/// What a published checkpoint is recognised from.
struct published_source {
  const file_set& files;
  const checkpoint& tensors;
  const config& shape;
  json_object& fields;  // of config.json
  std::string prefix;   // of the backbone's tensors
};

/// The rule that a system leaves by, at the threshold at which no text does: its files store none.
[[nodiscard]] inline policy_description full_depth(policy_rule rule) {
  const bool by_confidence = rule == policy_rule::confidence;
  return {.rule = rule, .threshold = by_confidence ? std::numeric_limits<float>::infinity() : 0.0F};
}

/// Throws when the checkpoint holds another head after the `count` that the model has.
inline void refuse_more_heads(const published_source& source, std::string_view pattern, std::size_t count) {
  if (const std::string more = numbered(pattern, count) + ".weight"; source.tensors.contains(more)) {
    throw error(error_kind::bad_model, source.files.describe("config.json") + ": describes " + std::to_string(count) +
                                           " heads, but the checkpoint holds the tensor \"" + more + "\" too");
  }
}

inline void add_exit(exit_plan& plan, int layer, model::pooler pooler, std::string classifier, std::string dense) {
  plan.description.exits.push_back({.layer = layer, .pooler = pooler});
  plan.tensors.push_back({.classifier = std::move(classifier), .pooler = std::move(dense), .mix = {}});
}

/// The layer of a Right Tool exit, which is how many layers it mixes.
[[nodiscard]] inline int mixed_layer(const published_source& source, const std::string& mix, int lowest) {
  const int highest = source.shape.num_layers;
  const tensor_shape& length = source.tensors.shape(mix);
  if (length.size() != 1 || length[0] < static_cast<std::size_t>(lowest) ||
      length[0] > static_cast<std::size_t>(highest)) {
    throw error(error_kind::bad_model, "tensor \"" + mix + "\" has the shape " + to_string(length) +
                                           ", expected one weight for each layer up to an exit on layers " +
                                           std::to_string(lowest) + " to " + std::to_string(highest));
  }
  return static_cast<int>(length[0]);
}

/// Right Tool (Schwartz et al. 2020): a mix of all layers below each exit, whose length says where the exit is, and
/// classifiers that may read the earlier logits.
[[nodiscard]] inline exit_plan plan_right_tool(const published_source& source) {
  exit_plan plan;
  plan.description.pretokenizer = text::pretokenizer::whitespace;
  plan.description.labels = read_label_lines(source.files, source.shape);
  const std::size_t num_labels = plan.description.labels.size();
  const auto hidden = static_cast<std::size_t>(source.shape.hidden_size);
  int layer = 0;
  for (std::size_t j = 0; source.tensors.contains(numbered("_classification_layers.*.weight", j)); ++j) {
    const std::string classifier = numbered("_classification_layers.*", j);
    const std::string mix = numbered("_sum_weights.*", j);
    layer = mixed_layer(source, mix, layer + 1);
    add_exit(plan, layer, pooler::shared, classifier, pooler_name(source.shape, source.prefix));
    plan.tensors.back().mix = mix;
    plan.tensors.back().mix_scale = mix_scale::unit_norm;
    const tensor_shape& width = source.tensors.shape(classifier + ".weight");
    exit_description& exit = plan.description.exits.back();
    exit.mix = true;
    exit.previous_logits = j > 0 && width.size() == 2 && width[1] == hidden + j * num_labels;
  }
  if (const std::string more = numbered("_sum_weights.*", plan.tensors.size()); source.tensors.contains(more)) {
    throw error(error_kind::bad_model, "tensor \"" + more + "\" has no classification layer beside it");
  }
  plan.description.default_policy = full_depth(policy_rule::confidence);
  return plan;
}

/// DeeBERT (Xin et al. 2020) and BERxiT (Xin et al. 2021): a highway with its own pooler on every layer. The last one
/// is never trained; the usual head answers there. BERxiT adds a gate.
[[nodiscard]] inline exit_plan plan_highways(const published_source& source) {
  const std::string highway = source.prefix + "encoder.highway.*";
  const int last = source.shape.num_layers;
  exit_plan plan;
  for (int layer = 1; layer < last; ++layer) {
    const std::string name = numbered(highway, static_cast<std::size_t>(layer) - 1);
    add_exit(plan, layer, pooler::own, name + ".classifier", name + ".pooler.dense");
  }
  add_exit(plan, last, pooler::own, "classifier", pooler_name(source.shape, source.prefix));
  refuse_more_heads(source, highway + ".classifier", static_cast<std::size_t>(last));
  const std::string gate = source.prefix + "encoder.lte_classifier";
  plan.description.has_gate = source.tensors.contains(gate + ".weight");
  plan.gate = plan.description.has_gate ? gate : "";
  plan.description.default_policy = full_depth(plan.description.has_gate ? policy_rule::learned : policy_rule::entropy);
  return plan;
}

/// ElasticBERT (Liu et al. 2022): a pooler for each of the last layers, numbered as they are, and classifiers counted
/// from the first of them on.
[[nodiscard]] inline exit_plan plan_elastic(const published_source& source) {
  const int layers = source.shape.num_layers;
  const int outputs = static_cast<int>(source.fields.require("num_output_layers").integer(1, layers));
  if (const auto most = source.fields.find("max_output_layers")) {
    (void)most->integer(layers, 1024);
  }
  exit_plan plan;
  for (int k = 0; k < outputs; ++k) {
    const int layer = layers - outputs + k + 1;
    add_exit(plan, layer, pooler::own, numbered("classifiers.*", static_cast<std::size_t>(k)),
             numbered(source.prefix + "encoder.pooler.*.dense", static_cast<std::size_t>(layer) - 1));
  }
  refuse_more_heads(source, "classifiers.*", static_cast<std::size_t>(outputs));
  plan.description.default_policy = full_depth(policy_rule::entropy);
  return plan;
}

/// The layers, from 1, that SWEET's `exit_layers` counts from 0.
[[nodiscard]] inline std::vector<int> read_exit_layers(const json_place& place, const config& shape) {
  int lowest = 0;
  return place.array(1, static_cast<std::size_t>(shape.num_layers), [&](const json_place& element) {
    const int index = static_cast<int>(element.integer(lowest, shape.num_layers - 1));
    lowest = index + 1;
    return index + 1;
  });
}

/// SWEET (Rotem et al. 2023), which names its exits in the config; without, PABEE (Zhou et al. 2020), which has one on
/// every layer. All share the backbone's pooler.
[[nodiscard]] inline exit_plan plan_linear_heads(const published_source& source) {
  if (source.prefix == "elasticbert." || source.shape.family->model_type == "elasticbert") {
    return plan_elastic(source);
  }
  const std::optional<json_place> exit_layers = source.fields.find("exit_layers");
  std::vector<int> layers;
  if (exit_layers) {
    layers = read_exit_layers(*exit_layers, source.shape);
    if (const auto strategy = source.fields.find("exit_strategy"); strategy && strategy->text() == "lte") {
      throw error(error_kind::unsupported, strategy->describe() + " is \"lte\", expected another one");
    }
  } else {
    for (int layer = 1; layer <= source.shape.num_layers; ++layer) {
      layers.push_back(layer);
    }
  }
  exit_plan plan;
  for (std::size_t j = 0; j < layers.size(); ++j) {
    add_exit(plan, layers[j], pooler::shared, numbered("classifiers.*", j), pooler_name(source.shape, source.prefix));
  }
  refuse_more_heads(source, "classifiers.*", layers.size());
  plan.description.default_policy = full_depth(exit_layers ? policy_rule::confidence : policy_rule::patience);
  return plan;
}

/// Systems by a tensor that only their checkpoints hold, behind the backbone's prefix where it starts with `~`.
struct published_system {
  std::string_view sign;
  std::array<std::string_view, 3> model_types;
  exit_plan (*plan)(const published_source& source);
};

inline constexpr std::array published_systems{
    published_system{"_classification_layers.0.weight", {"bert"}, plan_right_tool},
    published_system{"~encoder.highway.0.classifier.weight", {"bert", "roberta", "xlm-roberta"}, plan_highways},
    published_system{"classifiers.0.weight", {"bert", "albert", "elasticbert"}, plan_linear_heads}};

}  // namespace detail

/// The exits of a checkpoint of a published early-exit system, or nothing where it is none. Each starts with its own
/// rule at full depth, unless `default_policy` in `config.json` says otherwise; no temperature is stored. Throws
/// `bad_model` where the tensors contradict the config or each other, `unsupported` for an encoder that the system was
/// not published with.
[[nodiscard]] inline std::optional<exit_plan> plan_published_exits(const file_set& files, const checkpoint& tensors,
                                                                   const config& shape) {
  const std::string prefix = backbone_prefix(tensors, *shape.family);
  const detail::published_system* found = nullptr;
  std::string found_sign;
  for (const detail::published_system& system : detail::published_systems) {
    const std::string sign =
        system.sign.starts_with('~') ? prefix + std::string(system.sign.substr(1)) : std::string(system.sign);
    if (!tensors.contains(sign)) {
      continue;
    }
    if (found != nullptr) {
      throw error(error_kind::bad_model, "the checkpoint holds both tensors \"" + found_sign + "\" and \"" + sign +
                                             "\", expected those of one early-exit system");
    }
    found = &system;
    found_sign = sign;
  }
  if (found == nullptr) {
    return std::nullopt;
  }
  const std::string model_type(shape.family->model_type);
  if (std::ranges::find(found->model_types, model_type) == found->model_types.end()) {
    throw error(error_kind::unsupported, files.describe("config.json") + ": model_type is \"" + model_type +
                                             "\", which is not supported with the tensor \"" + found_sign + "\"");
  }
  if (shape.problem == problem_type::multi_label || shape.has_one_logit) {
    throw error(error_kind::unsupported,
                files.describe("config.json") +
                    ": a multi-label or one-output problem_type is not supported with the tensor \"" + found_sign +
                    "\"");
  }
  const json_document document = parse_config(files);
  json_object fields{json_place(document, files.describe("config.json"))};
  exit_plan plan = found->plan({files, tensors, shape, fields, prefix});
  exits_file& description = plan.description;
  if (description.labels.empty()) {
    description.labels = shape.labels;
  }
  if (const auto policy = fields.find("default_policy")) {
    description.default_policy = detail::read_policy(*policy, description, description.exits.size(), shape.num_layers);
  }
  return plan;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
