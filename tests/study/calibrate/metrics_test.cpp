// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/metrics.hpp>

#include <offramp/error.hpp>
#include <offramp/exits/confidence.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace metrics_test {

using namespace offramp::study;
using nlohmann::json;

/// Probabilities and right answers that own their memory.
struct sample {
  std::vector<float> values;
  std::vector<int> label_ids;
  std::size_t num_labels = 2;

  [[nodiscard]] labelled_probabilities view() const { return {values, label_ids, num_labels}; }
};

std::vector<json> goldens() { return json::parse(std::ifstream(OFFRAMP_TEST_DATA "/study/metrics.json")); }

sample sample_of(const json& golden) { return {golden["probabilities"], golden["label_ids"], golden["num_labels"]}; }

/// Every number that this header knows.
std::vector<double> measure(const sample& data) {
  const labelled_probabilities given = data.view();
  return {accuracy(given),
          macro_f1(given),
          mean_confidence(given),
          negative_log_likelihood(given),
          brier_score(given),
          calibration_error(given),
          equal_mass_calibration_error(given),
          class_wise_calibration_error(given),
          expected_calibration_error_of_draws(given, 15, 20),
          area_under_roc_of_correct(given).value_or(-1),
          area_under_risk_coverage(given)};
}

TEST(MetricsTest, AgreeWithScikitLearnAndNumpy) {
  for (const json& golden : goldens()) {
    SCOPED_TRACE(golden["name"]);
    const sample data = sample_of(golden);
    const labelled_probabilities given = data.view();
    const json& expected = golden["metrics"];
    const auto is_near = [&](const char* name, double found, double tolerance = 1e-9) {
      EXPECT_NEAR(found, expected[name].get<double>(), tolerance) << name;
    };
    is_near("accuracy", accuracy(given));
    is_near("macro_f1", macro_f1(given));
    is_near("mean_confidence", mean_confidence(given));
    is_near("brier", brier_score(given));
    is_near("ece", calibration_error(given));
    is_near("class_wise_ece", class_wise_calibration_error(given));
    is_near("auroc_correct", area_under_roc_of_correct(given).value());
    is_near("auroc_agreement", area_under_roc_of_agreement(given, golden["reference"].get<std::vector<int>>()).value());
    const bool has_ties = !expected.contains("nll");
    is_near("aurc", area_under_risk_coverage(given), has_ties ? 2e-3 : 1e-9);
    if (!has_ties) {
      is_near("nll", negative_log_likelihood(given), 1e-6);
      is_near("equal_mass_ece", equal_mass_calibration_error(given));
    }
    std::vector<std::size_t> texts;
    double error = 0.0;
    for (const reliability_bin& bin : reliability_bins(given)) {
      texts.push_back(bin.texts);
      error += static_cast<double>(bin.texts) * std::abs(bin.accuracy - bin.confidence);
    }
    EXPECT_EQ(json(texts), expected["bin_texts"]);
    EXPECT_NEAR(error / static_cast<double>(data.label_ids.size()), calibration_error(given), 1e-12);
  }
}

TEST(MetricsTest, DoNotDependOnTheOrderOfTexts) {
  for (const json& golden : goldens()) {
    SCOPED_TRACE(golden["name"]);
    const sample data = sample_of(golden);
    std::vector<std::size_t> order(data.label_ids.size());
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937(3));
    sample shuffled{{}, {}, data.num_labels};
    for (const std::size_t text : order) {
      shuffled.label_ids.push_back(data.label_ids[text]);
      const auto row = data.values.begin() + static_cast<std::ptrdiff_t>(text * data.num_labels);
      shuffled.values.insert(shuffled.values.end(), row, row + static_cast<std::ptrdiff_t>(data.num_labels));
    }
    const std::vector<double> expected = measure(data);
    const std::vector<double> found = measure(shuffled);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(found[i], expected[i], 1e-12) << i;
    }
  }
}

TEST(MetricsTest, DoNotDependOnTheCallersRounding) {
  for (const json& golden : goldens()) {
    const sample data = sample_of(golden);
    const std::vector<double> expected = measure(data);
    for (const int rounding : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
      std::fesetround(rounding);
      const std::vector<double> found = measure(data);
      std::fesetround(FE_TONEAREST);
      EXPECT_EQ(found, expected);
    }
  }
}

