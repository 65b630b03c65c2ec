// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/checkpoint.hpp>
#include <offramp/nn/layer_norm.hpp>
#include <offramp/nn/layout.hpp>
#include <offramp/nn/linear.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// Reads the weights of one linear layer, row by row into its panels: `name`.weight [outputs, inputs]. Rows stored in
/// int8 are used as they are where the target's format is int8.
inline void read_linear_weights(const checkpoint& tensors, const std::string& name, std::size_t outputs,
                                std::size_t inputs, nn::linear& target, std::size_t first_output = 0) {
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
}

/// Reads one linear layer with its `name`.bias [outputs].
inline void read_linear(const checkpoint& tensors, const std::string& name, std::size_t outputs, std::size_t inputs,
                        nn::linear& target, std::size_t first_output = 0) {
  read_linear_weights(tensors, name, outputs, inputs, target, first_output);
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

/// [size]. Old checkpoints call the two vectors gamma and beta.
inline nn::layer_norm read_layer_norm(const checkpoint& tensors, const std::string& name, std::size_t size,
                                      float epsilon) {
  const bool is_old = !tensors.contains(name + ".weight") && tensors.contains(name + ".gamma");
  return {tensors.read(name + (is_old ? ".gamma" : ".weight"), {size}),
          tensors.read(name + (is_old ? ".beta" : ".bias"), {size}), epsilon};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
