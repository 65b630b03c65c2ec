// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/head.hpp>
#include <offramp/model/exits/plan.hpp>
#include <offramp/model/weights.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

inline exits::classification read_classification(const checkpoint& tensors, const std::string& name, std::size_t labels,
                                                 std::size_t inputs) {
  return {tensors.read(name + ".weight", {labels, inputs}), tensors.read(name + ".bias", {labels})};
}

/// The classifier of an exit on an encoder layer; one that has a single row gets a row of zeros for the first label.
inline exits::classification read_classifier(const checkpoint& tensors, const exit_tensors& names, std::size_t labels,
                                             std::size_t inputs) {
  exits::classification read = read_classification(tensors, names.classifier, names.has_one_logit ? 1 : labels, inputs);
  if (names.has_one_logit) {
    read.weights.insert(read.weights.begin(), inputs, 0.0F);
    read.bias.insert(read.bias.begin(), 0.0F);
  }
  return read;
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

/// The weights of a mix [layers]. Right Tool keeps them at unit L2 norm.
inline std::vector<float> read_mix(const checkpoint& tensors, const exit_tensors& names, std::size_t layers) {
  std::vector<float> mix = tensors.read(names.mix, {layers});
  if (names.mix_scale == mix_scale::unit_norm) {
    double squares = 0.0;
    for (const float weight : mix) {
      squares += static_cast<double>(weight) * static_cast<double>(weight);
    }
    if (squares == 0.0) {
      throw error(error_kind::bad_model, "tensor \"" + names.mix + "\" is zero, expected weights of unit norm");
    }
    for (float& weight : mix) {
      weight = static_cast<float>(static_cast<double>(weight) / std::sqrt(squares));
    }
  }
  return mix;
}

/// The head before the encoder; what ids stand around texts is the tokenizer's to say.
inline exits::ngram_head read_ngram_head(const checkpoint& tensors, const std::string& name, std::size_t labels,
                                         const exits::ngram_shape& shape) {
  const std::string weight = name + ".weight";
  if (!tensors.is_quantized(weight)) {
    throw error(error_kind::bad_model, "tensor \"" + weight + "\" is not I8, expected I8 for n-grams");
  }
  tensors.check_shape(weight, {labels, shape.buckets()});  // before a file that is none takes memory
  exits::ngram_head head;
  head.shape = shape;
  head.weights.resize(shape.buckets() * labels);
  head.scales.resize(labels);
  tensors.read_quantized_rows(weight, labels, shape.buckets(),
                              [&](std::size_t label, std::span<const std::int8_t> row, float scale) {
                                head.scales[label] = scale;
                                for (std::size_t bucket = 0; bucket < row.size(); ++bucket) {
                                  head.weights[bucket * labels + label] = row[bucket];
                                }
                              });
  head.bias = tensors.read(name + ".bias", {labels});
  return head;
}

/// Reads the heads of `plan` from the file that holds them.
inline exits::head_set read_heads(const exit_plan& plan, const checkpoint& tensors, const config& shape,
                                  const nn::layout& layout) {
  const exits_file& description = plan.description;
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  exits::head_set set{
      .heads = {}, .shared_pooler = {}, .gate = {}, .num_labels = description.labels.size(), .cuts = description.cuts};
  for (std::size_t j = 0; j < description.exits.size(); ++j) {
    const exit_description& exit = description.exits[j];
    const exit_tensors& names = plan.tensors[j];
    exits::head head{
        .layer = exit.layer, .ngrams = {}, .pooling = exit.pooling, .pooler = {}, .mix = {}, .classifier = {}};
    head.temperature = temperature_for(exit.temperature, layout.format);
    if (exit.ngrams) {
      head.ngrams = read_ngram_head(tensors, names.classifier, set.num_labels, *exit.ngrams);
      set.heads.push_back(std::move(head));
      continue;
    }
    head.pooler_activation = exit.pooler_activation;
    head.uses_shared_pooler = exit.pooler == pooler::shared;
    head.appends_previous_logits = exit.previous_logits;
    head.ngram_weight = exit.ngram_weight;
    set.adds_ngrams = set.adds_ngrams || exit.ngram_weight != 0;
    set.append_logits = set.append_logits || exit.previous_logits;
    if (exit.pooler == pooler::own) {
      head.pooler = read_linear(tensors, names.pooler, hidden, hidden, layout, names.pooler_bias);
    }
    if (exit.pooler_norm) {
      head.pooler_norm =
          read_layer_norm(tensors, names.pooler_norm, hidden, shape.layer_norm_epsilon, names.pooler_norm_bias);
    }
    if (head.uses_shared_pooler && !set.shared_pooler) {
      set.shared_pooler = read_linear(tensors, names.pooler, hidden, hidden, layout);
    }
    if (exit.mix) {
      head.mix = read_mix(tensors, names, static_cast<std::size_t>(exit.layer));
    }
    const std::size_t width = hidden + (exit.previous_logits ? j * set.num_labels : 0);
    head.classifier = read_classifier(tensors, names, set.num_labels, width);
    set.heads.push_back(std::move(head));
  }
  if (!plan.gate.empty()) {
    set.gate = read_classification(tensors, plan.gate, 1, hidden);
  }
  return set;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
