// SPDX-License-Identifier: Apache-2.0
// Checkpoints without exits.json that calibration gives one: apart from its temperatures nothing may change. Compiled
// once against each target.
#include <offramp/offramp.hpp>
#include <offramp/study/calibration.hpp>
#include <offramp/study/certifiable_texts.hpp>
#include <offramp/study/certification.hpp>

#include <gtest/gtest.h>

#include "golden_texts.hpp"
#include "model_in_memory.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace calibrated_checkpoints_test {

namespace study = offramp::study;
using nlohmann::json;
using offramp::classifier;
using offramp::exit_output;
using offramp::exit_policy;
using offramp::golden_text;
using offramp::load_options;
using offramp::numeric_format;
using offramp_tests::read_file;
using offramp_tests::read_golden_texts;
using offramp_tests::tiny_directory;

class calibrated : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::path(testing::TempDir()) / ("calibrated-" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    std::filesystem::copy(tiny_directory(GetParam()), directory_, std::filesystem::copy_options::recursive);
    for (const golden_text& golden : read_golden_texts(GetParam())) {
      texts_.push_back(golden.first);
    }
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  /// The texts with labels in turn.
  [[nodiscard]] study::dataset data(std::size_t num_labels) const {
    study::dataset labelled{"made up", std::string(64, 'c'), {}};
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      labelled.texts.push_back({texts_[i], {}, static_cast<int>(i % num_labels), i + 1});
    }
    return labelled;
  }

  study::calibration calibrate(const classifier& model) const {
    const study::dataset labelled = data(model.labels().size());
    study::calibration fitted = study::calibrate(compute_exit_logits(model, labelled), model.default_policy(),
                                                 study::read_previous_logit_weights(directory_));
    store_calibration(directory_, model.format(), fitted, labelled, study::temperature_at_bound::store);
    return fitted;
  }

  [[nodiscard]] std::vector<std::vector<exit_output>> every_exit(const classifier& model) const {
    return model.classify_batch_every_exit(texts_);
  }

  [[nodiscard]] json exits() const { return json::parse(read_file(directory_ / "exits.json")); }
  void replace_exits(const json& content) const { std::ofstream(directory_ / "exits.json") << content; }

  std::filesystem::path directory_;
  std::vector<std::string> texts_;
};

TEST_P(calibrated, checkpoints_get_temperatures_and_keep_their_files) {
  const classifier before = classifier::load(directory_);
  const study::calibration fitted = calibrate(before);
  const classifier after = classifier::load(directory_);
  ASSERT_EQ(after.exits().size(), before.exits().size());
  for (std::size_t exit = 0; exit < fitted.exits.size(); ++exit) {
    EXPECT_EQ(after.exits()[exit].layer, before.exits()[exit].layer);
    EXPECT_EQ(after.exits()[exit].temperature, fitted.exits[exit].temperature);
  }
  EXPECT_TRUE(after.info().warnings.empty());
  EXPECT_EQ(after.labels(), before.labels());
  EXPECT_EQ(after.max_tokens(), before.max_tokens());
  EXPECT_EQ(after.default_policy(), before.default_policy());
  EXPECT_EQ(after.expected_input(), offramp::input_kind::single);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tiny_directory(GetParam()))) {
    if (entry.is_regular_file()) {
      const auto name = entry.path().lexically_relative(tiny_directory(GetParam()));
      EXPECT_EQ(read_file(directory_ / name), read_file(entry.path())) << name;
    }
  }
  const std::string once = read_file(directory_ / "exits.json");
  calibrate(before);
  EXPECT_EQ(read_file(directory_ / "exits.json"), once) << "temperatures start from scratch";
}

TEST_P(calibrated, answer_bit_for_bit_as_before_at_the_temperatures_of_before) {
  const classifier before = classifier::load(directory_);
  calibrate(before);
  json content = exits();
  for (json& exit : content["exits"]) {
    exit.erase("temperature");
  }
  replace_exits(content);
  EXPECT_EQ(every_exit(classifier::load(directory_)), every_exit(before));
#if !defined(OFFRAMP_HEADER_ONLY)
  for (const numeric_format format : {numeric_format::bfloat16, numeric_format::int8}) {
    load_options options;
    options.format = format;
    EXPECT_EQ(every_exit(classifier::load(directory_, options)),
              every_exit(classifier::load(tiny_directory(GetParam()), options)));
  }
#endif
}

TEST_P(calibrated, checkpoints_can_be_certified_at_once) {
  const classifier model = classifier::load(directory_);
  const study::dataset labelled = study::select_certifiable({}, data(model.labels().size())).texts;
  const study::replay replayed(compute_exit_logits(model, labelled));
  const auto found = study::certify(replayed, study::threshold_path(), offramp::certified_loss::disagreement, 0.5, 0.5);
  study::store_certificate(directory_, model, found, labelled);
  EXPECT_EQ(classifier::load(directory_).certified(0.5), found.certified->policy);
  EXPECT_EQ(every_exit(classifier::load(directory_)), every_exit(model));
}

std::string name_of(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(published, calibrated,
                         testing::Values("published-right-tool", "published-right-tool-plain", "published-sweet",
                                         "published-deebert", "published-deebert-roberta", "published-berxit",
                                         "published-pabee", "published-pcee-albert", "published-elasticbert"),
                         name_of);
INSTANTIATE_TEST_SUITE_P(plain, calibrated,
                         testing::Values("family-bert", "family-albert", "family-distilbert", "family-electra",
                                         "family-roberta", "family-mpnet", "family-deberta", "family-modernbert",
                                         "family-modernbert-mean"),
                         name_of);

using calibrated_gate = calibrated;

TEST_P(calibrated_gate, decides_as_the_systems_own_code) {
  calibrate(classifier::load(directory_));
  EXPECT_TRUE(exits()["gate"]);
  const classifier model = classifier::load(directory_);
  const json document = json::parse(read_file(tiny_directory(GetParam()) / "golden.json"));
  int asked = 0;
  for (const json& decision : document.at("decisions")) {
    if (decision.at("rule") != "learned") {
      continue;
    }
    ++asked;
    const auto found = model.classify_batch(texts_, exit_policy::learned(decision.at("threshold")));
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      EXPECT_EQ((std::pair<int, int>(found[i].layer, found[i].label_id)),
                (decision.at("answers").at(i).get<std::pair<int, int>>()))
          << texts_[i];
    }
  }
  EXPECT_EQ(asked, 3);
}

INSTANTIATE_TEST_SUITE_P(published, calibrated_gate, testing::Values("published-berxit"), name_of);

}  // namespace calibrated_checkpoints_test
