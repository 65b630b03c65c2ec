// SPDX-License-Identifier: Apache-2.0
// Local attention on every target that this machine can run.
#include <offramp/nn/attention_window.hpp>

#include "reference/attention_problem.hpp"
#include "reference/kernel_targets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace attention_window_test {

namespace nn = offramp::nn;
using naive::attention_problem;

class attention_windows : public testing::TestWithParam<naive::target> {
 protected:
  [[nodiscard]] static std::vector<float> run(const attention_problem& problem, const nn::attention_window& window) {
    std::vector<float> context(problem.queries * problem.stride);
    nn::attention_scratch scratch;
    window.for_each_part(problem.head(context.data()),
                         [&](const nn::attention_head& part) { GetParam().attend(part, scratch); });
    return context;
  }
};

INSTANTIATE_TEST_SUITE_P(targets, attention_windows, testing::ValuesIn(naive::all_targets()), naive::name_of_target);

double tolerance_of(const nn::kernels& kernels) { return kernels.name.find("AMX") == std::string::npos ? 1e-5 : 6e-5; }

/// The contexts on paper: keys out of reach have a score of minus infinity.
std::vector<double> expected(attention_problem problem, std::size_t reach) {
  problem.bias.assign(problem.queries - 1 + problem.tokens, 0.0F);
  for (std::size_t i = 0; i < problem.bias.size(); ++i) {
    const std::size_t middle = problem.queries - 1;
    if (std::max(i, middle) - std::min(i, middle) > reach) {
      problem.bias[i] = -std::numeric_limits<float>::infinity();
    }
  }
  return problem.expected();
}

TEST_P(attention_windows, agree_with_a_naive_one) {
  for (const std::size_t reach : {0UL, 3UL, 4UL, 64UL}) {
    for (const std::size_t tokens : {1UL, 4UL, 5UL, 63UL, 64UL, 65UL, 66UL, 128UL, 129UL, 200UL}) {
      for (const std::size_t queries : {std::size_t{1}, tokens}) {
        SCOPED_TRACE(testing::Message() << reach << " to each side, " << queries << " of " << tokens << " tokens");
        const attention_problem problem{queries, tokens, 12, 15};
        const std::vector<float> context = run(problem, nn::attention_window(reach));
        const std::vector<double> on_paper = expected(problem, reach);
        for (std::size_t i = 0; i < on_paper.size(); ++i) {
          ASSERT_NEAR(static_cast<double>(context[i / 12 * 15 + i % 12]), on_paper[i], tolerance_of(GetParam()))
              << "element " << i;
        }
      }
    }
  }
}

TEST_P(attention_windows, give_a_query_the_same_whatever_queries_follow) {
  const attention_problem all{200, 200, 24};
  const nn::attention_window window(40);
  const std::vector<float> together = run(all, window);
  for (const std::size_t queries : {1UL, 2UL, 64UL, 65UL, 199UL}) {
    attention_problem fewer{queries, 200, 24};
    std::copy_n(all.query.begin(), fewer.query.size(), fewer.query.begin());
    const std::vector<float> context = run(fewer, window);
    EXPECT_TRUE(std::equal(context.begin(), context.end(), together.begin())) << queries << " queries";
  }
}

TEST_P(attention_windows, leave_out_keys_however_high_their_scores) {
  attention_problem problem{100, 100, 16};
  for (std::size_t i = 50 * 16; i < 51 * 16; ++i) {
    problem.key[i] = 1e30F;
    problem.value[i] = 1e30F;
  }
  const attention_problem before{100, 100, 16};
  const nn::attention_window window(10);
  const std::vector<float> context = run(problem, window);
  const std::vector<float> without = run(before, window);
  EXPECT_TRUE(std::equal(context.begin(), context.begin() + 40 * 16, without.begin()));
  EXPECT_TRUE(std::equal(context.begin() + 61 * 16, context.end(), without.begin() + 61 * 16));
  EXPECT_FALSE(std::equal(context.begin() + 40 * 16, context.begin() + 41 * 16, without.begin() + 40 * 16));
}

TEST_P(attention_windows, see_all_of_a_text_within_reach) {
  const attention_problem problem{65, 65, 20};
  EXPECT_EQ(run(problem, nn::attention_window(64)), problem.run(GetParam()));
  EXPECT_EQ(run(problem, nn::attention_window()), problem.run(GetParam()));
}

}  // namespace attention_window_test
