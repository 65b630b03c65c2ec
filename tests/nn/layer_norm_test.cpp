// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/layer_norm.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace layer_norm_test {

std::vector<float> random_values(std::size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float& value : values) {
    value = normal(generator);
  }
  return values;
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

}  // namespace layer_norm_test
