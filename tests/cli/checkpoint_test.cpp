// SPDX-License-Identifier: Apache-2.0
// A published checkpoint with a learned gate, from its own files to a certified threshold.
#include "json_output.hpp"
#include "process.hpp"

#include <offramp/offramp.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace cli_checkpoint_test {

using namespace offramp_tests;
using offramp_cli::json;

const char* const texts = "a good film\nnever dull\nthe plot is bad\ndogs\nwarm, warm, warm\nthe actor is not good\n";

class checkpoint : public testing::Test {
 protected:
  /// The texts in four forms, labelled as the last exit answers.
  checkpoint() {
    std::string labelled;
    const offramp::classifier model = offramp::classifier::load(model_);
    for (std::size_t round = 0; round < 4; ++round) {
      for (const std::string& line : lines_of(texts)) {
        const std::string text = line + std::string(round, '!');
        labelled += model.classify(text, offramp::exit_policy::full_depth()).label + "\t" + text + "\n";
      }
    }
    data_ = directory_.file("data.tsv", labelled);
  }

  [[nodiscard]] std::string classify(const arguments& more) const {
    arguments given{"classify", "--model", model_};
    given.insert(given.end(), more.begin(), more.end());
    return run_offramp(given, texts).out;
  }

  scratch_directory directory_;
  std::string model_ = directory_.copy_of("published-berxit");
  std::string data_;
};

TEST(checkpoint_without_classifier, is_tokenized_and_inspected) {
  const std::string model = std::string(OFFRAMP_TEST_DATA) + "/checkpoints/17-ner-with-pooler";
  const process_result tokens = run_offramp({"tokenize", "--model", model, "[SEP]"});
  EXPECT_EQ(tokens.status, 0) << tokens.err;
  EXPECT_EQ(tokens.out, "2 3 3\t0 0 0\t[CLS] [SEP] [SEP]\n");
  const process_result encoder = run_offramp({"inspect", model});
  EXPECT_EQ(encoder.status, 0) << encoder.err;
  EXPECT_NE(encoder.out.find("exits           none"), std::string::npos) << encoder.out;
  EXPECT_NE(encoder.out.find("offramp fit"), std::string::npos) << encoder.out;
  EXPECT_EQ(json::parse(run_offramp({"inspect", "--json", model}).out)["exits"], json::array());
  const process_result answer = run_offramp({"classify", "--model", model, "a"});
  EXPECT_EQ(answer.status, 1);
  EXPECT_NE(answer.err.find("offramp fit"), std::string::npos) << answer.err;
}

TEST_F(checkpoint, is_calibrated_in_its_own_directory) {
  const auto layers = [](const std::string& out) {
    std::vector<int> found;
    for (const std::string& line : lines_of(out)) {
      found.push_back(json::parse(line)["layer"].get<int>());
    }
    return found;
  };
  const arguments by_gate = {"--rule", "learned", "--threshold", "0.4", "--json"};
  const std::vector<int> before = layers(classify(by_gate));
  const process_result found = run_offramp({"calibrate", "--model", model_, "--data", data_, "--accept-bound"});
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_TRUE(json::parse(directory_.content("published-berxit/exits.json"))["gate"]);
  EXPECT_EQ(layers(classify(by_gate)), before);
  EXPECT_EQ(json::parse(run_offramp({"inspect", "--json", model_}).out)["warnings"], json::array());
}

TEST_F(checkpoint, gets_a_certified_threshold_of_its_gate) {
  const process_result found = run_offramp({"certify", "--model", model_, "--rule", "learned", "--data", data_,
                                            "--epsilon", "0.4", "--delta", "0.2", "--json"});
  ASSERT_EQ(found.status, 0) << found.err;
  const json certified = json::parse(found.out)["certified"];
  EXPECT_EQ(certified["rule"], "learned");
  EXPECT_EQ(classify({"--certified", "0.4"}),
            classify({"--rule", "learned", "--threshold", std::to_string(certified["threshold"].get<double>())}));
  EXPECT_LT(certified["mean_layer"].get<double>(), 4.0);
}

TEST_F(checkpoint, has_a_curve_over_its_gate) {
  const process_result found = run_offramp({"curve", "--model", model_, "--rule", "learned", "--data", data_, "--out",
                                            directory_.path() / "out", "--rounds", "0", "--pick", "speedup:2"});
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_NE(directory_.content("out/report.html").find("learned gate"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(model_ + "/exits.json"));
}

TEST_F(checkpoint, tells_what_the_gate_said) {
  for (const std::string& line : lines_of(classify({"--trace", "--json", "--full-depth"}))) {
    for (const json& exit : json::parse(line)["exits"]) {
      EXPECT_GT(exit["uncertainty"].get<float>(), 0.0F);
      EXPECT_LT(exit["uncertainty"].get<float>(), 1.0F);
    }
  }
}

TEST_F(checkpoint, of_pairs_says_so_by_an_option) {
  const std::string pairs = directory_.file("pairs.tsv", "dull\ta film\ta dog\nwarm\tgood\tnever\nfair\tbad\twarm\n");
  EXPECT_EQ(run_offramp({"calibrate", "--model", model_, "--data", pairs}).status, 1);
  const process_result found =
      run_offramp({"calibrate", "--model", model_, "--data", pairs, "--input-kind", "pair", "--accept-bound"});
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_EQ(offramp::classifier::load(model_).expected_input(), offramp::input_kind::pair);
}

TEST(gate, is_missed_before_the_data_are_read) {
  for (const arguments& more : {arguments{"certify", "--epsilon", "0.1"}, arguments{"curve", "--out", "nowhere"}}) {
    arguments given = {more[0], "--model", tiny("tiny"), "--rule", "learned", "--data", "/does/not/exist"};
    given.insert(given.end(), more.begin() + 1, more.end());
    const process_result found = run_offramp(given);
    EXPECT_EQ(found.status, 2);
    EXPECT_NE(found.err.find("the model has no gate"), std::string::npos) << found.err;
  }
}

TEST(gate, has_one_threshold) {
  const process_result found = run_offramp({"certify", "--model", tiny("berxit-exits"), "--rule", "learned", "--data",
                                            "x", "--epsilon", "0.1", "--thresholds", "per-exit", "--shape-data", "y"});
  EXPECT_EQ(found.status, 2);
  EXPECT_NE(found.err.find("one threshold for all"), std::string::npos) << found.err;
}

}  // namespace cli_checkpoint_test
