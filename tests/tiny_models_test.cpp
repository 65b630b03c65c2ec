// SPDX-License-Identifier: Apache-2.0
// Tiny models of every kind, and what PyTorch computed with them (tests/generators/tiny_models.py); compiled once
// against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tiny_models_test {

using offramp::classifier;
using offramp::exit_output;
using offramp::exit_policy;
using offramp::golden_text;
using offramp_tests::model_in_memory;
using offramp_tests::read_file;
using offramp_tests::tiny_directory;

class tiny_models : public testing::TestWithParam<const char*> {};

/// The model's own golden texts; the plain model has no file for them and keeps its beside.
std::vector<golden_text> golden_texts(const std::string& name, const classifier& model) {
  if (name != "tiny-plain") {
    return model.golden_texts();
  }
  std::vector<golden_text> texts;
  const auto document = nlohmann::json::parse(read_file(tiny_directory(name) / "golden.json"));
  for (const auto& entry : document.at("golden")) {
    texts.push_back({entry.at("text"), {}, entry.at("logits").get<std::vector<std::vector<float>>>()});
  }
  return texts;
}

std::vector<exit_output> every_exit(const classifier& model, const golden_text& golden) {
  return golden.second ? model.classify_every_exit(offramp::sentence_pair{golden.first, *golden.second})
                       : model.classify_every_exit(golden.first);
}

/// softmax of the logits over the temperature, the short way.
float probability(const std::vector<float>& logits, float temperature, std::size_t label) {
  double sum = 0;
  for (const float logit : logits) {
    sum += std::exp(static_cast<double>(logit - logits[label]) / static_cast<double>(temperature));
  }
  return static_cast<float>(1 / sum);
}

TEST_P(tiny_models, agree_with_pytorch_at_every_exit) {
  const classifier model = classifier::load(tiny_directory(GetParam()));
  const std::vector<golden_text> texts = golden_texts(GetParam(), model);
  ASSERT_GE(texts.size(), 4U);
  for (const golden_text& golden : texts) {
    SCOPED_TRACE(golden.first);
    const std::vector<exit_output> exits = every_exit(model, golden);
    ASSERT_EQ(exits.size(), golden.logits.size());
    ASSERT_EQ(exits.size(), model.exits().size());
    for (std::size_t j = 0; j < exits.size(); ++j) {
      ASSERT_EQ(exits[j].logits.size(), model.labels().size());
      ASSERT_EQ(golden.logits[j].size(), model.labels().size());
      for (std::size_t label = 0; label < model.labels().size(); ++label) {
        EXPECT_NEAR(exits[j].logits[label], golden.logits[j][label], 1e-4F) << "exit " << j;
        EXPECT_NEAR(exits[j].answer.probabilities[label],
                    probability(golden.logits[j], model.exits()[j].temperature, label), 1e-4F);
      }
      EXPECT_EQ(exits[j].answer.layer, model.exits()[j].layer);
    }
  }
}

TEST_P(tiny_models, are_the_same_from_memory) {
  const classifier from_disk = classifier::load(tiny_directory(GetParam()));
  const classifier from_memory = model_in_memory(GetParam()).load();
  for (const golden_text& golden : golden_texts(GetParam(), from_disk)) {
    EXPECT_EQ(every_exit(from_memory, golden), every_exit(from_disk, golden));
  }
}

TEST_P(tiny_models, answer_alike_alone_and_in_a_batch) {
  const classifier model = classifier::load(tiny_directory(GetParam()));
  std::vector<std::string> texts;
  for (const golden_text& golden : golden_texts(GetParam(), model)) {
    texts.push_back(golden.first);
  }
  for (const exit_policy& policy : {exit_policy(0.6F), exit_policy::patience(1), model.default_policy()}) {
    const std::vector<offramp::prediction> together = model.classify_batch(texts, policy);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(together[i], model.classify(texts[i], policy));
    }
  }
}

std::string name_of(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  for (char& c : name) {
    c = c == '-' ? '_' : c;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(all, tiny_models,
                         testing::Values("tiny", "tiny-pair", "tiny-mix", "tiny-i8", "tiny-sharded", "tiny-plain"),
                         name_of);

TEST(tiny, says_what_its_files_say) {
  const classifier model = classifier::load(tiny_directory("tiny"));
  EXPECT_EQ(model.labels(), (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(model.num_layers(), 3);
  EXPECT_EQ(model.max_tokens(), 24);
  EXPECT_EQ(model.expected_input(), offramp::input_kind::single);
  EXPECT_EQ(model.default_policy(), exit_policy(0.6F));
  EXPECT_EQ(model.exits(), (std::vector<offramp::exit_info>{{1, 1.5F}, {2, 0.8F}, {3, 2.25F}}));
  EXPECT_TRUE(model.info().warnings.empty());
}

TEST(tiny_pair, keeps_its_policy_per_class) {
  const classifier model = classifier::load(tiny_directory("tiny-pair"));
  EXPECT_EQ(model.expected_input(), offramp::input_kind::pair);
  EXPECT_EQ(model.default_policy(), exit_policy::per_class({{0.9F, 0.8F, 0.7F}, {0, 0, 0}}).with_max_layer(3));
}

TEST(tiny_sharded, warns_of_a_missing_temperature) {
  const classifier model = classifier::load(tiny_directory("tiny-sharded"));
  EXPECT_EQ(model.exits()[1].temperature, 1.0F);
  ASSERT_EQ(model.info().warnings.size(), 1U);
  EXPECT_NE(model.info().warnings[0].find("layer 2"), std::string::npos);
}

TEST(tiny_plain, has_one_exit_at_the_last_layer) {
  const classifier model = classifier::load(tiny_directory("tiny-plain"));
  EXPECT_EQ(model.exits(), (std::vector<offramp::exit_info>{{2, 1.0F}}));
  EXPECT_EQ(model.labels(), (std::vector<std::string>{"dull", "fair", "warm"}));
  EXPECT_EQ(model.max_tokens(), 32);
  EXPECT_EQ(model.expected_input(), std::nullopt);
  EXPECT_EQ(model.default_policy(), exit_policy::full_depth());
}

}  // namespace tiny_models_test
