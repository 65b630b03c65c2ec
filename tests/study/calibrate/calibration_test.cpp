// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/calibration.hpp>

#include <offramp/study/temperature.hpp>

#include "model_in_memory.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace offramp::study;
using nlohmann::json;
using offramp::exit_policy;
using offramp::numeric_format;

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

/// A copy of a tiny model on disk, and made-up labelled texts for it.
class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 ("calibration-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void copy(const std::string& name) {
    std::filesystem::copy(offramp_tests::tiny_directory(name), directory_);
    std::filesystem::permissions(directory_ / "exits.json", std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
  }

  [[nodiscard]] std::string exits_text() const { return offramp_tests::read_file(directory_ / "exits.json"); }
  [[nodiscard]] json exits() const { return json::parse(exits_text()); }
  void replace_exits(const json& content) const { std::ofstream(directory_ / "exits.json") << content; }

  [[nodiscard]] offramp::classifier load() const { return offramp::classifier::load(directory_); }

  /// The answers of the last exit, a third of them replaced.
  [[nodiscard]] dataset texts() const {
    dataset data{"made up", std::string(64, 'c'), {}};
    const offramp::classifier model = load();
    const std::vector<std::string> words{"good", "film", "dull", "never", "bad", "actor", "warm", "the", "dog", "plot"};
    std::mt19937 random(5);
    for (std::size_t line = 1; line <= 90; ++line) {
      std::string text;
      for (auto left = 1 + random() % 8; left > 0; --left) {
        text += words[random() % words.size()] + " ";
      }
      const int answer = model.classify(text, exit_policy::full_depth()).label_id;
      const auto other = static_cast<int>(random() % model.labels().size());
      data.texts.push_back({text, {}, random() % 3 == 0 ? other : answer, line});
    }
    return data;
  }

  [[nodiscard]] calibration fit(const dataset& data) const {
    const offramp::classifier model = load();
    return calibrate(compute_exit_logits(model, data), model.default_policy(), read_previous_logit_weights(directory_));
  }

  std::filesystem::path directory_;
};

TEST_F(StoreTest, TheStoredModelAnswersWithTheFittedTemperatures) {
  copy("tiny");
  const dataset data = texts();
  const calibration fitted = fit(data);
  store_calibration(directory_, numeric_format::float32, fitted, data);
  const offramp::classifier model = load();
  ASSERT_EQ(model.exits().size(), fitted.exits.size());
  for (std::size_t exit = 0; exit < fitted.exits.size(); ++exit) {
    EXPECT_EQ(model.exits()[exit].temperature, fitted.exits[exit].temperature);
  }
}

TEST_F(StoreTest, HeadsThatReadEarlierLogitsAreFittedToWhatTheyWillSee) {
  for (const char* name : {"tiny", "tiny-mix"}) {
    SCOPED_TRACE(name);
    std::filesystem::remove_all(directory_);
    copy(name);
    const dataset data = texts();
    const calibration corrected = fit(data);
    const calibration naive = calibrate(compute_exit_logits(load(), data), 0.5F);
    EXPECT_GT(std::abs(naive.exits.back().temperature - corrected.exits.back().temperature), 1e-3F);
    EXPECT_FALSE(corrected.exits.back().at_bound);
    store_calibration(directory_, numeric_format::float32, corrected, data);
    const exit_logits rerun = compute_exit_logits(load(), data);
    for (std::size_t exit = 0; exit < corrected.exits.size(); ++exit) {
      const std::size_t size = rerun.num_texts * rerun.num_labels;
      const temperature_fit again =
          fit_temperature(std::span(rerun.values).subspan(exit * size, size), rerun.label_ids, rerun.num_labels);
      EXPECT_NEAR(again.temperature, corrected.exits[exit].temperature, 1e-4F * again.temperature);
      EXPECT_NEAR(again.nll_before, corrected.exits[exit].before.nll, 1e-5);
      EXPECT_NEAR(again.nll_after, corrected.exits[exit].after.nll, 1e-5);
    }
  }
}

