// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/paired_difference.hpp>

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

namespace paired_difference_test {

using offramp::study::compare_paired;
using offramp::study::paired_counts;
using offramp::study::paired_difference;

constexpr double z = 1.959963984540054;

/// The log-likelihood of the counts where the second alone is right with probability q, the first with q + difference.
double log_likelihood(const paired_counts& counts, double difference, double q) {
  const auto term = [](std::int64_t count, double probability) {
    return count == 0 ? 0.0 : static_cast<double>(count) * std::log(probability);
  };
  return term(counts.only_first, q + difference) + term(counts.only_second, q) +
         term(counts.texts - counts.only_first - counts.only_second, 1.0 - 2.0 * q - difference);
}

/// The square of the score from its definition: the likelihood is maximized by search.
double squared_score(const paired_counts& counts, double difference) {
  double low = std::max(0.0, -difference);
  double high = (1.0 - difference) / 2.0;
  for (int i = 0; i < 200; ++i) {
    const double third = (high - low) / 3.0;
    (log_likelihood(counts, difference, low + third) < log_likelihood(counts, difference, high - third) ? low : high) +=
        log_likelihood(counts, difference, low + third) < log_likelihood(counts, difference, high - third) ? third
                                                                                                           : -third;
  }
  const double q = (low + high) / 2.0;
  const auto n = static_cast<double>(counts.texts);
  const double excess = static_cast<double>(counts.only_first - counts.only_second) - n * difference;
  return excess * excess / (n * (2.0 * q + difference * (1.0 - difference)));
}

TEST(paired_difference, ends_where_the_score_is_the_quantile) {
  for (const paired_counts& counts :
       {paired_counts{100, 10, 5}, paired_counts{1821, 38, 28}, paired_counts{50, 12, 1}, paired_counts{1000, 3, 7}}) {
    const paired_difference found = compare_paired(counts);
    EXPECT_NEAR(squared_score(counts, found.lower), z * z, 1e-5);
    EXPECT_NEAR(squared_score(counts, found.upper), z * z, 1e-5);
  }
}

TEST(paired_difference, of_texts_that_never_differ_is_wilsons_bound) {
  const paired_difference found = compare_paired({100, 0, 0});
  EXPECT_EQ(found.estimate, 0.0);
  EXPECT_NEAR(found.upper, z * z / (100.0 + z * z), 1e-9);
  EXPECT_NEAR(found.lower, -found.upper, 1e-12);
  EXPECT_EQ(found.p_value, 1.0);
}

TEST(paired_difference, turns_round_with_its_counts) {
  for (std::int64_t first = 0; first <= 6; ++first) {
    for (std::int64_t second = 0; second <= 6 - first; ++second) {
      const paired_difference found = compare_paired({6, first, second});
      const paired_difference turned = compare_paired({6, second, first});
      EXPECT_NEAR(found.lower, -turned.upper, 1e-9);
      EXPECT_NEAR(found.upper, -turned.lower, 1e-9);
      EXPECT_EQ(found.p_value, turned.p_value);
      EXPECT_LE(-1.0, found.lower);
      EXPECT_LE(found.lower, found.estimate);
      EXPECT_LE(found.estimate, found.upper);
      EXPECT_LE(found.upper, 1.0);
    }
  }
}

TEST(paired_difference, test_is_mcnemars) {
  EXPECT_NEAR(compare_paired({500, 1, 9}).p_value, 2.0 * 11.0 / 1024.0, 1e-12);
  EXPECT_EQ(compare_paired({500, 4, 4}).p_value, 1.0);
  EXPECT_NEAR(compare_paired({5, 5, 0}).p_value, 2.0 / 32.0, 1e-12);
}

TEST(paired_difference, narrows_with_texts_and_widens_with_confidence) {
  const paired_difference few = compare_paired({100, 6, 2});
  const paired_difference many = compare_paired({10000, 600, 200});
  EXPECT_LT(many.upper - many.lower, (few.upper - few.lower) / 8.0);
  const paired_difference surer = compare_paired({100, 6, 2}, 0.99);
  EXPECT_LT(surer.lower, few.lower);
  EXPECT_GT(surer.upper, few.upper);
}

/// Over 2,000 draws, in the range of losses that early exits have; about as often, as counts are whole numbers.
TEST(paired_difference, covers_the_truth_as_often_as_it_says) {
  std::mt19937_64 random(7);
  const double only_first = 0.02;
  const double only_second = 0.01;
  std::uniform_real_distribution<double> uniform;
  constexpr int draws = 2000;
  int covered = 0;
  for (int draw = 0; draw < draws; ++draw) {
    paired_counts counts{.texts = 1000};
    for (int text = 0; text < 1000; ++text) {
      const double u = uniform(random);
      counts.only_first += u < only_first ? 1 : 0;
      counts.only_second += u >= only_first && u < only_first + only_second ? 1 : 0;
    }
    const paired_difference found = compare_paired(counts);
    covered += found.lower <= only_first - only_second && only_first - only_second <= found.upper ? 1 : 0;
  }
  EXPECT_GT(covered, draws * 93 / 100);
  EXPECT_LT(covered, draws * 97 / 100);
}

TEST(paired_difference, refuses_what_are_no_counts) {
  for (const paired_counts& counts : {paired_counts{0, 0, 0}, paired_counts{10, -1, 0}, paired_counts{10, 0, -1},
                                      paired_counts{10, 6, 5}, paired_counts{10, INT64_MAX, INT64_MAX}}) {
    EXPECT_THROW(static_cast<void>(compare_paired(counts)), offramp::error);
  }
  for (const double confidence : {0.0, 1.0, -1.0, std::nan("")}) {
    EXPECT_THROW(static_cast<void>(compare_paired({10, 1, 1}, confidence)), offramp::error);
  }
}

}  // namespace paired_difference_test
