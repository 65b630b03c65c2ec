// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/exits/writer.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace exits_writer_test {

using namespace offramp::model;

exits_file read(const offramp_tests::memory_model& model) {
  const file_set files = model.set();
  return read_exits_file(files, read_config(files)).value();
}

std::string rewritten(offramp_tests::memory_model& model) {
  return write_exits_json(read(model), sha256_hex(model["exits.safetensors"]));
}

class ExitsWriterTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ExitsWriterTest, ReadingWhatWasWrittenGivesItBack) {
  auto model = offramp_tests::memory_model::copy_of(GetParam());
  const std::string once = rewritten(model);
  // Content is compared as JSON: the original may be laid out in another way or name defaults.
  model["exits.json"] = once;
  EXPECT_EQ(rewritten(model), once);
}

TEST_P(ExitsWriterTest, LosesNothing) {
  auto model = offramp_tests::memory_model::copy_of(GetParam());
  nlohmann::json original = nlohmann::json::parse(model["exits.json"]);
  const nlohmann::json written = nlohmann::json::parse(rewritten(model));
  for (const auto& [key, value] : original.items()) {
    if (key != "exits" && key != "golden") {
      EXPECT_EQ(written[key], value) << key;
    }
  }
  EXPECT_EQ(written["golden"].size(), original.contains("golden") ? original["golden"].size() : 0);
}

INSTANTIATE_TEST_SUITE_P(Models, ExitsWriterTest,
                         ::testing::Values("tiny", "tiny-i8", "tiny-mix", "tiny-pair", "berxit-exits"));

exits_file everything() {
  exits_file content;
  content.labels = {"a", "b"};
  content.input = offramp::input_kind::pair;
  content.pretokenizer = offramp::text::pretokenizer::whitespace;
  content.max_tokens = 16;
  content.exits.resize(2);
  content.exits[0] = {.layer = 1,
                      .pooling = pooling::mean,
                      .pooler = pooler::shared,
                      .pooler_activation = offramp::nn::epilogue::relu,
                      .mix = true,
                      .temperature = {0.9F, 1.1F, 1.3F}};
  content.exits[1] = {.layer = 2,
                      .pooling = pooling::mean,
                      .pooler = pooler::own,
                      .pooler_activation = offramp::nn::epilogue::gelu_tanh,
                      .pooler_norm = true,
                      .previous_logits = true};
  content.has_gate = true;
  content.default_policy = policy_description{.rule = policy_rule::patience_entropy,
                                              .threshold = 0.3F,
                                              .decline = 0,
                                              .exit_thresholds = {},
                                              .class_thresholds = {},
                                              .patience = 2,
                                              .max_layer = 2};
  const std::string digest(64, 'a');
  content.calibration = {
      {offramp::numeric_format::int8, digest, 100, {{0.7F, 0.6F, 0.05F, 0.02F}, {0.5F, 0.4F, 0.03F, 0.01F}}}};
  content.certificates = {{offramp::numeric_format::float32,
                           offramp::certified_loss::disagreement,
                           0.01,
                           0.05,
                           5000,
                           digest,
                           16,
                           {1, 2},
                           {}}};
  content.certificates[0].scope = offramp::certified_scope::every_exit;
  content.certificates[0].looks = 3;
  content.certificates[0].policy.rule = policy_rule::per_class;
  content.certificates[0].policy.class_thresholds = {{0.9F, 0.8F}, {0.7F, 0.6F}};
  content.golden = {{"p", "h", {{0.1F, -0.1F}, {1e-7F, 3.0F}}}};
  return content;
}

TEST(ExitsWriter, WritesEveryField) {
  offramp_tests::memory_model model = offramp_tests::memory_model::copy_of("tiny-pair");
  nlohmann::json config = nlohmann::json::parse(model["config.json"]);
  for (const char* key : {"id2label", "label2id", "num_labels"}) {
    config.erase(key);
  }
  model["config.json"] = config.dump();
  const exits_file content = everything();
  const std::string text = write_exits_json(content, sha256_hex(model["exits.safetensors"]));
  model["exits.json"] = text;
  const exits_file found = read(model);
  EXPECT_EQ(write_exits_json(found, sha256_hex(model["exits.safetensors"])), text);
  EXPECT_EQ(found.exits[0].temperature.float32, 0.9F);
  EXPECT_EQ(found.exits[0].pooler_activation, offramp::nn::epilogue::relu);
  EXPECT_EQ(found.exits[1].pooler_activation, offramp::nn::epilogue::gelu_tanh);
  EXPECT_TRUE(found.exits[1].pooler_norm);
  EXPECT_EQ(found.exits[1].previous_logits, true);
  EXPECT_TRUE(found.has_gate);
  EXPECT_EQ(found.default_policy->patience, 2);
  EXPECT_EQ(found.certificates[0].scope, offramp::certified_scope::every_exit);
  EXPECT_EQ(found.certificates[0].looks, 3);
  EXPECT_EQ(found.certificates[0].policy.class_thresholds, content.certificates[0].policy.class_thresholds);
  EXPECT_EQ(found.golden[0].logits, content.golden[0].logits);
  EXPECT_NE(text.find("\"float32\": 0.9,"), std::string::npos) << "written as a person would";
}

