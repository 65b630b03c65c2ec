// SPDX-License-Identifier: Apache-2.0
// What is not finite stays so through every kernel of every target that this machine can run: a result that overflowed
// must not become a plausible one.
#include "reference/attention_problem.hpp"
#include "reference/kernel_targets.hpp"
#include "reference/normalization_problem.hpp"
#include "reference/product_problem.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace non_finite_test {

namespace nn = offramp::nn;
using naive::attention_problem;
using naive::normalization_problem;
using naive::product_problem;
using nn::epilogue;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float largest = std::numeric_limits<float>::max();
/// Infinities, and NaN of either sign with the fewest and the most bits, quiet and signalling.
const std::vector<float> not_finite{infinity,
                                    -infinity,
                                    std::bit_cast<float>(0x7FC00000U),
                                    std::bit_cast<float>(0xFFC00000U),
                                    std::bit_cast<float>(0x7FFFFFFFU),
                                    std::bit_cast<float>(0xFFFFFFFFU),
                                    std::bit_cast<float>(0x7F800001U),
                                    std::bit_cast<float>(0xFFBFFFFFU)};

/// Copied as bits: a number that passes through a register of the x87 would lose what makes it signal.
void set(std::vector<float>& values, std::size_t index, float value) {
  std::copy_n(reinterpret_cast<const std::byte*>(&value), sizeof value,
              reinterpret_cast<std::byte*>(values.data() + index));
}

class non_finite : public testing::TestWithParam<naive::target> {};

INSTANTIATE_TEST_SUITE_P(targets, non_finite, testing::ValuesIn(naive::all_targets()), naive::name_of_target);

/// That row `bad` of [rows, columns] is finite nowhere, and every other one everywhere.
void expect_only_row(std::size_t bad, std::size_t columns, const std::vector<float>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(std::isfinite(rows[i]), i / columns != bad) << "element " << i << " is " << rows[i];
  }
}

TEST_P(non_finite, inputs_reach_every_output_of_their_row) {
  for (const float bad : not_finite) {
    for (const std::size_t at : {0UL, 5UL, 15UL, 32UL, 63UL, 64UL, 69UL}) {
      SCOPED_TRACE(testing::Message() << bad << " at " << at);
      product_problem problem{3, 70, 20};
      set(problem.x, problem.inputs + at, bad);
      ASSERT_NO_FATAL_FAILURE(expect_only_row(1, problem.outputs, problem.run(GetParam(), epilogue::store)));
    }
  }
}

TEST_P(non_finite, inputs_reach_outputs_whose_weights_are_zero) {
  product_problem problem{3, 70, 20};
  std::fill(problem.weights.begin(), problem.weights.end(), 0.0F);
  set(problem.x, problem.inputs + 3, infinity);
  expect_only_row(1, problem.outputs, problem.run(GetParam(), epilogue::store));
}

/// f of `before` by an epilogue, as the sum of a bias and products with zeros.
std::vector<float> finished(const nn::kernels& kernels, epilogue kind, float before) {
  product_problem problem{1, 8, 37};
  std::fill(problem.weights.begin(), problem.weights.end(), 0.0F);
  std::fill(problem.bias.begin(), problem.bias.end(), before);
  return problem.run(kernels, kind);
}

TEST_P(non_finite, nan_stays_through_every_epilogue) {
  for (const auto kind :
       {epilogue::store, epilogue::add, epilogue::gelu, epilogue::gelu_tanh, epilogue::relu, epilogue::tanh}) {
    for (const float bad : not_finite) {
      if (std::isnan(bad)) {
        for (const float y : finished(GetParam(), kind, bad)) {
          ASSERT_TRUE(std::isnan(y)) << static_cast<int>(kind);
        }
      }
    }
  }
}

