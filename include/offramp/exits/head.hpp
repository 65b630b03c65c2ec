// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/exits_file.hpp>
#include <offramp/nn/linear.hpp>

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// The classifier head on one encoder layer, in the general form that covers the published early-exit models.
struct head {
  int layer = 0;  // from 1
  model::pooling pooling = model::pooling::cls;
  /// Set when the exit has a pooler of its own: p = tanh(W h + b).
  std::optional<nn::linear> pooler;
  bool uses_shared_pooler = false;
  /// One weight per layer 1..layer; empty when the head looks at its own layer only.
  std::vector<float> mix;
  /// The classifier's input ends with the earlier exits' logits, already divided by their temperatures.
  bool appends_previous_logits = false;
  nn::linear classifier;
  float temperature = 1.0F;
};

/// Every head of a model, by ascending layer.
struct head_set {
  std::vector<head> heads;
  std::optional<nn::linear> shared_pooler;
  std::size_t num_labels = 0;

  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = shared_pooler ? shared_pooler->bytes() : 0;
    for (const head& head : heads) {
      sum += head.classifier.bytes() + (head.pooler ? head.pooler->bytes() : 0);
    }
    return sum;
  }
};

/// What the heads remember of one text from layer to layer.
struct head_memory {
  std::vector<float> pooled_layers;    // [layers so far, hidden], kept only for heads that mix
  std::vector<float> previous_logits;  // [exits so far * labels], divided by their temperatures
};

/// The row [hidden] that represents a text whose hidden states are `rows` [tokens, hidden], before any pooler.
inline std::vector<float> pool(model::pooling kind, const float* rows, std::size_t tokens, std::size_t hidden) {
  std::vector<float> pooled(rows, rows + hidden);
  if (kind == model::pooling::mean) {
    for (std::size_t token = 1; token < tokens; ++token) {
      for (std::size_t i = 0; i < hidden; ++i) {
        pooled[i] += rows[token * hidden + i];
      }
    }
    for (float& value : pooled) {
      value /= static_cast<float>(tokens);
    }
  }
  return pooled;
}

/// tanh(W x + b).
inline std::vector<float> apply_pooler(const nn::linear& pooler, std::span<const float> input) {
  std::vector<float> output(pooler.outputs());
  pooler.apply(input.data(), output.data());
  for (float& value : output) {
    value = std::tanh(value);
  }
  return output;
}

/// The pooled state that `head` sees of one layer's hidden states.
inline std::vector<float> pooled_state(const head_set& set, const head& head, const float* rows, std::size_t tokens,
                                       std::size_t hidden) {
  std::vector<float> pooled = pool(head.pooling, rows, tokens, hidden);
  if (head.pooler) {
    return apply_pooler(*head.pooler, pooled);
  }
  return head.uses_shared_pooler ? apply_pooler(*set.shared_pooler, pooled) : pooled;
}

/// sum_l mix[l] * p_l over the layers so far; `pooled_layers` is [mix.size(), hidden].
inline std::vector<float> mix_layers(std::span<const float> mix, std::span<const float> pooled_layers) {
  const std::size_t hidden = pooled_layers.size() / mix.size();
  std::vector<float> mixed(hidden, 0.0F);
  for (std::size_t layer = 0; layer < mix.size(); ++layer) {
    for (std::size_t i = 0; i < hidden; ++i) {
      mixed[i] += mix[layer] * pooled_layers[layer * hidden + i];
    }
  }
  return mixed;
}

/// The logits [labels] of one exit, before the temperature; remembers what later heads need of them.
inline std::vector<float> apply_head(const head_set& set, const head& head, const float* rows, std::size_t tokens,
                                     std::size_t hidden, head_memory& memory) {
  std::vector<float> input = head.mix.empty() ? pooled_state(set, head, rows, tokens, hidden)
                                              : mix_layers(head.mix, std::span(memory.pooled_layers)
                                                                         .first(head.mix.size() * hidden));
  if (head.appends_previous_logits) {
    input.insert(input.end(), memory.previous_logits.begin(), memory.previous_logits.end());
  }
  std::vector<float> logits(head.classifier.outputs());
  head.classifier.apply(input.data(), logits.data());
  for (const float logit : logits) {
    memory.previous_logits.push_back(logit / head.temperature);
  }
  return logits;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
