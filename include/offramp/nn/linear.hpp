// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// y = W x + b with W packed in panels of 32 outputs: panel p holds, for every input k, the weights of outputs 32 p to
/// 32 p + 31, padded with zeros. Built empty, then filled row by row as the rows come from the file.
class linear {
 public:
  static constexpr std::size_t panel_width = 32;

  linear() = default;
  linear(std::size_t outputs, std::size_t inputs)
      : outputs_(outputs), inputs_(inputs), panels_(padded(outputs) * inputs), bias_(padded(outputs)) {}

  [[nodiscard]] std::size_t inputs() const noexcept { return inputs_; }
  [[nodiscard]] std::size_t outputs() const noexcept { return outputs_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return (panels_.size() + bias_.size()) * sizeof(float); }

  /// `weights` is [inputs], the weights of one output.
  void set_row(std::size_t output, std::span<const float> weights) {
    float* panel = panels_.data() + output / panel_width * panel_width * inputs_ + output % panel_width;
    for (std::size_t k = 0; k < inputs_; ++k) {
      panel[k * panel_width] = weights[k];
    }
  }
  void set_bias(std::size_t output, float value) { bias_[output] = value; }

  /// One row: `input` [inputs] to `output` [outputs], which may not overlap. Each output accumulates over k from 0 in
  /// steps of one, whatever the row's neighbours. Not inlined: a copy per caller could be compiled to other roundings.
  [[gnu::noinline]] void apply(const float* input, float* output) const {
    using lanes = Eigen::Array<float, panel_width, 1>;
    for (std::size_t first = 0; first < outputs_; first += panel_width) {
      const float* panel = panels_.data() + first * inputs_;
      lanes sum = lanes::Zero();
      for (std::size_t k = 0; k < inputs_; ++k) {
        sum += input[k] * Eigen::Map<const lanes>(panel + k * panel_width);
      }
      sum += Eigen::Map<const lanes>(bias_.data() + first);
      std::copy_n(sum.data(), std::min(panel_width, outputs_ - first), output + first);
    }
  }

 private:
  static constexpr std::size_t padded(std::size_t outputs) {
    return (outputs + panel_width - 1) / panel_width * panel_width;
  }

  std::size_t outputs_ = 0;
  std::size_t inputs_ = 0;
  std::vector<float> panels_;  // [panels, inputs, panel_width]
  std::vector<float> bias_;    // [panels * panel_width]
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
