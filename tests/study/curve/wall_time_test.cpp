// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/wall_time.hpp>

#include "model_in_memory.hpp"
#include "study/curve/latency.hpp"

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace wall_time_test {

using offramp::exit_policy;

offramp::study::dataset few_texts(const offramp::classifier& model) {
  offramp::study::dataset data{"made up", std::string(64, '0'), {}};
  const bool pairs = model.expected_input() == offramp::input_kind::pair;
  for (int i = 0; i < 11; ++i) {
    const std::string text(static_cast<std::size_t>(i), 'a');
    data.texts.push_back({text, pairs ? std::optional<std::string>("b") : std::nullopt, 0, 1});
  }
  return data;
}

TEST(wall_time, measures_every_policy) {
  for (const char* name : {"tiny", "tiny-pair"}) {
    const auto model = offramp::classifier::load(offramp_tests::tiny_directory(name));
    const std::vector<exit_policy> policies = {exit_policy(0.0F), exit_policy::full_depth()};
    std::vector<std::size_t> seen;
    const auto times = measure_wall_time(model, few_texts(model), policies, {.rounds = 2, .batch = 4, .texts = 10}, {},
                                         [&](std::size_t done, std::size_t total) {
                                           EXPECT_EQ(total, 20U);
                                           seen.push_back(done);
                                         });
    EXPECT_EQ(seen, (std::vector<std::size_t>{4, 8, 10, 14, 18, 20}));
    ASSERT_EQ(times.size(), 2U);
    for (const auto& time : times) {
      for (const offramp::study::latency& way : {time.single, time.batched}) {
        EXPECT_GT(way.p50_ms, 0);
        EXPECT_GT(way.mean_ms, 0);
        EXPECT_LE(way.p50_ms, way.p95_ms);
        EXPECT_LE(way.p95_ms, way.p99_ms);
      }
    }
  }
}

TEST(wall_time, ends_when_asked_to) {
  const auto model = offramp::classifier::load(offramp_tests::tiny_directory("tiny"));
  const std::vector<exit_policy> policies = {exit_policy(0.5F)};
  const auto stop = [](std::size_t, std::size_t) { throw std::runtime_error("enough"); };
  EXPECT_THROW(static_cast<void>(measure_wall_time(model, few_texts(model), policies, {}, {}, stop)),
               std::runtime_error);
  for (const offramp::study::timing_options& nothing :
       {offramp::study::timing_options{.rounds = 0}, {.batch = 0}, {.texts = 0}}) {
    EXPECT_THROW(static_cast<void>(measure_wall_time(model, few_texts(model), policies, nothing)), offramp::error);
  }
  EXPECT_THROW(static_cast<void>(measure_wall_time(model, few_texts(model), {}, {})), offramp::error);
}

TEST(wall_time, draws_its_texts_by_seed) {
  const auto chosen = offramp::study::timed_texts(1000, {.texts = 100, .seed = 7});
  EXPECT_EQ(chosen, offramp::study::timed_texts(1000, {.texts = 100, .seed = 7}));
  EXPECT_NE(chosen, offramp::study::timed_texts(1000, {.texts = 100, .seed = 8}));
  EXPECT_EQ(std::set(chosen.begin(), chosen.end()).size(), 100U);
  EXPECT_LT(chosen.back(), 1000U);
  EXPECT_GT(chosen.back(), 900U);
  EXPECT_EQ(offramp::study::timed_texts(3, {.texts = 100}), (std::vector<std::size_t>{0, 1, 2}));
}

using offramp::study::detail::latency_of;
using offramp::study::detail::time_sample;
using offramp::study::detail::time_samples;

time_samples samples_of(const std::vector<double>& ms) {
  time_samples samples;
  for (const double value : ms) {
    samples.push_back({value, 1});
  }
  return samples;
}

TEST(latency, has_the_quantiles_of_student) {
  // From tables, to three digits.
  for (const auto& [freedom, quantile] : {std::pair{1U, 12.706}, std::pair{2U, 4.303}, std::pair{3U, 3.182},
                                          std::pair{4U, 2.776}, std::pair{9U, 2.262}, std::pair{30U, 2.042}}) {
    EXPECT_NEAR(offramp::study::detail::student_quantile(freedom), quantile, 0.005 * quantile);
  }
}

TEST(latency, compares_the_same_calls) {
  // Twice as fast for every text: what texts differ in is no noise.
  const time_samples slow = samples_of({8, 10, 12, 18, 8, 10, 12, 18});
  const auto found = latency_of(samples_of({4, 5, 6, 9, 4, 5, 6, 9}), slow, 2);
  EXPECT_DOUBLE_EQ(found.mean_ms, 6);
  EXPECT_DOUBLE_EQ(found.speedup.estimate, 2);
  EXPECT_NEAR(found.speedup.likely.lower, 2, 1e-6);
  EXPECT_NEAR(found.speedup.likely.upper, 2, 1e-6);
  // Mean of 4 texts, whose standard deviation is 2.16: 6 +- 3.182 * 2.16 / 2; rounds are no further texts.
  EXPECT_NEAR(found.mean_likely.lower, 6 - 3.182 * 2.1602 / 2, 0.05);
  EXPECT_NEAR(found.mean_likely.upper, 6 + 3.182 * 2.1602 / 2, 0.05);
}

TEST(latency, holds_its_confidence) {
  std::mt19937_64 bits(11);
  std::lognormal_distribution<double> length(0.0, 0.6);
  std::uniform_real_distribution<double> noise(0.8, 1.2);
  const double ratio = 3;
  int means = 0;
  int ratios = 0;
  int percentiles = 0;
  constexpr int draws = 600;
  for (int draw = 0; draw < draws; ++draw) {
    time_samples slow;
    time_samples fast;
    for (int text = 0; text < 150; ++text) {
      const double work = length(bits);
      slow.push_back({ratio * work * noise(bits), 1});
      fast.push_back({work * noise(bits), 1});
    }
    const auto found = latency_of(fast, slow, 1);
    const double mean = std::exp(0.18);
    means += found.mean_likely.lower <= mean && mean <= found.mean_likely.upper ? 1 : 0;
    ratios += found.speedup.likely.lower <= ratio && ratio <= found.speedup.likely.upper ? 1 : 0;
    percentiles += found.p95_ms <= found.p95_likely.upper && found.p95_likely.lower <= found.p95_ms ? 1 : 0;
  }
  EXPECT_NEAR(means / double{draws}, 0.95, 0.03);
  EXPECT_NEAR(ratios / double{draws}, 0.95, 0.03);
  EXPECT_EQ(percentiles, draws);
}

TEST(latency, knows_little_of_few_calls) {
  const auto one = latency_of(samples_of({1}), samples_of({5}), 1);
  EXPECT_DOUBLE_EQ(one.speedup.estimate, 5);
  EXPECT_EQ(one.speedup.likely.lower, 0);
  EXPECT_TRUE(std::isinf(one.mean_likely.upper));
  EXPECT_TRUE(std::isinf(one.p95_likely.upper));
  // One outlier leaves the ratio unbounded above, and yet far above 1.
  const auto outlier = latency_of(samples_of({0.1, 0.1, 0.1, 9, 0.1}), samples_of({40, 41, 39, 42, 40}), 1);
  EXPECT_GT(outlier.speedup.likely.lower, 3);
  EXPECT_TRUE(std::isinf(outlier.speedup.likely.upper));
}

}  // namespace wall_time_test
