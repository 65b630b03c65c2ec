// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/temperature.hpp>

#include <offramp/error.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <vector>

namespace temperature_test {

using offramp::study::fit_temperature;
using offramp::study::highest_temperature;
using offramp::study::lowest_temperature;
using offramp::study::negative_log_likelihood;
using offramp::study::temperature_fit;

TEST(FitTemperatureTest, FindsWhatScipyFinds) {
  for (const nlohmann::json& golden : nlohmann::json::parse(std::ifstream(OFFRAMP_TEST_DATA "/study/metrics.json"))) {
    SCOPED_TRACE(golden["name"]);
    const auto logits = golden["logits"].get<std::vector<float>>();
    const auto label_ids = golden["label_ids"].get<std::vector<int>>();
    const auto num_labels = golden["num_labels"].get<std::size_t>();
    const temperature_fit found = fit_temperature(logits, label_ids, num_labels);
    const nlohmann::json& expected = golden["fit"];
    EXPECT_NEAR(found.temperature, expected["temperature"].get<double>(), 1e-5);
    EXPECT_NEAR(found.nll_before, expected["nll_before"].get<double>(), 1e-12);
    EXPECT_NEAR(found.nll_after, expected["nll_after"].get<double>(), 1e-12);
    EXPECT_FALSE(found.at_bound);
    EXPECT_EQ(found.nll_after, negative_log_likelihood(logits, label_ids, num_labels, found.temperature));
  }
}

TEST(FitTemperatureTest, NeverRaisesTheLikelihoodItMinimises) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const std::size_t num_labels = 2 + random() % 4;
    const std::size_t texts = 1 + random() % 40;
    const float scale = std::ldexp(1.0F, static_cast<int>(random() % 40) - 20);
    std::vector<float> logits(texts * num_labels);
    for (float& logit : logits) {
      logit = scale * (static_cast<float>(random() % 2000) / 1000.0F - 1.0F);
    }
    std::vector<int> label_ids(texts);
    for (int& label_id : label_ids) {
      label_id = static_cast<int>(random() % num_labels);
    }
    const temperature_fit found = fit_temperature(logits, label_ids, num_labels);
    EXPECT_LE(found.nll_after, found.nll_before);
    EXPECT_GE(found.temperature, lowest_temperature);
    EXPECT_LE(found.temperature, highest_temperature);
    for (const float other : {0.5F, 0.99F, 1.01F, 2.0F}) {
      const float elsewhere = found.temperature * other;
      if (elsewhere >= lowest_temperature && elsewhere <= highest_temperature) {
        EXPECT_LE(found.nll_after, negative_log_likelihood(logits, label_ids, num_labels, elsewhere) + 1e-12);
      }
    }
  }
}

TEST(NegativeLogLikelihoodTest, ClassWeightsCountAsCopies) {
  const std::vector<float> once{2, 0, -1, 0, 3, 1};
  const std::vector<float> twice{2, 0, -1, 0, 3, 1, 0, 3, 1};
  const double weighted = negative_log_likelihood(once, std::vector{0, 2}, 3, 1.5F, std::vector{1.0, 7.0, 2.0});
  EXPECT_NEAR(weighted, negative_log_likelihood(twice, std::vector{0, 2, 2}, 3, 1.5F), 1e-15);
  EXPECT_GT(weighted, negative_log_likelihood(once, std::vector{0, 2}, 3, 1.5F));
  EXPECT_THROW(static_cast<void>(negative_log_likelihood(once, std::vector{0, 2}, 3, 1.0F, std::vector{1.0, 2.0})),
               offramp::error);
}

TEST(FitTemperatureTest, ScalesWithTheLogits) {
  const std::vector<int> label_ids{0, 1, 1, 0};
  const temperature_fit one = fit_temperature(std::vector<float>{2, 0, 0, 3, 1, 0, 1, 0}, label_ids, 2);
  const temperature_fit eight = fit_temperature(std::vector<float>{16, 0, 0, 24, 8, 0, 8, 0}, label_ids, 2);
  EXPECT_NEAR(eight.temperature, 8 * one.temperature, 1e-5);
  EXPECT_NEAR(eight.nll_after, one.nll_after, 1e-12);
}

TEST(FitTemperatureTest, StopsAtTheLowestWhereEveryAnswerIsRight) {
  const temperature_fit found = fit_temperature(std::vector<float>{2, 0, 0, 3}, std::vector<int>{0, 1}, 2);
  EXPECT_EQ(found.temperature, lowest_temperature);
  EXPECT_TRUE(found.at_bound);
  EXPECT_EQ(found.nll_after, 0.0);
}

TEST(FitTemperatureTest, StopsAtTheHighestWhereTheAnswersAreWorseThanChance) {
  const temperature_fit found = fit_temperature(std::vector<float>{2, 0, 0, 3}, std::vector<int>{1, 0}, 2);
  EXPECT_EQ(found.temperature, highest_temperature);
  EXPECT_TRUE(found.at_bound);
  EXPECT_NEAR(found.nll_after, std::log(2.0), 1e-2);
}

TEST(FitTemperatureTest, KeepsOneWhereTheTemperatureMakesNoDifference) {
  const temperature_fit found = fit_temperature(std::vector<float>{2, 2, -1, -1}, std::vector<int>{1, 0}, 2);
  EXPECT_EQ(found.temperature, 1.0F);
  EXPECT_FALSE(found.at_bound);
  EXPECT_DOUBLE_EQ(found.nll_after, std::log(2.0));
}

TEST(FitTemperatureTest, SurvivesTheLargestLogits) {
  constexpr float huge = std::numeric_limits<float>::max();
  const temperature_fit found =
      fit_temperature(std::vector<float>{huge, -huge, huge, -huge}, std::vector<int>{0, 1}, 2);
  EXPECT_EQ(found.temperature, highest_temperature);
  EXPECT_TRUE(std::isfinite(found.nll_after));
}

TEST(FitTemperatureTest, RefusesWhatIsNoData) {
  const auto refuses = [](const std::vector<float>& logits, const std::vector<int>& label_ids, std::size_t num_labels) {
    try {
      static_cast<void>(fit_temperature(logits, label_ids, num_labels));
      return false;
    } catch (const offramp::error& problem) {
      return problem.kind() == offramp::error_kind::invalid_argument;
    }
  };
  EXPECT_TRUE(refuses({}, {}, 2));
  EXPECT_TRUE(refuses({1, 2, 3}, {0}, 2));
  EXPECT_TRUE(refuses({1, 2}, {0, 1}, 2));
  EXPECT_TRUE(refuses({1, 2}, {0}, 0));
  EXPECT_TRUE(refuses({1, 2}, {2}, 2));
  EXPECT_TRUE(refuses({1, 2}, {-1}, 2));
  EXPECT_TRUE(refuses({1, std::numeric_limits<float>::quiet_NaN()}, {0}, 2));
  EXPECT_TRUE(refuses({1, std::numeric_limits<float>::infinity()}, {0}, 2));
  EXPECT_FALSE(refuses({1, 2}, {0}, 2));
}

}  // namespace temperature_test
