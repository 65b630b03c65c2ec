// SPDX-License-Identifier: Apache-2.0
// What the command makes of models that give any number of labels.
#include "json_output.hpp"
#include "process.hpp"

#include <offramp/offramp.hpp>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace cli_multi_label_test {

using namespace offramp_tests;
using offramp_cli::json;

class MultiLabelTest : public ::testing::Test {
 protected:
  /// Thirty texts with their own labels, all of which occur.
  [[nodiscard]] static std::string rows(int seed) {
    constexpr const char* labels[] = {"toxic", "toxic,insult", "", "threat", "insult,obscene", "toxic,threat,obscene"};
    constexpr const char* words[] = {"a good film", "bad plot", "never dull", "warm dogs", "the man runs", "not bad"};
    std::string all;
    for (int i = 0; i < 30; ++i) {
      all += std::string(labels[i % 6]) + '\t' + words[(i + seed) % 6] + ' ' +
             std::string(1, static_cast<char>('a' + i % 26)) + (i > 25 ? " z " : " ") + std::to_string(seed) + '\n';
    }
    return all;
  }

  scratch_directory directory_;
  std::string model_ = directory_.copy_of("multi-label-exits");
  std::string data_ = directory_.file("data.tsv", rows(1));
};

TEST_F(MultiLabelTest, WritesLabelsAsAList) {
  const offramp::classifier model = offramp::classifier::load(model_);
  const process_result found =
      run_offramp({"classify", "--model", model_, "--full-depth", "--trace", "--json"}, "a good film\nbad\n");
  ASSERT_EQ(found.status, 0) << found.err;
  const std::string first = found.out.substr(0, found.out.find('\n'));
  const json line = json::parse(first);
  const offramp::prediction expected = model.classify("a good film", offramp::exit_policy::full_depth());
  std::vector<std::string> names;
  for (const int label : expected.label_ids) {
    names.push_back(model.labels()[static_cast<std::size_t>(label)]);
  }
  EXPECT_EQ(line["labels"].get<std::vector<std::string>>(), names);
  EXPECT_EQ(line["label_ids"].get<std::vector<int>>(), expected.label_ids);
  EXPECT_FALSE(line.contains("label"));
  EXPECT_EQ(line["confidence"].get<float>(), expected.confidence);
  EXPECT_EQ(line["exits"].size(), 3U);
  EXPECT_TRUE(line["exits"][0]["labels"].is_array());
}

TEST_F(MultiLabelTest, WritesLabelsWithCommasInColumns) {
  const offramp::prediction expected = offramp::classifier::load(model_).classify("a good film");
  const process_result found = run_offramp({"classify", "--model", model_}, "a good film\n");
  EXPECT_EQ(found.out.substr(0, found.out.find('\t')), expected.label);
}

TEST_F(MultiLabelTest, SaysSoWhenInspected) {
  EXPECT_NE(run_offramp({"inspect", model_})
                .out.find("multi-label     each label is given where its probability is "
                          "above 0.5, 0.25, 0.5, 0.75"),
            std::string::npos);
  const json line = json::parse(run_offramp({"inspect", model_, "--json"}).out);
  EXPECT_EQ(line["cuts"].get<std::vector<float>>(), (std::vector<float>{0.5F, 0.25F, 0.5F, 0.75F}));
  EXPECT_EQ(run_offramp({"verify", model_}).status, 0);
}

TEST_F(MultiLabelTest, CalibratesCertifiesAndEvaluates) {
  const process_result calibrated =
      run_offramp({"calibrate", "--model", model_, "--data", data_, "--accept-bound", "--json"});
  ASSERT_EQ(calibrated.status, 0) << calibrated.err;
  EXPECT_EQ(offramp::classifier::load(model_).cuts(), (std::vector<float>{0.5F, 0.25F, 0.5F, 0.75F}));
  const std::string other = directory_.file("other.tsv", rows(2));
  const process_result certified =
      run_offramp({"certify", "--model", model_, "--data", other, "--epsilon", "0.4", "--json"});
  ASSERT_EQ(certified.status, 0) << certified.err;
  const process_result found =
      run_offramp({"evaluate", "--model", model_, "--data", other, "--certified", "0.4", "--json"});
  ASSERT_EQ(found.status, 0) << found.err;
  const json line = json::parse(found.out);
  const json promise = json::parse(certified.out);
  EXPECT_EQ(line["disagreement"]["texts"], promise["certified"]["losses"]);
  EXPECT_TRUE(line["early"].contains("micro_f1"));
  EXPECT_TRUE(line["confusion"].empty());
  const process_result text = run_offramp({"evaluate", "--model", model_, "--data", other, "--threshold", "0.6"});
  ASSERT_EQ(text.status, 0) << text.err;
  for (const char* const part : {"subset acc. ", "micro F1 ", "otherwise ", "  toxic: "}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part << " in\n" << text.out;
  }
}