TEST(MetricsTest, TemperatureChangesNoAnswer) {
  const json golden = goldens().front();
  const auto logits = golden["logits"].get<std::vector<float>>();
  sample data{std::vector<float>(logits.size()), golden["label_ids"], 2};
  std::vector<std::vector<int>> found;
  for (const float temperature : {0.3F, 1.0F, 4.0F}) {
    for (std::size_t begin = 0; begin < logits.size(); begin += 2) {
      offramp::exits::calibrate(std::span(logits).subspan(begin, 2), temperature,
                                std::span(data.values).subspan(begin, 2));
    }
    found.push_back(answers(data.view()));
  }
  EXPECT_EQ(found[0], found[1]);
  EXPECT_EQ(found[2], found[1]);
}

TEST(MetricsTest, OneTextByHand) {
  const sample data{{0.25F, 0.75F}, {0}, 2};
  EXPECT_EQ(answers(data.view()), std::vector<int>{1});
  EXPECT_EQ(confidences(data.view()), std::vector<float>{0.75F});
  EXPECT_EQ(accuracy(data.view()), 0.0);
  EXPECT_EQ(macro_f1(data.view()), 0.0);
  EXPECT_DOUBLE_EQ(negative_log_likelihood(data.view()), std::log(4.0));
  EXPECT_DOUBLE_EQ(brier_score(data.view()), 2 * 0.75 * 0.75);
  EXPECT_DOUBLE_EQ(calibration_error(data.view()), 0.75);
  EXPECT_DOUBLE_EQ(equal_mass_calibration_error(data.view()), 0.75);
  EXPECT_DOUBLE_EQ(class_wise_calibration_error(data.view()), 0.75);
  EXPECT_EQ(area_under_roc_of_correct(data.view()), std::nullopt);
  EXPECT_EQ(area_under_risk_coverage(data.view()), 1.0);
  // |happened - 0.75| is 0.25 with probability 0.75, else 0.75.
  EXPECT_NEAR(expected_calibration_error_of_draws(data.view(), 15, 20000), 0.375, 0.01);
}

TEST(MetricsTest, EqualConfidencesShareABinAndTheirErrors) {
  // Two right and two wrong answers, all 0.75 sure.
  const sample data{{0.75F, 0.25F, 0.75F, 0.25F, 0.75F, 0.25F, 0.75F, 0.25F}, {0, 1, 0, 1}, 2};
  EXPECT_DOUBLE_EQ(equal_mass_calibration_error(data.view()), 0.25);
  EXPECT_DOUBLE_EQ(area_under_risk_coverage(data.view()), 0.5);
  EXPECT_DOUBLE_EQ(area_under_roc_of_correct(data.view()).value(), 0.5);
}

TEST(MetricsTest, EqualMassBinsHoldEquallyManyTexts) {
  // Two bins of two: |1 - 1.15| and |2 - 1.75| texts away from their promise.
  const sample data{{0.55F, 0.45F, 0.6F, 0.4F, 0.85F, 0.15F, 0.9F, 0.1F}, {0, 1, 0, 0}, 2};
  EXPECT_NEAR(equal_mass_calibration_error(data.view(), 2), (0.15 + 0.25) / 4, 1e-7);
}

TEST(MetricsTest, PerfectAnswers) {
  const sample data{{1.0F, 0.0F, 0.0F, 1.0F}, {0, 1}, 2};
  EXPECT_EQ(accuracy(data.view()), 1.0);
  EXPECT_EQ(macro_f1(data.view()), 1.0);
  EXPECT_EQ(negative_log_likelihood(data.view()), 0.0);
  EXPECT_EQ(brier_score(data.view()), 0.0);
  EXPECT_EQ(calibration_error(data.view()), 0.0);
  EXPECT_EQ(expected_calibration_error_of_draws(data.view()), 0.0);
  EXPECT_EQ(area_under_risk_coverage(data.view()), 0.0);
  EXPECT_EQ(area_under_roc_of_correct(data.view()), std::nullopt);
}

