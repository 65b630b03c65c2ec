// SPDX-License-Identifier: Apache-2.0
// The layer normalization of every target that this machine can run.
#include "reference/kernel_targets.hpp"
#include "reference/normalization_problem.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace normalization_test {

using naive::normalization_problem;

class normalization_kernels : public testing::TestWithParam<naive::target> {};

INSTANTIATE_TEST_SUITE_P(targets, normalization_kernels, testing::ValuesIn(naive::all_targets()),
                         naive::name_of_target);

void expect_near(const normalization_problem& problem, const offramp::nn::kernels& kernels, double tolerance) {
  const std::vector<float> rows = problem.run(kernels);
  const std::vector<double> expected = problem.expected();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(rows[i]), expected[i], tolerance) << problem.size << ", element " << i;
  }
}

TEST_P(normalization_kernels, agree_with_a_naive_one) {
  for (const std::size_t size : {1UL, 7UL, 16UL, 37UL, 384UL, 1024UL}) {
    ASSERT_NO_FATAL_FAILURE(expect_near({3, size}, GetParam(), 2e-5));
  }
}

// Up to numbers whose squares are at the end of float32; below, the epsilon outweighs the variance.
TEST_P(normalization_kernels, hold_at_every_magnitude) {
  for (const float magnitude : {1e-44F, 1e-30F, 1e-10F, 1e10F, 2e17F}) {
    SCOPED_TRACE(magnitude);
    normalization_problem problem{3, 100};
    for (float& x : problem.rows) {
      x *= magnitude;
    }
    problem.norm.epsilon = 1e-12F;
    ASSERT_NO_FATAL_FAILURE(expect_near(problem, GetParam(), 5e-5));
  }
}

TEST_P(normalization_kernels, give_the_shift_for_a_row_of_one_number) {
  normalization_problem problem{1, 37};
  std::fill(problem.rows.begin(), problem.rows.end(), 3.0F);
  EXPECT_EQ(problem.run(GetParam()), problem.norm.shift);
}

}  // namespace normalization_test