TEST_F(MultiLabelTest, DrawsACurve) {
  const std::string out = directory_.path() / "report";
  const process_result found =
      run_offramp({"curve", "--model", model_, "--data", data_, "--out", out, "--rounds", "0", "--pick", "loss:5"});
  ASSERT_EQ(found.status, 0) << found.err;
  EXPECT_NE(run_offramp({"curve", "--model", model_, "--data", data_, "--out", out, "--rule", "margin"}).status, 0);
}

TEST_F(MultiLabelTest, RefusesRulesAndThresholdsForExclusiveLabels) {
  const process_result margin =
      run_offramp({"classify", "--model", model_, "--rule", "margin", "--threshold", "0.5"}, "a film\n");
  EXPECT_EQ(margin.status, 2);
  EXPECT_NE(margin.err.find("the rule is margin"), std::string::npos) << margin.err;
  const process_result per_label =
      run_offramp({"certify", "--model", model_, "--data", data_, "--epsilon", "0.4", "--thresholds", "per-label",
                   "--shape-data", directory_.file("shape.tsv", rows(3))});
  EXPECT_EQ(per_label.status, 2);
  EXPECT_NE(per_label.err.find("exclude each other"), std::string::npos) << per_label.err;
}

TEST_F(MultiLabelTest, FitsExitsToACheckpoint) {
  const std::string checkpoint = directory_.copy_of("multi-label");
  const std::string out = directory_.path() / "fitted";
  const process_result found =
      run_offramp({"fit", "--model", checkpoint, "--train", data_, "--dev", directory_.file("dev.tsv", rows(2)),
                   "--out", out, "--layers", "0,1", "--cuts", "0.5,0.4,0.5,0.6"});
  ASSERT_EQ(found.status, 0) << found.err;
  const offramp::classifier model = offramp::classifier::load(out);
  EXPECT_EQ(model.cuts(), (std::vector<float>{0.5F, 0.4F, 0.5F, 0.6F}));
  EXPECT_EQ(model.exits().size(), 3U);
  const std::vector<std::string> refused[] = {
      {"--mix", "learned"}, {"--class-weights", "balanced"}, {"--cuts", "0.5,0.5"}, {"--cuts", "0,0.5,0.5,0.5"}};
  for (const std::vector<std::string>& options : refused) {
    std::vector<std::string> given = {"fit",   "--model", checkpoint, "--train", data_,
                                      "--dev", data_,     "--out",    out + "2"};
    given.insert(given.end(), options.begin(), options.end());
    EXPECT_EQ(run_offramp(given).status, 2) << options[0];
  }
}

TEST_F(MultiLabelTest, KeepsAClassifierOfOneOutputAsTwoLabels) {
  const std::string model = directory_.copy_of("one-logit");
  const offramp::exit_output before = offramp::classifier::load(model).classify_every_exit("a good film").back();
  const std::string data = directory_.file("spam.tsv", "spam\ta good film\nnot spam\tbad plot\nspam\tdull\nspam\tb\n");
  const process_result found = run_offramp({"calibrate", "--model", model, "--data", data, "--accept-bound"});
  ASSERT_EQ(found.status, 0) << found.err;
  const offramp::classifier after = offramp::classifier::load(model);
  EXPECT_EQ(after.labels(), (std::vector<std::string>{"not spam", "spam"}));
  EXPECT_EQ(after.classify_every_exit("a good film").back().logits, before.logits);
}

TEST_F(MultiLabelTest, FitsExitsToTheCheckpointsOwnAnswers) {
  const std::string checkpoint = directory_.copy_of("multi-label");
  const std::string out = directory_.path() / "fitted";
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    lines += "a film " + std::to_string(i * 7919 % 1000) + (i % 2 == 0 ? " good\n" : " bad dogs\n");
  }
  const process_result found =
      run_offramp({"fit", "--model", checkpoint, "--texts", directory_.file("texts.txt", lines), "--certify", "0.3",
                   "--out", out, "--layers", "1"});
  ASSERT_EQ(found.status, 0) << found.err;
  const offramp::classifier model = offramp::classifier::load(out);
  EXPECT_FALSE(model.cuts().empty());
  EXPECT_TRUE(model.certified(0.3).has_value());
}

}  // namespace cli_multi_label_test
