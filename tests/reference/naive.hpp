// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/kernels.hpp>
#include <offramp/nn/rounding.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

// Kernels as one would write them on paper, in double precision: what every real one is compared with.
namespace naive {

inline std::vector<float> random_values(std::size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float& value : values) {
    value = normal(generator);
  }
  return values;
}

/// A number as the numeric format holds it, given the scale of its row.
inline double rounded(offramp::numeric_format format, float value, const offramp::nn::int8_scale& scale) {
  switch (format) {
    case offramp::numeric_format::float32:
      return static_cast<double>(value);
    case offramp::numeric_format::bfloat16:
      return static_cast<double>(
          std::bit_cast<float>(static_cast<std::uint32_t>(offramp::nn::to_bfloat16(value)) << 16U));
    case offramp::numeric_format::int8:
      return static_cast<double>(scale.round(value));
  }
  return 0.0;
}

inline double finish(offramp::nn::epilogue kind, double x, double before) {
  switch (kind) {
    case offramp::nn::epilogue::store:
      return x;
    case offramp::nn::epilogue::add:
      return before + x;
    case offramp::nn::epilogue::gelu:
      return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
    case offramp::nn::epilogue::gelu_tanh:
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case offramp::nn::epilogue::relu:
      return x < 0.0 ? 0.0 : x;
    case offramp::nn::epilogue::tanh:
      return std::tanh(x);
  }
  return 0.0;
}

/// y = f(W x + b), from the numbers that the format holds. `weights` is [outputs, inputs], `x` [rows, inputs], `y`
/// [rows, outputs] what was there before.
inline std::vector<double> multiply(offramp::numeric_format format, const std::vector<float>& weights,
                                    const std::vector<float>& bias, const std::vector<float>& x,
                                    const std::vector<float>& y, offramp::nn::epilogue kind) {
  const std::size_t outputs = bias.size();
  const std::size_t inputs = weights.size() / outputs;
  const std::size_t rows = x.size() / inputs;
  const bool is_int8 = format == offramp::numeric_format::int8;
  const auto scale_of = [&](const std::vector<float>& matrix, std::size_t row) {
    return offramp::nn::symmetric_scale(std::span(matrix).subspan(row * inputs, inputs));
  };
  std::vector<double> result(rows * outputs);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row_scale = scale_of(x, r);
    for (std::size_t o = 0; o < outputs; ++o) {
      const auto weight_scale = scale_of(weights, o);
      double sum = 0.0;
      for (std::size_t k = 0; k < inputs; ++k) {
        sum += rounded(format, x[r * inputs + k], row_scale) * rounded(format, weights[o * inputs + k], weight_scale);
      }
      if (is_int8) {
        sum *= static_cast<double>(row_scale.step) * static_cast<double>(weight_scale.step);
      }
      result[r * outputs + o] =
          finish(kind, sum + static_cast<double>(bias[o]), static_cast<double>(y[r * outputs + o]));
    }
  }
  return result;
}

/// softmax(q k^T / sqrt(size * terms) + bias + added) v of one head, [queries, size]. `added`: [queries, tokens], or
/// empty.
inline std::vector<double> attend(const offramp::nn::attention_head& head, const std::vector<double>& added = {}) {
  std::vector<double> context(head.queries * head.size, 0.0);
  for (std::size_t q = 0; q < head.queries; ++q) {
    std::vector<double> weight(head.tokens);
    for (std::size_t t = 0; t < head.tokens; ++t) {
      for (std::size_t i = 0; i < head.size; ++i) {
        weight[t] += static_cast<double>(head.query[q * head.query_stride + i]) *
                     static_cast<double>(head.key[t * head.key_value_stride + i]);
      }
      weight[t] /= std::sqrt(static_cast<double>(head.size * head.terms));
      weight[t] += added.empty() ? 0.0 : added[q * head.tokens + t];
      if (head.bias != nullptr) {
        weight[t] += static_cast<double>(head.bias[static_cast<std::ptrdiff_t>(t) - static_cast<std::ptrdiff_t>(q)]);
      }
    }
    const double highest = *std::max_element(weight.begin(), weight.end());
    double total = 0.0;
    for (double& w : weight) {
      w = std::exp(w - highest);
      total += w;
    }
    for (std::size_t t = 0; t < head.tokens; ++t) {
      for (std::size_t i = 0; i < head.size; ++i) {
        context[q * head.size + i] +=
            weight[t] / total * static_cast<double>(head.value[t * head.key_value_stride + i]);
      }
    }
  }
  return context;
}

/// (x - mean) / sqrt(variance + epsilon) * scale + shift of each row.
inline std::vector<double> normalize(const offramp::nn::layer_norm& norm, const std::vector<float>& rows) {
  const std::size_t size = norm.scale.size();
  std::vector<double> result(rows.begin(), rows.end());
  for (auto row = result.begin(); row != result.end(); row += static_cast<std::ptrdiff_t>(size)) {
    const auto end = row + static_cast<std::ptrdiff_t>(size);
    const double mean = std::accumulate(row, end, 0.0) / static_cast<double>(size);
    const double squares =
        std::accumulate(row, end, 0.0, [&](double sum, double x) { return sum + (x - mean) * (x - mean); });
    const double deviation = std::sqrt(squares / static_cast<double>(size) + static_cast<double>(norm.epsilon));
    for (std::size_t i = 0; i < size; ++i) {
      double& x = row[static_cast<std::ptrdiff_t>(i)];
      x = (x - mean) / deviation * static_cast<double>(norm.scale[i]) + static_cast<double>(norm.shift[i]);
    }
  }
  return result;
}

}  // namespace naive
