// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/attention.hpp>
#include <offramp/nn/layer_norm.hpp>
#include <offramp/nn/linear.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace {

std::vector<float> random_values(std::size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float& value : values) {
    value = normal(generator);
  }
  return values;
}

TEST(linear, agrees_with_double_precision_at_ragged_sizes) {
  for (const std::size_t inputs : {1UL, 7UL, 24UL, 65UL}) {
    for (const std::size_t outputs : {1UL, 2UL, 31UL, 32UL, 33UL, 100UL}) {
      const auto weights = random_values(inputs * outputs, 1);
      const auto bias = random_values(outputs, 2);
      const auto x = random_values(inputs, 3);
      offramp::nn::linear linear(outputs, inputs);
      std::vector<double> expected(outputs);
      for (std::size_t o = 0; o < outputs; ++o) {
        linear.set_row(o, std::span(weights).subspan(o * inputs, inputs));
        linear.set_bias(o, bias[o]);
        expected[o] = static_cast<double>(bias[o]);
        for (std::size_t k = 0; k < inputs; ++k) {
          expected[o] += static_cast<double>(weights[o * inputs + k]) * static_cast<double>(x[k]);
        }
      }
      std::vector<float> y(outputs + 1, 42.0F);
      linear.apply(x.data(), y.data());
      for (std::size_t o = 0; o < outputs; ++o) {
        EXPECT_NEAR(static_cast<double>(y[o]), expected[o], 1e-4) << inputs << " -> " << outputs;
      }
      EXPECT_EQ(y[outputs], 42.0F) << "wrote past the end";
    }
  }
}

TEST(linear, does_not_depend_on_alignment) {
  const std::size_t inputs = 40;
  const std::size_t outputs = 50;
  const auto weights = random_values(inputs * outputs, 1);
  const auto x = random_values(inputs, 3);
  offramp::nn::linear linear(outputs, inputs);
  for (std::size_t o = 0; o < outputs; ++o) {
    linear.set_row(o, std::span(weights).subspan(o * inputs, inputs));
  }
  std::vector<float> expected(outputs);
  linear.apply(x.data(), expected.data());
  for (std::size_t shift = 1; shift < 17; ++shift) {
    std::vector<float> moved(shift, 0.0F);
    moved.insert(moved.end(), x.begin(), x.end());
    std::vector<float> y(outputs + shift);
    linear.apply(moved.data() + shift, y.data() + shift);
    EXPECT_EQ(std::vector<float>(y.begin() + static_cast<std::ptrdiff_t>(shift), y.end()), expected);
  }
}

TEST(layer_norm, has_mean_shift_and_deviation_scale) {
  auto row = random_values(37, 4);
  const offramp::nn::layer_norm norm{std::vector<float>(37, 2.0F), std::vector<float>(37, 3.0F), 1e-12F};
  norm.apply(row.data());
  double sum = 0;
  double squares = 0;
  for (const float x : row) {
    sum += static_cast<double>(x);
    squares += (static_cast<double>(x) - 3.0) * (static_cast<double>(x) - 3.0);
  }
  EXPECT_NEAR(sum / 37, 3.0, 1e-6);
  EXPECT_NEAR(squares / 37, 4.0, 1e-5);
}

TEST(layer_norm, of_a_constant_row_is_the_shift) {
  std::vector<float> row(8, 5.0F);
  offramp::nn::layer_norm{std::vector<float>(8, 2.0F), std::vector<float>(8, 3.0F), 1e-12F}.apply(row.data());
  EXPECT_EQ(row, std::vector<float>(8, 3.0F));
}

TEST(attention, agrees_with_double_precision) {
  const std::size_t tokens = 5;
  const std::size_t hidden = 22;
  const std::size_t heads = 2;
  const std::size_t size = hidden / heads;
  const auto qkv = random_values(tokens * 3 * hidden, 5);
  std::vector<float> context(tokens * hidden);
  std::vector<float> scores;
  offramp::nn::attend(qkv.data(), tokens, hidden, heads, scores, context.data());
  const auto at = [&](std::size_t token, std::size_t part, std::size_t head, std::size_t i) {
    return static_cast<double>(qkv[token * 3 * hidden + part * hidden + head * size + i]);
  };
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t h = 0; h < heads; ++h) {
      std::vector<double> weight(tokens);
      double total = 0;
      for (std::size_t o = 0; o < tokens; ++o) {
        double score = 0;
        for (std::size_t i = 0; i < size; ++i) {
          score += at(t, 0, h, i) * at(o, 1, h, i);
        }
        weight[o] = std::exp(score / std::sqrt(static_cast<double>(size)));
        total += weight[o];
      }
      for (std::size_t i = 0; i < size; ++i) {
        double expected = 0;
        for (std::size_t o = 0; o < tokens; ++o) {
          expected += weight[o] / total * at(o, 2, h, i);
        }
        EXPECT_NEAR(static_cast<double>(context[t * hidden + h * size + i]), expected, 1e-5);
      }
    }
  }
}

}  // namespace
