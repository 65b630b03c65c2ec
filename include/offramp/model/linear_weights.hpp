// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/checkpoint.hpp>
#include <offramp/model/family.hpp>
#include <offramp/nn/layer_norm.hpp>
#include <offramp/nn/layout.hpp>
#include <offramp/nn/linear.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// Some outputs of a linear layer, which its target counts from `first` on.
struct linear_part {
  nn::linear& target;
  std::size_t first;
  std::size_t count;
};

/// [size]; zeros where there is none.
inline std::vector<float> read_bias(const checkpoint& tensors, const std::string& name, std::size_t size, bias kind) {
  return kind == bias::stored ? tensors.read(name + ".bias", {size}) : std::vector<float>(size);
}

/// Reads one linear layer, whose outputs are those of its parts in turn, row by row into their panels: `name`.weight
/// [outputs, inputs] and `name`.bias [outputs]. Rows stored in int8 are used as they are where the target's format is
/// int8.
inline void read_linear(const checkpoint& tensors, const std::string& name, std::initializer_list<linear_part> parts,
                        std::size_t inputs, bias kind) {
  const auto with_place = [&](std::size_t row, const auto& take) {
    for (const linear_part& part : parts) {
      if (row < part.count) {
        return take(part.target, part.first + row);
      }
      row -= part.count;
    }
  };
  std::size_t outputs = 0;
  for (const linear_part& part : parts) {
    outputs += part.count;
  }
  const std::string weight = name + ".weight";
  if (tensors.contains(weight) && tensors.is_quantized(weight)) {
    tensors.read_quantized_rows(
        weight, outputs, inputs, [&](std::size_t row, std::span<const std::int8_t> values, float scale) {
          with_place(row,
                     [&](nn::linear& target, std::size_t output) { target.set_quantized_row(output, values, scale); });
        });
  } else {
    tensors.read_rows(weight, outputs, inputs, [&](std::size_t row, std::span<const float> weights) {
      with_place(row, [&](nn::linear& target, std::size_t output) { target.set_row(output, weights); });
    });
  }
  const std::vector<float> biases = read_bias(tensors, name, outputs, kind);
  for (std::size_t row = 0; row < outputs; ++row) {
    with_place(row, [&](nn::linear& target, std::size_t output) { target.set_bias(output, biases[row]); });
  }
}

inline nn::linear read_linear(const checkpoint& tensors, const std::string& name, std::size_t outputs,
                              std::size_t inputs, const nn::layout& layout, bias kind = bias::stored) {
  tensors.check_shape(name + ".weight", {outputs, inputs});  // before what is none takes memory
  nn::linear target(layout, outputs, inputs);
  read_linear(tensors, name, {{target, 0, outputs}}, inputs, kind);
  return target;
}

/// [size]. Old checkpoints call the two vectors gamma and beta.
inline nn::layer_norm read_layer_norm(const checkpoint& tensors, const std::string& name, std::size_t size,
                                      float epsilon, bias kind = bias::stored) {
  if (!tensors.contains(name + ".weight") && tensors.contains(name + ".gamma")) {
    return {tensors.read(name + ".gamma", {size}), tensors.read(name + ".beta", {size}), epsilon};
  }
  return {tensors.read(name + ".weight", {size}), read_bias(tensors, name, size, kind), epsilon};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
