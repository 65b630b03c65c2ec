// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/activation.hpp>
#include <offramp/nn/attention.hpp>
#include <offramp/nn/embeddings.hpp>
#include <offramp/nn/layer_norm.hpp>
#include <offramp/nn/linear.hpp>
#include <offramp/nn/workspace.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// The weights of one post-norm transformer layer (Devlin et al. 2019).
struct encoder_layer {
  linear query_key_value;   // [hidden] -> [3 * hidden]
  linear attention_output;  // [hidden] -> [hidden]
  layer_norm attention_norm;
  linear intermediate;  // [hidden] -> [intermediate]
  linear output;        // [intermediate] -> [hidden]
  layer_norm output_norm;
};

/// Everything below the exits. Immutable once loaded.
struct encoder {
  std::size_t hidden = 0;
  std::size_t heads = 0;
  model::activation feed_forward_activation = model::activation::gelu;
  nn::embeddings embeddings;
  std::vector<encoder_layer> layers;

  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = (embeddings.word.size() + embeddings.position.size() + embeddings.type.size()) * sizeof(float);
    for (const encoder_layer& layer : layers) {
      sum += layer.query_key_value.bytes() + layer.attention_output.bytes() + layer.intermediate.bytes() +
             layer.output.bytes();
    }
    return sum;
  }
};

inline void add_row(const float* source, std::span<float> target) {
  for (std::size_t i = 0; i < target.size(); ++i) {
    target[i] += source[i];
  }
}

/// Runs one layer over a ragged batch in place. `rows` is [sum of tokens, hidden], the texts one after another without
/// padding; text t owns rows offsets[t] to offsets[t + 1] - 1.
inline void apply_layer(const encoder& encoder, const encoder_layer& layer, std::span<const std::size_t> offsets,
                        float* rows, workspace& scratch) {
  const std::size_t hidden = encoder.hidden;
  const std::size_t tokens = offsets.back();
  scratch.resize(tokens, hidden, layer.intermediate.outputs());

  for (std::size_t i = 0; i < tokens; ++i) {
    layer.query_key_value.apply(rows + i * hidden, scratch.query_key_value.data() + i * 3 * hidden);
  }
  for (std::size_t t = 0; t + 1 < offsets.size(); ++t) {
    attend(scratch.query_key_value.data() + offsets[t] * 3 * hidden, offsets[t + 1] - offsets[t], hidden, encoder.heads,
           scratch.scores, scratch.context.data() + offsets[t] * hidden);
  }
  for (std::size_t i = 0; i < tokens; ++i) {
    const std::span row(rows + i * hidden, hidden);
    layer.attention_output.apply(scratch.context.data() + i * hidden, scratch.projected.data());
    add_row(scratch.projected.data(), row);
    layer.attention_norm.apply(row.data());
    layer.intermediate.apply(row.data(), scratch.intermediate.data());
    activate(encoder.feed_forward_activation, scratch.intermediate);
    layer.output.apply(scratch.intermediate.data(), scratch.projected.data());
    add_row(scratch.projected.data(), row);
    layer.output_norm.apply(row.data());
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
