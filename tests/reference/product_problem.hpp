// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "naive.hpp"

#include <offramp/nn/kernels.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace naive {

/// Random operands of y = f(W x + b), and what y was before.
struct product_problem {
  std::size_t rows;
  std::size_t inputs;
  std::size_t outputs;
  std::size_t source_stride = inputs;  // between the rows of x
  std::vector<float> weights = random_values(outputs * inputs, 1);
  std::vector<float> bias = random_values(outputs, 2);
  std::vector<float> x = random_values(rows * source_stride, 3);
  std::vector<float> before = random_values(rows * outputs, 4);

  [[nodiscard]] offramp::nn::linear linear(const offramp::nn::layout& layout) const {
    offramp::nn::linear packed(layout, outputs, inputs);
    for (std::size_t o = 0; o < outputs; ++o) {
      packed.set_row(o, std::span(weights).subspan(o * inputs, inputs));
      packed.set_bias(o, bias[o]);
    }
    return packed;
  }

  [[nodiscard]] offramp::nn::packed_rows packed(const offramp::nn::kernels& kernels) const {
    offramp::nn::packed_rows packed;
    packed.resize(kernels.layout, rows, inputs);
    kernels.pack(x.data(), source_stride, {0, rows}, packed);
    return packed;
  }

  /// The product by `kernels`.
  [[nodiscard]] std::vector<float> run(
      const offramp::nn::kernels& kernels, offramp::nn::epilogue kind,
      offramp::nn::weight_prefetch prefetch = offramp::nn::weight_prefetch::by_cpu) const {
    const offramp::nn::packed_rows packed = this->packed(kernels);
    const offramp::nn::linear weights_of_kernel = linear(kernels.layout);
    std::vector<float> y = before;
    kernels.multiply(packed, weights_of_kernel, {0, weights_of_kernel.panels()},
                     {y.data(), outputs, kind, weights_of_kernel.beginning(1U << 16U), prefetch});
    return y;
  }

  /// The product on paper, where the rows lie densely.
  [[nodiscard]] std::vector<double> expected(offramp::numeric_format format, offramp::nn::epilogue kind) const {
    return multiply(format, weights, bias, x, before, kind);
  }
};

}  // namespace naive
