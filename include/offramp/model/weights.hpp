// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/nn/encoder_layer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// Reads one linear layer, row by row into its panels: `name`.weight [outputs, inputs] and `name`.bias [outputs]. Rows
/// stored in int8 are used as they are where the target's format is int8.
inline void read_linear(const checkpoint& tensors, const std::string& name, std::size_t outputs, std::size_t inputs,
                        nn::linear& target, std::size_t first_output = 0) {
  const std::string weight = name + ".weight";
  if (tensors.contains(weight) && tensors.is_quantized(weight)) {
    tensors.read_quantized_rows(weight, outputs, inputs,
                                [&](std::size_t row, std::span<const std::int8_t> values, float scale) {
                                  target.set_quantized_row(first_output + row, values, scale);
                                });
  } else {
    tensors.read_rows(weight, outputs, inputs, [&](std::size_t row, std::span<const float> weights) {
      target.set_row(first_output + row, weights);
    });
  }
  const std::vector<float> bias = tensors.read(name + ".bias", {outputs});
  for (std::size_t i = 0; i < outputs; ++i) {
    target.set_bias(first_output + i, bias[i]);
  }
}

inline nn::linear read_linear(const checkpoint& tensors, const std::string& name, std::size_t outputs,
                              std::size_t inputs, const nn::layout& layout) {
  nn::linear target(layout, outputs, inputs);
  read_linear(tensors, name, outputs, inputs, target);
  return target;
}

/// Old checkpoints call the two vectors gamma and beta.
inline nn::layer_norm read_layer_norm(const checkpoint& tensors, const std::string& name, const config& shape) {
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const bool is_old = !tensors.contains(name + ".weight") && tensors.contains(name + ".gamma");
  return {tensors.read(name + (is_old ? ".gamma" : ".weight"), {hidden}),
          tensors.read(name + (is_old ? ".beta" : ".bias"), {hidden}), shape.layer_norm_epsilon};
}

inline nn::embeddings read_embeddings(const checkpoint& tensors, const std::string& name, const config& shape) {
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const auto read = [&](const char* table, int rows) {
    return tensors.read(name + table + "_embeddings.weight", {static_cast<std::size_t>(rows), hidden});
  };
  return {read("word", shape.vocabulary_size), read("position", shape.max_positions),
          read("token_type", shape.type_vocabulary_size), read_layer_norm(tensors, name + "LayerNorm", shape)};
}

inline nn::encoder_layer read_encoder_layer(const checkpoint& tensors, const std::string& name, const config& shape,
                                            const nn::layout& layout) {
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const auto intermediate = static_cast<std::size_t>(shape.intermediate_size);
  nn::linear key_value(layout, 2 * hidden, hidden);
  read_linear(tensors, name + "attention.self.key", hidden, hidden, key_value, 0);
  read_linear(tensors, name + "attention.self.value", hidden, hidden, key_value, hidden);
  return {.query = read_linear(tensors, name + "attention.self.query", hidden, hidden, layout),
          .key_value = std::move(key_value),
          .attention_output = read_linear(tensors, name + "attention.output.dense", hidden, hidden, layout),
          .attention_norm = read_layer_norm(tensors, name + "attention.output.LayerNorm", shape),
          .intermediate = read_linear(tensors, name + "intermediate.dense", intermediate, hidden, layout),
          .output = read_linear(tensors, name + "output.dense", hidden, intermediate, layout),
          .output_norm = read_layer_norm(tensors, name + "output.LayerNorm", shape)};
}

/// What stands before "embeddings." in the checkpoint's names: "bert." for models with a head, nothing for bare ones.
inline std::string backbone_prefix(const checkpoint& tensors) {
  return tensors.contains("bert.embeddings.word_embeddings.weight") ? "bert." : "";
}

/// The encoder's first `num_layers` layers, packed for `kernels`.
inline nn::encoder read_encoder(const checkpoint& tensors, const config& shape, int num_layers,
                                const nn::kernels& kernels) {
  const std::string prefix = backbone_prefix(tensors);
  nn::encoder encoder{.kernels = kernels,
                      .hidden = static_cast<std::size_t>(shape.hidden_size),
                      .heads = static_cast<std::size_t>(shape.num_heads),
                      .feed_forward_activation = shape.hidden_activation,
                      .embeddings = read_embeddings(tensors, prefix + "embeddings.", shape),
                      .layers = {}};
  for (int layer = 0; layer < num_layers; ++layer) {
    encoder.layers.push_back(
        read_encoder_layer(tensors, prefix + "encoder.layer." + std::to_string(layer) + ".", shape, kernels.layout));
  }
  return encoder;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