TEST(MetricsTest, AnImpossibleTruthStaysFinite) {
  const sample data{{1.0F, 0.0F}, {1}, 2};
  EXPECT_NEAR(negative_log_likelihood(data.view()), 87.3, 0.1);
  EXPECT_EQ(calibration_error(data.view()), 1.0);
}

TEST(MetricsTest, LabelsThatNeverOccurDoNotCount) {
  const sample data{{0.8F, 0.1F, 0.1F, 0.7F, 0.2F, 0.1F}, {0, 0}, 3};
  EXPECT_EQ(macro_f1(data.view()), 1.0);
}

TEST(MetricsTest, DrawnLabelsScatterAsMuchAsASeedSays) {
  const sample data = sample_of(goldens().front());
  const double found = expected_calibration_error_of_draws(data.view());
  EXPECT_EQ(found, expected_calibration_error_of_draws(data.view()));
  EXPECT_NEAR(found, expected_calibration_error_of_draws(data.view(), 15, 1000, 2), 0.01);
  EXPECT_GT(found, 0.02);
  EXPECT_LT(found, 0.2);
}

TEST(MetricsTest, RocCountsTiesHalf) {
  EXPECT_EQ(area_under_roc(std::vector<float>{1, 2, 2, 3}, {false, false, true, true}), 0.875);
  EXPECT_EQ(area_under_roc(std::vector<float>{1, 2}, {true, false}), 0.0);
  EXPECT_EQ(area_under_roc(std::vector<float>{}, {}), std::nullopt);
}

template <class Function>
bool refuses(const Function& function) {
  try {
    static_cast<void>(function());
    return false;
  } catch (const offramp::error& problem) {
    return problem.kind() == offramp::error_kind::invalid_argument;
  }
}

TEST(MetricsTest, RefuseWhatIsNoData) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  for (const sample& bad : {sample{{}, {}, 2}, sample{{0.5F, 0.5F, 0.5F}, {0}, 2}, sample{{0.5F, 0.5F}, {2}, 2},
                            sample{{0.5F, 0.5F}, {-1}, 2}, sample{{0.5F, nan}, {0}, 2}, sample{{1.5F, 0.0F}, {0}, 2},
                            sample{{-0.1F, 0.5F}, {0}, 2}, sample{{0.5F}, {0}, 0}}) {
    const labelled_probabilities given = bad.view();
    EXPECT_TRUE(refuses([&] { return accuracy(given); }));
    EXPECT_TRUE(refuses([&] { return macro_f1(given); }));
    EXPECT_TRUE(refuses([&] { return mean_confidence(given); }));
    EXPECT_TRUE(refuses([&] { return negative_log_likelihood(given); }));
    EXPECT_TRUE(refuses([&] { return brier_score(given); }));
    EXPECT_TRUE(refuses([&] { return calibration_error(given); }));
    EXPECT_TRUE(refuses([&] { return equal_mass_calibration_error(given); }));
    EXPECT_TRUE(refuses([&] { return class_wise_calibration_error(given); }));
    EXPECT_TRUE(refuses([&] { return expected_calibration_error_of_draws(given); }));
    EXPECT_TRUE(refuses([&] { return area_under_roc_of_correct(given); }));
    EXPECT_TRUE(refuses([&] { return area_under_risk_coverage(given); }));
  }
  const sample good{{0.5F, 0.5F}, {0}, 2};
  EXPECT_FALSE(refuses([&] { return accuracy(good.view()); }));
  EXPECT_TRUE(refuses([&] { return calibration_error(good.view(), 0); }));
  EXPECT_TRUE(refuses([&] { return equal_mass_calibration_error(good.view(), 0); }));
  EXPECT_TRUE(refuses([&] { return area_under_roc_of_agreement(good.view(), {}); }));
  EXPECT_TRUE(refuses([&] { return area_under_roc(std::vector<float>{nan}, {true}); }));
  EXPECT_TRUE(refuses([&] { return area_under_roc(std::vector<float>{1}, {}); }));
}

}  // namespace metrics_test
