// SPDX-License-Identifier: Apache-2.0
// What relative positions add to attention, on every target that this machine can run.
#include "reference/attention_problem.hpp"
#include "reference/kernel_targets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace attention_positions_test {

namespace nn = offramp::nn;
using naive::attention_problem;
using naive::position_terms;
using naive::with_positions;

class attention_with_positions : public testing::TestWithParam<naive::target> {};

INSTANTIATE_TEST_SUITE_P(targets, attention_with_positions, testing::ValuesIn(naive::all_targets()),
                         naive::name_of_target);

/// Tiles multiply split bfloat16.
double tolerance_of(const nn::kernels& kernels) { return kernels.name.find("AMX") == std::string::npos ? 1e-5 : 6e-5; }

void expect_near(const attention_problem& problem, const nn::kernels& kernels) {
  SCOPED_TRACE(testing::Message() << problem.queries << " queries, " << problem.tokens << " tokens, size "
                                  << problem.size);
  const std::vector<float> context = problem.run(kernels);
  const std::vector<double> expected = problem.expected();
  for (std::size_t i = 0; i < context.size(); ++i) {
    const std::size_t column = i % problem.stride;
    if (column < problem.size) {
      ASSERT_NEAR(static_cast<double>(context[i]), expected[i / problem.stride * problem.size + column],
                  tolerance_of(kernels))
          << "element " << i;
    }
  }
}

// A place for every distance; buckets that texts do not leave; and those that long ones do.
TEST_P(attention_with_positions, agrees_with_a_naive_one) {
  for (const nn::relative_range& range :
       {nn::relative_range{.buckets = 0, .longest = 20}, nn::relative_range{.buckets = 256, .longest = 512},
        nn::relative_range{.buckets = 8, .longest = 40}}) {
    for (const std::size_t size : {1UL, 12UL, 64UL}) {
      for (const std::size_t tokens : {1UL, 17UL, 49UL, 130UL}) {
        for (const std::size_t queries : {std::size_t{1}, tokens}) {
          ASSERT_NO_FATAL_FAILURE(expect_near(with_positions({queries, tokens, size}, range), GetParam()));
        }
      }
    }
  }
}

TEST_P(attention_with_positions, may_be_of_one_kind_and_among_other_heads) {
  for (const position_terms terms : {position_terms::keys, position_terms::queries}) {
    ASSERT_NO_FATAL_FAILURE(
        expect_near(with_positions({51, 51, 20, 60}, {.buckets = 8, .longest = 40}, terms), GetParam()));
  }
}

/// The first query is in its place without the others: what leads a layer where only first rows are wanted.
TEST_P(attention_with_positions, gives_the_first_query_the_same_whatever_the_others) {
  for (const std::size_t tokens : {5UL, 33UL, 75UL, 300UL}) {
    const nn::relative_range range{.buckets = 32, .longest = 64};
    const attention_problem all = with_positions({tokens, tokens, 24}, range);
    attention_problem alone = with_positions({1, tokens, 24}, range);
    alone.query.assign(all.query.begin(), all.query.begin() + 24);
    const std::vector<float> together = all.run(GetParam());
    const std::vector<float> context = alone.run(GetParam());
    EXPECT_TRUE(std::equal(context.begin(), context.end(), together.begin())) << tokens << " tokens";
  }
}

/// Of four terms the scale is exactly half of that of one.
TEST_P(attention_with_positions, adds_nothing_where_all_are_zero) {
  attention_problem zeros = with_positions({75, 75, 24}, {.buckets = 8, .longest = 40});
  std::ranges::fill(zeros.positions->keys, 0.0F);
  std::ranges::fill(zeros.positions->queries, 0.0F);
  const nn::head_positions packed = zeros.positions->pack(GetParam().position_layout, 24);
  std::vector<float> context(75 * 24);
  nn::attention_scratch scratch;
  nn::attention_head head = zeros.head(context.data());
  head.terms = 4;
  head.places = &zeros.positions->places;
  head.positions = &packed;
  GetParam().attend(head, scratch);

  attention_problem halved{75, 75, 24};
  for (float& number : halved.query) {
    number *= 0.5F;
  }
  const std::vector<double> expected = halved.expected();
  for (std::size_t i = 0; i < context.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(context[i]), expected[i], tolerance_of(GetParam())) << "element " << i;
  }
}

}  // namespace attention_positions_test