TEST_F(StoreTest, ChangesNothingElse) {
  copy("tiny");
  const json before = exits();
  const dataset data = texts();
  const calibration fitted = fit(data);
  EXPECT_EQ(store_calibration(directory_, numeric_format::float32, fitted, data), 1U);
  json after = exits();
  const json calibrated = after["calibration"]["float32"];
  EXPECT_EQ(calibrated["data_sha256"], data.sha256);
  EXPECT_EQ(calibrated["n"], data.texts.size());
  for (std::size_t exit = 0; exit < fitted.exits.size(); ++exit) {
    EXPECT_FLOAT_EQ(calibrated["exits"][exit]["nll_before"].get<float>(),
                    static_cast<float>(fitted.exits[exit].before.nll));
    EXPECT_FLOAT_EQ(calibrated["exits"][exit]["nll_after"].get<float>(),
                    static_cast<float>(fitted.exits[exit].after.nll));
    EXPECT_FLOAT_EQ(calibrated["exits"][exit]["ece_before"].get<float>(),
                    static_cast<float>(fitted.exits[exit].before.ece));
    EXPECT_FLOAT_EQ(calibrated["exits"][exit]["ece_after"].get<float>(),
                    static_cast<float>(fitted.exits[exit].after.ece));
  }
  for (const char* key : {"format", "exits_sha256", "labels", "input", "default_policy", "golden"}) {
    EXPECT_EQ(after[key], before[key]) << key;
  }
  EXPECT_FALSE(after.contains("certificates"));
}

TEST_F(StoreTest, TheSameDataGiveTheSameBytes) {
  copy("tiny-i8");
  const dataset data = texts();
  store_calibration(directory_, numeric_format::float32, fit(data), data);
  const std::string once = exits_text();
  store_calibration(directory_, numeric_format::float32, fit(data), data);
  EXPECT_EQ(exits_text(), once);
}

TEST_F(StoreTest, CertificatesGoWhereTheirTemperaturesChange) {
  copy("tiny");
  const dataset data = texts();
  const calibration fitted = fit(data);
  json content = exits();
  for (const char* format : {"bfloat16", "int8"}) {
    json certificate = content["certificates"][0];
    certificate["numeric_format"] = format;
    content["certificates"].push_back(certificate);
  }
  for (json& exit : content["exits"]) {
    exit["temperature"]["int8"] = 2.0;
  }
  replace_exits(content);
  // bfloat16 has no temperatures: float32's count there.
  EXPECT_EQ(store_calibration(directory_, numeric_format::float32, fitted, data), 2U);
  ASSERT_EQ(exits()["certificates"].size(), 1U);
  EXPECT_EQ(exits()["certificates"][0]["numeric_format"], "int8");
  EXPECT_EQ(store_calibration(directory_, numeric_format::float32, fitted, data), 0U);
  EXPECT_EQ(store_calibration(directory_, numeric_format::bfloat16, fitted, data), 0U);
  EXPECT_EQ(store_calibration(directory_, numeric_format::int8, fitted, data), 1U);
  for (const char* format : {"float32", "bfloat16", "int8"}) {
    EXPECT_EQ(exits()["calibration"][format]["n"], data.texts.size());
    EXPECT_FLOAT_EQ(exits()["exits"][1]["temperature"][format].get<float>(), fitted.exits[1].temperature);
  }
}

TEST_F(StoreTest, RefusesOtherExitsAndChangesNothing) {
  copy("tiny");
  const dataset data = texts();
  const std::string before = exits_text();
  calibration fewer = fit(data);
  fewer.exits.pop_back();
  calibration elsewhere = fit(data);
  elsewhere.exits[0].layer = 7;
  for (const calibration& wrong : {fewer, elsewhere}) {
    EXPECT_THROW(store_calibration(directory_, numeric_format::float32, wrong, data), offramp::error);
  }
  EXPECT_EQ(exits_text(), before);
}

TEST_F(StoreTest, NeedsAModelWithExits) {
  copy("tiny");
  const dataset data = texts();
  const calibration fitted = fit(data);
  std::filesystem::remove(directory_ / "exits.json");
  std::filesystem::remove(directory_ / "exits.safetensors");
  for (const auto& work : std::vector<std::function<void()>>{
           [&] { static_cast<void>(read_previous_logit_weights(directory_)); },
           [&] { store_calibration(directory_, numeric_format::float32, fitted, data); }}) {
    try {
      work();
      ADD_FAILURE();
    } catch (const offramp::error& problem) {
      EXPECT_EQ(problem.kind(), offramp::error_kind::bad_model);
      EXPECT_NE(std::string(problem.what()).find("offramp fit"), std::string::npos) << problem.what();
    }
  }
  EXPECT_FALSE(std::filesystem::exists(directory_ / "exits.json"));
}

TEST_F(StoreTest, AnInterruptedPassWritesNothing) {
  copy("tiny");
  const dataset data = texts();
  const std::string before = exits_text();
  const progress interrupt = [](std::size_t, std::size_t) { throw std::runtime_error("interrupted"); };
  EXPECT_THROW(store_calibration(directory_, numeric_format::float32,
                                 calibrate(compute_exit_logits(load(), data, {}, interrupt), 0.5F), data),
               std::runtime_error);
  EXPECT_EQ(exits_text(), before);
}

}  // namespace