TEST(ExitsWriter, WritesEveryRuleOfAPolicy) {
  for (const policy_description& policy :
       {policy_description{.rule = policy_rule::confidence, .threshold = 0.5F},
        policy_description{.rule = policy_rule::declining, .threshold = 0.75F, .decline = 0.25F},
        policy_description{.rule = policy_rule::per_exit, .exit_thresholds = {0.5F, 0.25F}},
        policy_description{.rule = policy_rule::patience, .patience = 3},
        policy_description{.rule = policy_rule::entropy, .threshold = 0.125F, .max_layer = 2}}) {
    offramp_tests::memory_model model = offramp_tests::memory_model::copy_of("tiny-pair");
    exits_file content = read(model);
    content.default_policy = policy;
    model["exits.json"] = write_exits_json(content, sha256_hex(model["exits.safetensors"]));
    const policy_description found = read(model).default_policy.value();
    EXPECT_EQ(found.rule, policy.rule);
    EXPECT_EQ(found.threshold, policy.threshold);
    EXPECT_EQ(found.decline, policy.decline);
    EXPECT_EQ(found.exit_thresholds, policy.exit_thresholds);
    EXPECT_EQ(found.patience, policy.patience);
    EXPECT_EQ(found.max_layer, policy.max_layer);
  }
}

TEST(ExitsWriter, WritesNGramsInPlaceOfAPooler) {
  exits_file content = everything();
  content.exits[0] = {.layer = 0, .ngrams = offramp::exits::ngram_shape{3, 10}};
  const auto exit = nlohmann::json::parse(write_exits_json(content, std::string(64, '0')))["exits"][0];
  EXPECT_EQ(exit["ngrams"], (nlohmann::json{{"longest", 3}, {"bucket_bits", 10}}));
  EXPECT_FALSE(exit.contains("pooler"));
}

TEST(ExitsWriter, WritesNGramWeightsWhereThereAreSome) {
  exits_file content = everything();
  content.exits[1].ngram_weight = 0.25F;
  const auto exits = nlohmann::json::parse(write_exits_json(content, std::string(64, '0')))["exits"];
  EXPECT_FALSE(exits[0].contains("ngram_weight"));
  EXPECT_EQ(exits[1]["ngram_weight"], 0.25);
}

TEST_P(ExitsWriterTest, HeadsAreDescribedAsTheyAreStored) {
  const auto model = offramp_tests::memory_model::copy_of(GetParam());
  const file_set files = model.set();
  const config shape = read_config(files);
  const exit_plan plan = plan_described_exits(read_exits_file(files, shape).value());
  const checkpoint stored = open_exits(files, plan.description);
  const std::vector<named_tensor> described = describe_tensors(plan, stored, shape);
  for (const named_tensor& tensor : described) {
    EXPECT_EQ(stored.read(tensor.name, tensor.shape), tensor.values) << tensor.name;
  }
  std::size_t weights = 0;  // a matrix of I8 and its scales are one
  for (const std::string& name : stored.names()) {
    weights += name.ends_with(".scale") ? 0U : 1U;
  }
  EXPECT_EQ(described.size(), weights);
}

TEST(ExitsWriter, LaysItselfOutAsNlohmannDoes) {
  const std::string text = write_exits_json(everything(), std::string(64, '0'));
  EXPECT_EQ(nlohmann::ordered_json::parse(text).dump(1) + "\n", text);
}

TEST(ExitsWriter, RefusesTextThatIsNotUtf8) {
  exits_file content = everything();
  content.labels[0] = "\xff";
  EXPECT_THROW(static_cast<void>(write_exits_json(content, std::string(64, '0'))), offramp::error);
}

}  // namespace exits_writer_test
