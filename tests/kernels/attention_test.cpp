// SPDX-License-Identifier: Apache-2.0
// The attention of every target that this machine can run.
#include "reference/attention_problem.hpp"
#include "reference/kernel_targets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace attention_test {

namespace nn = offramp::nn;
using naive::attention_problem;

class attention_kernels : public testing::TestWithParam<naive::target> {};

INSTANTIATE_TEST_SUITE_P(targets, attention_kernels, testing::ValuesIn(naive::all_targets()), naive::name_of_target);

/// How far contexts of scores and values of about 1 may be off: tiles multiply split bfloat16.
double tolerance_of(const nn::kernels& kernels) { return kernels.name.find("AMX") == std::string::npos ? 1e-5 : 6e-5; }

void expect_near(const attention_problem& problem, const nn::kernels& kernels, double tolerance) {
  SCOPED_TRACE(testing::Message() << problem.queries << " queries, " << problem.tokens << " tokens, size "
                                  << problem.size << ", stride " << problem.stride);
  constexpr float untouched = 777.0F;
  const std::vector<float> context = problem.run(kernels, untouched);
  const std::vector<double> expected = problem.expected();
  for (std::size_t i = 0; i < context.size(); ++i) {
    const std::size_t column = i % problem.stride;
    if (column < problem.size) {
      ASSERT_NEAR(static_cast<double>(context[i]), expected[i / problem.stride * problem.size + column], tolerance)
          << "element " << i;
    } else {
      ASSERT_EQ(context[i], untouched) << "element " << i;
    }
  }
}

TEST_P(attention_kernels, agree_with_a_naive_one) {
  for (const std::size_t size : {1UL, 11UL, 32UL, 48UL, 64UL, 80UL, 96UL, 128UL}) {
    for (const std::size_t tokens : {1UL, 3UL, 16UL, 17UL, 70UL, 200UL}) {
      for (const std::size_t queries : {std::size_t{1}, tokens}) {
        const attention_problem problem{queries, tokens, size};
        ASSERT_NO_FATAL_FAILURE(expect_near(problem, GetParam(), tolerance_of(GetParam())));
        ASSERT_NO_FATAL_FAILURE(expect_near(naive::with_bias(problem), GetParam(), tolerance_of(GetParam())));
      }
    }
  }
}

TEST_P(attention_kernels, weigh_no_key_beyond_the_last_where_all_scores_are_the_lowest) {
  for (const std::size_t tokens : {1UL, 3UL, 9UL, 17UL, 70UL}) {
    attention_problem problem{2, tokens, 8};
    std::fill(problem.query.begin(), problem.query.end(), 0.0F);
    problem.bias.assign(problem.queries - 1 + tokens, std::numeric_limits<float>::lowest());
    ASSERT_NO_FATAL_FAILURE(expect_near(problem, GetParam(), tolerance_of(GetParam())));
  }
}

TEST_P(attention_kernels, leave_other_heads_alone) {
  for (const std::size_t size : {8UL, 20UL, 48UL, 80UL, 128UL}) {
    for (const std::size_t stride : {size + 1, 3 * size}) {
      ASSERT_NO_FATAL_FAILURE(expect_near({51, 51, size, stride}, GetParam(), tolerance_of(GetParam())));
    }
  }
}

TEST_P(attention_kernels, give_a_query_the_same_whatever_the_others) {
  const attention_problem all{75, 75, 24};
  const std::vector<float> together = all.run(GetParam());
  for (const std::size_t row : {0UL, 13UL, 74UL}) {
    attention_problem alone{1, 75, 24};
    const auto first = static_cast<std::ptrdiff_t>(row * all.size);
    alone.query.assign(all.query.begin() + first, all.query.begin() + first + 24);
    const std::vector<float> context = alone.run(GetParam());
    EXPECT_TRUE(std::equal(context.begin(), context.end(), together.begin() + first)) << "row " << row;
  }
}

TEST_P(attention_kernels, give_a_query_with_a_bias_the_same_whatever_the_others) {
  const attention_problem all = naive::with_bias({75, 75, 24});
  const std::vector<float> together = all.run(GetParam());
  for (const std::size_t row : {0UL, 13UL, 47UL, 48UL, 74UL}) {
    attention_problem alone{1, 75, 24};
    const auto first = static_cast<std::ptrdiff_t>(row * all.size);
    alone.query.assign(all.query.begin() + first, all.query.begin() + first + 24);
    const auto distances = all.bias.begin() + static_cast<std::ptrdiff_t>(all.queries - 1 - row);
    alone.bias.assign(distances, distances + 75);
    const std::vector<float> context = alone.run(GetParam());
    EXPECT_TRUE(std::equal(context.begin(), context.end(), together.begin() + first)) << "row " << row;
  }
}

TEST_P(attention_kernels, compute_the_same_without_a_bias_and_with_one_of_zeros) {
  const attention_problem without{75, 75, 24};
  attention_problem zeros = without;
  zeros.bias.resize(149);
  EXPECT_EQ(zeros.run(GetParam()), without.run(GetParam()));
}

// Scores from far below the smallest power to far above the largest, and values at both ends. Tiles take the lower of
// two numbers for 0 where it is not normal.
TEST_P(attention_kernels, hold_at_every_magnitude) {
  const bool by_tiles = GetParam().name.find("AMX") != std::string::npos;
  for (const float scores : {1e-40F, 1e-20F, 1.0F, 1e4F, 1e18F}) {
    for (const float values : {1e-40F, 1e-20F, 1e30F}) {
      SCOPED_TRACE(testing::Message() << "scores of " << scores << ", values of " << values);
      attention_problem problem{20, 37, 48};
      for (float& x : problem.query) {
        x *= scores;
      }
      for (float& x : problem.key) {
        x *= scores;
      }
      for (float& x : problem.value) {
        x *= values;
      }
      // Scores of 100 are wrong by up to 1e-5, and so is a power of them, relatively.
      const double tolerance = static_cast<double>(values) * (scores <= 1.0F ? tolerance_of(GetParam())
                                                              : by_tiles     ? 2e-2
                                                                             : 2e-3);
      ASSERT_NO_FATAL_FAILURE(expect_near(problem, GetParam(), tolerance + (by_tiles ? 1e-38 : 1e-43)));
    }
  }
}

}  // namespace attention_test
