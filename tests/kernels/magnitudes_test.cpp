// SPDX-License-Identifier: Apache-2.0
// Products at both ends of float32, on every target that this machine can run.
#include "reference/kernel_targets.hpp"
#include "reference/product_problem.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace magnitudes_test {

using naive::product_problem;
using offramp::nn::epilogue;

class magnitudes : public testing::TestWithParam<naive::target> {};

INSTANTIATE_TEST_SUITE_P(targets, magnitudes, testing::ValuesIn(naive::all_targets()), naive::name_of_target);

void multiply_by(std::vector<float>& values, float factor) {
  for (float& value : values) {
    value *= factor;
  }
}

// Some instructions take numbers below the smallest normal one for 0, hence what is added to the tolerance.
TEST_P(magnitudes, products_agree_with_naive_ones) {
  for (const auto& [of_inputs, of_weights] :
       {std::pair{1e30F, 1e-30F}, {1e-29F, 1e30F}, {1e18F, 1e18F}, {1e-18F, 1e-18F}, {1e-40F, 1.0F}, {1.0F, 1e-40F}}) {
    SCOPED_TRACE(testing::Message() << "inputs of " << of_inputs << ", weights of " << of_weights);
    product_problem problem{7, 130, 37};
    multiply_by(problem.x, of_inputs);
    multiply_by(problem.weights, of_weights);
    multiply_by(problem.bias, of_inputs * of_weights);
    const std::vector<float> y = problem.run(GetParam(), epilogue::store);
    const std::vector<double> expected = problem.expected(GetParam().layout.format, epilogue::store);
    const double tolerance = 2e-4 * static_cast<double>(of_inputs) * static_cast<double>(of_weights) + 1e-35;
    for (std::size_t i = 0; i < y.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(y[i]), expected[i], tolerance) << "element " << i;
    }
  }
}

// The bias alone, which no format rounds: what the function makes of each number.
TEST_P(magnitudes, functions_agree_with_naive_ones) {
  for (const auto kind : {epilogue::gelu, epilogue::gelu_tanh, epilogue::relu, epilogue::tanh}) {
    for (const float magnitude :
         {1e-44F, 1e-30F, 0x1p-10F, 0.5F, 4.0F, 8.0F, 32.0F, 1024.0F, 0x1p40F, 0x1p100F, 3e38F}) {
      for (const float x : {magnitude, -magnitude}) {
        product_problem problem{1, 8, 37};
        std::fill(problem.weights.begin(), problem.weights.end(), 0.0F);
        std::fill(problem.bias.begin(), problem.bias.end(), x);
        const double expected = naive::finish(kind, static_cast<double>(x), 0.0);
        for (const float y : problem.run(GetParam(), kind)) {
          ASSERT_NEAR(static_cast<double>(y), expected, 2e-6 * std::max(1.0, std::abs(expected)))
              << "of " << x << ", epilogue " << static_cast<int>(kind);
        }
      }
    }
  }
}

}  // namespace magnitudes_test
