// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/wall_time.hpp>

#include "model_in_memory.hpp"

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
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

}  // namespace wall_time_test
