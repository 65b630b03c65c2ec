// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/head.hpp>
#include <offramp/model/exits_file.hpp>
#include <offramp/model/weights.hpp>

#include <cstddef>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

inline exits::classification read_classification(const checkpoint& tensors, const std::string& name, std::size_t labels,
                                                 std::size_t inputs) {
  return {tensors.read(name + ".weight", {labels, inputs}), tensors.read(name + ".bias", {labels})};
}

/// The temperature of an exit for one numeric format: its own, else float32's, else 1.
inline float temperature_for(const temperatures& stored, numeric_format format) {
  const float float32 = stored.float32.value_or(1.0F);
  switch (format) {
    case numeric_format::float32:
      return float32;
    case numeric_format::bfloat16:
      return stored.bfloat16.value_or(float32);
    case numeric_format::int8:
      return stored.int8.value_or(float32);
  }
  return float32;
}

/// Reads the heads that `exits.json` describes from the tensors of `exits.safetensors`.
inline exits::head_set read_heads(const exits_file& description, const checkpoint& tensors, const config& shape,
                                  const nn::layout& layout) {
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  exits::head_set set{.heads = {}, .shared_pooler = {}, .num_labels = description.labels.size()};
  for (std::size_t j = 0; j < description.exits.size(); ++j) {
    const exit_description& exit = description.exits[j];
    const std::string name = "exits." + std::to_string(j) + ".";
    exits::head head{.layer = exit.layer, .pooling = exit.pooling, .pooler = {}, .mix = {}, .classifier = {}};
    head.temperature = temperature_for(exit.temperature, layout.format);
    head.uses_shared_pooler = exit.pooler == pooler::shared;
    head.appends_previous_logits = exit.previous_logits;
    set.append_logits = set.append_logits || exit.previous_logits;
    if (exit.pooler == pooler::own) {
      head.pooler = read_linear(tensors, name + "pooler.dense", hidden, hidden, layout);
    }
    if (head.uses_shared_pooler && !set.shared_pooler) {
      set.shared_pooler = read_linear(tensors, "pooler.dense", hidden, hidden, layout);
    }
    if (exit.mix) {
      head.mix = tensors.read(name + "mix", {static_cast<std::size_t>(exit.layer)});
    }
    const std::size_t width = hidden + (exit.previous_logits ? j * set.num_labels : 0);
    head.classifier = read_classification(tensors, name + "classifier", set.num_labels, width);
    set.heads.push_back(std::move(head));
  }
  return set;
}

/// The one head of a Hugging Face BertForSequenceClassification, on the last layer.
inline exits::head_set read_sequence_classification_head(const checkpoint& tensors, const config& shape,
                                                         const nn::layout& layout) {
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const auto labels = static_cast<std::size_t>(shape.num_labels);
  exits::head head{.layer = shape.num_layers, .pooling = pooling::cls, .pooler = {}, .mix = {}, .classifier = {}};
  head.pooler = read_linear(tensors, backbone_prefix(tensors) + "pooler.dense", hidden, hidden, layout);
  head.classifier = read_classification(tensors, "classifier", labels, hidden);
  exits::head_set set{.heads = {}, .shared_pooler = {}, .num_labels = labels};
  set.heads.push_back(std::move(head));
  return set;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
