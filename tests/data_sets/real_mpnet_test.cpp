// SPDX-License-Identifier: Apache-2.0
// A whole real encoder, all-mpnet-base-v2, with exits of random heads, against transformers
// (tests/generators/mpnet_real_goldens.py). OFFRAMP_MPNET names its directory, which training/join_parts.py makes.
#include <offramp/offramp.hpp>
#include <offramp/tokenizer.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace real_mpnet_test {

namespace fs = std::filesystem;
using nlohmann::json;
using offramp::classifier;
using offramp::exit_output;
using offramp::numeric_format;

const fs::path goldens = fs::path(OFFRAMP_TEST_DATA) / "mpnet";

/// A directory of links to the encoder's files and to the exits beside the goldens.
class real_mpnet : public testing::Test {
 protected:
  void SetUp() override {
    const char* encoder = std::getenv("OFFRAMP_MPNET");
    if (encoder == nullptr) {
      GTEST_SKIP() << "OFFRAMP_MPNET is unset";
    }
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    for (const fs::path& source : {fs::absolute(encoder), goldens}) {
      for (const fs::directory_entry& file : fs::directory_iterator(source)) {
        if (file.is_regular_file() && file.path().filename() != "tokens.json") {
          fs::create_symlink(file.path(), directory_ / file.path().filename());
        }
      }
    }
  }

  void TearDown() override { fs::remove_all(directory_); }

  [[nodiscard]] classifier load(numeric_format format) const {
    return classifier::load(directory_, {.format = format});
  }

  const fs::path directory_ = fs::path(testing::TempDir()) / "offramp-real-mpnet";
};

/// How far the logits of all texts and exits are from the golden ones.
struct distance {
  double largest = 0.0;
  double mean = 0.0;
  double same_label = 0.0;  ///< share
};

std::ptrdiff_t best(const std::vector<float>& logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

distance distance_of(const classifier& model) {
  EXPECT_EQ(model.golden_texts().size(), 50U);
  distance result;
  double exits = 0.0;
  for (const offramp::golden_text& golden : model.golden_texts()) {
    const std::vector<exit_output> found = model.classify_every_exit(golden.first);
    for (std::size_t exit = 0; exit < found.size(); ++exit, ++exits) {
      const std::vector<float>& logits = found[exit].logits;
      for (std::size_t label = 0; label < logits.size(); ++label) {
        const double error =
            std::abs(static_cast<double>(logits[label]) - static_cast<double>(golden.logits[exit][label]));
        result.largest = std::max(result.largest, error);
        result.mean += error / static_cast<double>(logits.size());
      }
      result.same_label += best(logits) == best(golden.logits[exit]) ? 1.0 : 0.0;
    }
  }
  result.mean /= exits;
  result.same_label /= exits;
  std::cout << model.info().kernels << ": logits differ by " << result.mean << " on average, at most by "
            << result.largest << "; of " << exits << " labels " << result.same_label << " are the same\n";
  return result;
}

TEST_F(real_mpnet, tokenizes_as_transformers_does) {
  const auto tokens = offramp::tokenizer::load(std::getenv("OFFRAMP_MPNET"));
  std::ifstream file(goldens / "tokens.json");
  const json expected = json::parse(file);
  ASSERT_EQ(expected.size(), 50U);
  for (const json& entry : expected) {
    EXPECT_EQ(json(tokens.tokenize(entry["text"].get<std::string>()).ids), entry["ids"]) << entry["text"];
  }
}

TEST_F(real_mpnet, agrees_with_transformers_in_float32) {
  const distance found = distance_of(load(numeric_format::float32));
  EXPECT_LT(found.largest, 1e-4);
  EXPECT_LT(found.mean, 1e-5);  // also no NaN
}

// Heads of random numbers have no margins: their labels change where a trained head's would not.
TEST_F(real_mpnet, is_near_transformers_in_bfloat16_and_int8) {
  EXPECT_GT(distance_of(load(numeric_format::bfloat16)).same_label, 0.95);
  EXPECT_GT(distance_of(load(numeric_format::int8)).same_label, 0.85);
}

TEST_F(real_mpnet, answers_alike_alone_in_a_batch_and_on_every_schedule) {
  std::vector<std::string> texts;
  const classifier model = load(numeric_format::float32);
  for (const offramp::golden_text& golden : model.golden_texts()) {
    texts.push_back(golden.first);
  }
  std::vector<float> confidences;  // at the first exit, which half of the texts are to pass
  for (const offramp::prediction& first : model.classify_batch(texts, 0.0F)) {
    confidences.push_back(first.confidence);
  }
  std::sort(confidences.begin(), confidences.end());
  const offramp::exit_policy policy(confidences[confidences.size() / 2]);
  const auto together = model.classify_batch(texts, policy);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(model.classify(texts[i], policy), together[i]) << texts[i];
  }
  const classifier rows_first = classifier::load(directory_, {.schedule = offramp::schedule::cls_first});
  EXPECT_EQ(rows_first.classify_batch(texts, policy), together);
}

}  // namespace real_mpnet_test