// As PyTorch has it: tanh and relu have a limit, x/2 (1 + f(x)) is infinity times 0 on the left.
TEST_P(non_finite, infinities_become_limits_where_the_function_has_one) {
  const auto expect = [&](epilogue kind, float before, float after) {
    for (const float y : finished(GetParam(), kind, before)) {
      ASSERT_TRUE(y == after || (std::isnan(y) && std::isnan(after)))
          << y << " of " << before << ", expected " << after << ", epilogue " << static_cast<int>(kind);
    }
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  expect(epilogue::tanh, infinity, 1.0F);
  expect(epilogue::tanh, -infinity, -1.0F);
  expect(epilogue::relu, infinity, infinity);
  expect(epilogue::relu, -infinity, 0.0F);
  for (const auto kind : {epilogue::gelu, epilogue::gelu_tanh}) {
    expect(kind, infinity, infinity);
    expect(kind, -infinity, nan);
    expect(kind, largest, largest);
  }
}

TEST_P(non_finite, queries_spoil_their_own_contexts) {
  for (const float bad : not_finite) {
    for (const std::size_t tokens : {1UL, 5UL, 17UL, 64UL}) {
      SCOPED_TRACE(testing::Message() << bad << ", " << tokens << " tokens");
      attention_problem problem{4, tokens, 24};
      set(problem.query, 2 * problem.size + 7, bad);
      ASSERT_NO_FATAL_FAILURE(expect_only_row(2, problem.size, problem.run(GetParam())));
    }
  }
}

TEST_P(non_finite, keys_and_values_spoil_all_contexts) {
  for (const float bad : not_finite) {
    for (const std::size_t token : {0UL, 3UL, 15UL, 16UL, 40UL, 69UL}) {
      SCOPED_TRACE(testing::Message() << bad << " at token " << token);
      attention_problem with_key{3, 70, 24};
      set(with_key.key, token * with_key.size + 7, bad);
      for (const float x : with_key.run(GetParam())) {
        ASSERT_FALSE(std::isfinite(x));
      }
      attention_problem with_value{3, 70, 24};
      set(with_value.value, token * with_value.size + 7, bad);
      const std::vector<float> context = with_value.run(GetParam());
      for (std::size_t i = 0; i < context.size(); ++i) {
        ASSERT_EQ(std::isfinite(context[i]), i % with_value.size != 7) << "element " << i;
      }
    }
  }
}

// Finite queries and keys whose product is beyond float32, in either direction, for one key or for all.
TEST_P(non_finite, scores_that_overflow_spoil_the_context) {
  for (const float factor : {1e25F, -1e25F}) {
    for (const std::size_t spoilt : {1UL, 70UL}) {
      SCOPED_TRACE(testing::Message() << factor << ", " << spoilt << " keys");
      attention_problem problem{2, 70, 24};
      std::fill(problem.query.begin(), problem.query.end(), 1e25F);
      std::fill(problem.key.begin(), problem.key.end(), 1e-25F);
      std::fill_n(problem.key.begin() + 24 * (70 - static_cast<std::ptrdiff_t>(spoilt)), 24 * spoilt, factor);
      for (const float x : problem.run(GetParam())) {
        ASSERT_FALSE(std::isfinite(x));
      }
    }
  }
}

// A finite score that is beyond float32 only with its bias.
TEST_P(non_finite, scores_that_overflow_by_a_bias_spoil_the_context) {
  for (const float bias : {0.0F, infinity, -infinity, largest, -largest}) {
    SCOPED_TRACE(bias);
    attention_problem problem = naive::with_bias({1, 70, 24});
    problem.bias[69] = bias;
    std::fill(problem.query.begin(), problem.query.end(), std::signbit(bias) ? -1e19F : 1e19F);
    std::fill_n(problem.key.end() - 24, 24, 1e18F);
    for (const float x : problem.run(GetParam())) {
      ASSERT_EQ(std::isfinite(x), bias == 0.0F);
    }
  }
}

TEST_P(non_finite, numbers_spoil_their_normalized_row) {
  for (const float bad : not_finite) {
    for (const std::size_t at : {0UL, 31UL, 36UL}) {
      SCOPED_TRACE(testing::Message() << bad << " at " << at);
      normalization_problem problem{3, 37};
      set(problem.rows, problem.size + at, bad);
      ASSERT_NO_FATAL_FAILURE(expect_only_row(1, problem.size, problem.run(GetParam())));
    }
  }
}

TEST_P(non_finite, variances_that_overflow_spoil_their_row) {
  for (const std::size_t size : {2UL, 16UL, 37UL, 768UL}) {
    for (const float magnitude : {1e20F, 1e30F, largest}) {
      SCOPED_TRACE(testing::Message() << size << " numbers of " << magnitude);
      normalization_problem problem{3, size};
      for (std::size_t i = 0; i < size; ++i) {
        problem.rows[size + i] = i % 2 == 0 ? magnitude : -magnitude;
      }
      ASSERT_NO_FATAL_FAILURE(expect_only_row(1, size, problem.run(GetParam())));
    }
  }
}

TEST_P(non_finite, sums_that_overflow_spoil_their_row) {
  normalization_problem problem{3, 37};
  std::fill_n(problem.rows.begin() + 37, 37, largest);
  expect_only_row(1, problem.size, problem.run(GetParam()));
}

}  // namespace non_finite_test
