// SPDX-License-Identifier: Apache-2.0
// Temperatures written into a model.
#include <offramp/study/calibration.hpp>

#include <offramp/study/temperature.hpp>

#include "model_in_memory.hpp"
#include "ngram_model.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace store_calibration_test {

using namespace offramp::study;
using nlohmann::json;
using offramp::exit_policy;
using offramp::numeric_format;

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
  store_calibration(directory_, numeric_format::float32, fitted, data, temperature_at_bound::store);
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
    store_calibration(directory_, numeric_format::float32, corrected, data, temperature_at_bound::store);
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

TEST_F(StoreTest, WithoutLabelsTheLastExitMustAnswerAsBefore) {
  copy("tiny");
  dataset data = texts();
  for (labelled_text& text : data.texts) {
    text.label_id = no_label;
  }
  EXPECT_THROW((void)fit(data), offramp::error) << "its last exit reads the logits of the others";
}

TEST_F(StoreTest, ChangesNothingElse) {
  copy("tiny");
  const json before = exits();
  const dataset data = texts();
  const calibration fitted = fit(data);
  EXPECT_EQ(store_calibration(directory_, numeric_format::float32, fitted, data, temperature_at_bound::store).count,
            1U);
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
  store_calibration(directory_, numeric_format::float32, fit(data), data, temperature_at_bound::store);
  const std::string once = exits_text();
  store_calibration(directory_, numeric_format::float32, fit(data), data, temperature_at_bound::store);
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
  EXPECT_EQ(store_calibration(directory_, numeric_format::float32, fitted, data, temperature_at_bound::store).count,
            2U);
  ASSERT_EQ(exits()["certificates"].size(), 1U);
  EXPECT_EQ(exits()["certificates"][0]["numeric_format"], "int8");
  EXPECT_EQ(store_calibration(directory_, numeric_format::float32, fitted, data, temperature_at_bound::store).count,
            0U);
  EXPECT_EQ(store_calibration(directory_, numeric_format::bfloat16, fitted, data, temperature_at_bound::store).count,
            0U);
  EXPECT_EQ(store_calibration(directory_, numeric_format::int8, fitted, data, temperature_at_bound::store).count, 1U);
  for (const char* format : {"float32", "bfloat16", "int8"}) {
    EXPECT_EQ(exits()["calibration"][format]["n"], data.texts.size());
    EXPECT_FLOAT_EQ(exits()["exits"][1]["temperature"][format].get<float>(), fitted.exits[1].temperature);
  }
}

TEST_F(StoreTest, NewWeightsOfNGramsAreThoseOfEveryFormat) {
  copy("tiny-i8");
  for (const auto& [name, content] : offramp_tests::with_ngrams("tiny-i8").files) {
    std::ofstream(directory_ / name, std::ios::binary) << content;
  }
  const dataset data = texts();
  const auto store = [&](const calibration& fitted, numeric_format format) {
    return store_calibration(directory_, format, fitted, data, temperature_at_bound::store);
  };
  calibration fitted = fit(data);
  store(fitted, numeric_format::float32);
  store(fitted, numeric_format::int8);
  const offramp::classifier before = load();
  json content = exits();
  json logits = json::array();
  for (const offramp::exit_output& output : before.classify_every_exit("the quick fox")) {
    logits.push_back(output.logits);
  }
  content["golden"] = {{{"text", "the quick fox"}, {"logits", logits}}};
  content["certificates"] = {{{"numeric_format", "int8"},
                              {"loss", "disagreement"},
                              {"epsilon", 0.1},
                              {"delta", 0.05},
                              {"n", 90},
                              {"data_sha256", data.sha256},
                              {"max_tokens", before.max_tokens()},
                              {"exits", json::array()},
                              {"policy", {{"rule", "confidence"}, {"threshold", 0.9}}}}};
  for (const offramp::exit_info& exit : before.exits()) {
    content["certificates"][0]["exits"].push_back(exit.layer);
  }
  replace_exits(content);
  EXPECT_EQ(store(fitted, numeric_format::float32).count, 0U) << "nothing is new";
  EXPECT_TRUE(exits()["calibration"].contains("int8"));

  fitted.exits.back().ngram_weight = 0.5F;
  EXPECT_EQ(store(fitted, numeric_format::float32).count, 1U);
  EXPECT_EQ(exits()["exits"].back()["ngram_weight"], 0.5);
  EXPECT_FALSE(exits()["calibration"].contains("int8"));
  for (const json& exit : exits()["exits"]) {
    EXPECT_FALSE(exit["temperature"].contains("int8"));
  }
  const offramp::classifier model = load();
  EXPECT_EQ(model.exits().back().ngram_weight, 0.5F);
  const auto outputs = model.classify_every_exit("the quick fox");
  for (std::size_t exit = 0; exit < outputs.size(); ++exit) {
    const std::vector<float>& golden = model.golden_texts().at(0).logits[exit];
    for (std::size_t label = 0; label < golden.size(); ++label) {
      EXPECT_FLOAT_EQ(golden[label], outputs[exit].logits[label]);
    }
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
    EXPECT_THROW(store_calibration(directory_, numeric_format::float32, wrong, data, temperature_at_bound::store),
                 offramp::error);
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
           [&] {
             store_calibration(directory_, numeric_format::float32, fitted, data, temperature_at_bound::store);
           }}) {
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

}  // namespace store_calibration_test
