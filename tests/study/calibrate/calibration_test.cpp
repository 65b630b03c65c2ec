// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/calibration.hpp>

#include <offramp/study/temperature.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace calibration_test {

using namespace offramp::study;
using offramp::exit_policy;

/// Logits of two exits on layers 2 and 5 that know something of the right answers.
exit_logits random_logits() {
  constexpr std::size_t texts = 80;
  exit_logits logits{.num_texts = texts,
                     .num_labels = 3,
                     .exits = {{2, 1.0F}, {5, 1.0F}},
                     .label_ids = {},
                     .tokens = {},
                     .values = {}};
  std::mt19937 random(11);
  const auto uniform = [&] { return static_cast<float>(random() % 1000) / 1000.0F; };
  for (std::size_t text = 0; text < texts; ++text) {
    logits.label_ids.push_back(static_cast<int>(random() % 3));
    logits.tokens.push_back(3);
  }
  for (const float scale : {0.7F, 6.0F}) {
    for (std::size_t text = 0; text < texts; ++text) {
      for (int label = 0; label < 3; ++label) {
        logits.values.push_back(scale * (2 * uniform() + (label == logits.label_ids[text] ? 1.0F : 0.0F)));
      }
    }
  }
  return logits;
}

TEST(CalibrateTest, FitsAndMeasuresEveryExit) {
  const exit_logits logits = random_logits();
  const calibration fitted = calibrate(logits, 0.7F);
  EXPECT_EQ(fitted.num_texts, logits.num_texts);
  ASSERT_EQ(fitted.exits.size(), 2U);
  const auto last_values = exit_probabilities(logits, 1, 1.0F);
  const std::vector<int> reference = answers({last_values, logits.label_ids, 3});
  for (std::size_t exit = 0; exit < 2; ++exit) {
    const auto own = std::span(logits.values).subspan(exit * 240, 240);
    const temperature_fit expected = fit_temperature(own, logits.label_ids, 3);
    const exit_calibration& found = fitted.exits[exit];
    EXPECT_EQ(found.layer, logits.exits[exit].layer);
    EXPECT_EQ(found.temperature, expected.temperature);
    EXPECT_EQ(found.before.nll, expected.nll_before);
    EXPECT_EQ(found.after.nll, expected.nll_after);
    EXPECT_LT(found.after.nll, found.before.nll);
    EXPECT_EQ(found.after.accuracy, found.before.accuracy);
    const auto values = exit_probabilities(logits, exit, expected.temperature);
    const labelled_probabilities given{values, logits.label_ids, 3};
    EXPECT_EQ(found.after.accuracy, accuracy(given));
    EXPECT_EQ(found.after.confidence, mean_confidence(given));
    EXPECT_EQ(found.after.brier, brier_score(given));
    EXPECT_EQ(found.after.ece, calibration_error(given));
    EXPECT_EQ(found.after.ece_of_draws, expected_calibration_error_of_draws(given));
    EXPECT_EQ(found.after.equal_mass_ece, equal_mass_calibration_error(given));
    EXPECT_EQ(found.after.class_wise_ece, class_wise_calibration_error(given));
    EXPECT_EQ(found.after.auroc_correct, area_under_roc_of_correct(given));
    EXPECT_EQ(found.after.auroc_agreement, area_under_roc_of_agreement(given, reference));
    EXPECT_EQ(found.after.aurc, area_under_risk_coverage(given));
    EXPECT_EQ(found.after.reliability.size(), default_bins);
  }
  EXPECT_EQ(fitted.exits[1].after.auroc_agreement, std::nullopt);
}

TEST(CalibrateTest, CountsWhoLeavesWhere) {
  const exit_logits logits = random_logits();
  const calibration fitted = calibrate(logits, 0.7F);
  const auto first = exit_probabilities(logits, 0, fitted.exits[0].temperature);
  const auto last = exit_probabilities(logits, 1, fitted.exits[1].temperature);
  std::size_t leaving = 0;
  double sure = 0.0;
  double right = 0.0;
  for (std::size_t text = 0; text < logits.num_texts; ++text) {
    const auto row = std::span(first).subspan(text * 3, 3);
    const auto top = std::ranges::max_element(row);
    if (*top >= 0.7F) {
      ++leaving;
      sure += static_cast<double>(*top);
      right += top - row.begin() == logits.label_ids[text] ? 1.0 : 0.0;
    }
  }
  ASSERT_GT(leaving, 0U);
  ASSERT_LT(leaving, logits.num_texts);
  EXPECT_EQ(fitted.exits[0].after.leaving.texts, leaving);
  EXPECT_NEAR(fitted.exits[0].after.leaving.confidence, sure / static_cast<double>(leaving), 1e-12);
  EXPECT_NEAR(fitted.exits[0].after.leaving.accuracy, right / static_cast<double>(leaving), 1e-12);
  EXPECT_EQ(fitted.exits[1].after.leaving.texts, logits.num_texts - leaving);
  EXPECT_NE(fitted.exits[0].before.leaving.texts, leaving);
}

TEST(MeasureTest, FitsNothing) {
  exit_logits logits = random_logits();
  const calibration fitted = calibrate(logits, 0.7F);
  logits.exits[0].temperature = 3.0F;
  logits.exits[1].temperature = fitted.exits[1].temperature;
  const calibration found = measure(logits, 0.7F);
  EXPECT_EQ(found.exits[0].temperature, 3.0F);
  EXPECT_FALSE(found.exits[0].at_bound);
  EXPECT_EQ(found.exits[0].before.ece, fitted.exits[0].before.ece);
  EXPECT_GT(found.exits[0].after.nll, fitted.exits[0].after.nll);
  EXPECT_EQ(found.exits[1].after.nll, fitted.exits[1].after.nll);
  EXPECT_EQ(found.exits[1].after.ece, fitted.exits[1].after.ece);
}

TEST(CalibrateTest, ObeysTheLayerLimit) {
  const calibration fitted = calibrate(random_logits(), exit_policy::full_depth().with_max_layer(4));
  EXPECT_EQ(fitted.exits[0].after.leaving.texts, 80U);
  EXPECT_EQ(fitted.exits[1].after.leaving.texts, 0U);
}

TEST(CalibrateTest, RefusesWhatDoesNotFit) {
  const auto refuses = [](const exit_policy& policy, const previous_logit_weights& weights) {
    try {
      static_cast<void>(calibrate(random_logits(), policy, weights));
      return false;
    } catch (const offramp::error& problem) {
      return problem.kind() == offramp::error_kind::invalid_argument;
    }
  };
  EXPECT_TRUE(refuses(exit_policy::per_exit({0.5F}), {}));
  EXPECT_TRUE(refuses(exit_policy::full_depth().with_max_layer(1), {}));
  EXPECT_TRUE(refuses(0.5F, {{}}));
  EXPECT_TRUE(refuses(0.5F, {{}, {1.0F}}));
  EXPECT_FALSE(refuses(0.5F, {{}, std::vector<float>(9)}));
}

}  // namespace calibration_test
