// SPDX-License-Identifier: Apache-2.0
// Checkpoints with the names of the published early-exit systems, and where a plain transcription of each system's rule
// leaves (tests/generators/published_models.py); compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "golden_texts.hpp"
#include "model_damage.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace published_test {

using nlohmann::json;
using offramp::classifier;
using offramp::error;
using offramp::error_kind;
using offramp::exit_policy;
using offramp::golden_text;
using offramp::load_options;
using offramp::numeric_format;
using offramp::prediction;
using offramp_tests::change_tensors;
using offramp_tests::damage;
using offramp_tests::every_exit;
using offramp_tests::expect_damage_found;
using offramp_tests::expect_logits;
using offramp_tests::model_in_memory;
using offramp_tests::read_file;
using offramp_tests::read_golden_texts;
using offramp_tests::rename_tensor;
using offramp_tests::reshape;
using offramp_tests::tensor_file;
using offramp_tests::tiny_directory;

exit_policy policy_of(const json& stored) {
  const std::string rule = stored.at("rule");
  if (rule == "patience") {
    return exit_policy::patience(stored.at("patience"));
  }
  const float threshold = stored.at("threshold");
  return rule == "patience_entropy" ? exit_policy::patience_entropy(threshold, stored.at("patience"))
         : rule == "entropy"        ? exit_policy::entropy(threshold)
         : rule == "learned"        ? exit_policy::learned(threshold)
                                    : exit_policy(threshold);
}

struct system {
  const char* name;
  std::vector<int> layers;  // of its exits
  exit_policy by_default;
};

void PrintTo(const system& example, std::ostream* stream) { *stream << example.name; }

class published : public testing::TestWithParam<system> {
 protected:
  [[nodiscard]] std::string name() const { return std::string("published-") + GetParam().name; }
};

TEST_P(published, have_the_exits_and_logits_of_their_own_code) {
  const classifier model = classifier::load(tiny_directory(name()));
  std::vector<int> layers;
  for (const offramp::exit_info& exit : model.exits()) {
    layers.push_back(exit.layer);
    EXPECT_EQ(exit.temperature, 1.0F);
  }
  EXPECT_EQ(layers, GetParam().layers);
  EXPECT_EQ(model.info().warnings.size(), layers.size()) << "no temperature is stored";
  EXPECT_EQ(model.labels(), (std::vector<std::string>{"dull", "fair", "warm"}));
  for (const golden_text& golden : read_golden_texts(name())) {
    expect_logits(every_exit(model, golden), golden, 1e-4F);
  }
}

TEST_P(published, leave_where_a_plain_transcription_of_each_rule_leaves) {
  const classifier model = classifier::load(tiny_directory(name()));
  std::vector<std::string> texts;
  for (const golden_text& golden : read_golden_texts(name())) {
    texts.push_back(golden.first);
  }
  const json document = json::parse(read_file(tiny_directory(name()) / "golden.json"));
  for (const json& decision : document.at("decisions")) {
    SCOPED_TRACE(decision.dump());
    const std::vector<prediction> found = model.classify_batch(texts, policy_of(decision));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ((std::pair<int, int>(found[i].layer, found[i].label_id)),
                (decision.at("answers").at(i).get<std::pair<int, int>>()))
          << texts[i];
      EXPECT_EQ(model.classify(texts[i], policy_of(decision)), found[i]);
    }
  }
}

TEST_P(published, start_with_their_own_rule) {
  const classifier model = classifier::load(tiny_directory(name()));
  EXPECT_EQ(model.default_policy(), GetParam().by_default);
  const bool is_stored = name() == "published-pcee-albert";
  for (const golden_text& golden : read_golden_texts(name())) {
    EXPECT_TRUE(is_stored || model.classify(golden.first).layer == model.num_layers());
  }
}

#if !defined(OFFRAMP_HEADER_ONLY)
TEST_P(published, run_in_every_numeric_format) {
  for (const numeric_format format : {numeric_format::bfloat16, numeric_format::int8}) {
    load_options options;
    options.format = format;
    const classifier model = classifier::load(tiny_directory(name()), options);
    for (const golden_text& golden : read_golden_texts(name())) {
      expect_logits(every_exit(model, golden), golden, 0.4F);
    }
  }
}
#endif

std::string name_of(const testing::TestParamInfo<system>& info) {
  std::string name = info.param.name;
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(all, published,
                         testing::Values(system{"right-tool", {1, 3, 4}, exit_policy::full_depth()},
                                         system{"right-tool-plain", {1, 3, 4}, exit_policy::full_depth()},
                                         system{"sweet", {1, 3, 4}, exit_policy::full_depth()},
                                         system{"deebert", {1, 2, 3, 4}, exit_policy::entropy(0)},
                                         system{"deebert-roberta", {1, 2, 3, 4}, exit_policy::entropy(0)},
                                         system{"berxit", {1, 2, 3, 4}, exit_policy::learned(0)},
                                         system{"pabee", {1, 2, 3, 4}, exit_policy::patience(0)},
                                         system{"pcee-albert", {1, 2, 3, 4}, exit_policy::patience_entropy(0.75F, 2)},
                                         system{"elasticbert", {2, 3, 4}, exit_policy::entropy(0)}),
                         name_of);

TEST(right_tool, splits_at_whitespace_only) {
  const classifier model = classifier::load(tiny_directory("published-right-tool"));
  EXPECT_EQ(model.piece(model.tokenize("film.").ids.at(1)), "[UNK]");  // "film ##.", and there is no "##."
  const classifier other = classifier::load(tiny_directory("published-sweet"));
  EXPECT_EQ(other.piece(other.tokenize("film.").ids.at(1)), "film");
}

TEST(elasticbert, of_one_output_is_a_plain_classifier) {
  model_in_memory model("published-elasticbert");
  tensor_file file(model.files.at("model.safetensors"));
  for (const std::string part : {".weight", ".bias"}) {
    file.rename("classifiers.0" + part, "unused.0" + part);
    file.rename("classifiers.1" + part, "unused.1" + part);
    file.rename("classifiers.2" + part, "classifier" + part);
  }
  model.files["model.safetensors"] = file.join();
  const classifier loaded = model.load();
  for (golden_text golden : read_golden_texts("published-elasticbert")) {
    golden.logits = {golden.logits.back()};
    expect_logits(every_exit(loaded, golden), golden, 1e-4F);
  }
}

TEST(learned, needs_a_gate) {
  const classifier model = classifier::load(tiny_directory("published-deebert"));
  EXPECT_THROW((void)model.classify("good", exit_policy::learned(0.5F)), error);
}

damage patch(const std::string& change) { return offramp_tests::patch("config.json", change); }

/// Sets all bytes of a tensor to zero.
damage clear(const std::string& tensor) {
  return change_tensors([=](tensor_file& file) {
    const auto [begin, end] = file.header.at(tensor).at("data_offsets").get<std::pair<std::size_t, std::size_t>>();
    std::fill(file.data.begin() + static_cast<std::ptrdiff_t>(begin),
              file.data.begin() + static_cast<std::ptrdiff_t>(end), '\0');
  });
}

damage replace_labels(const std::string& content) {
  return [=](model_in_memory& model) { model.files["vocabulary/labels.txt"] = content; };
}

void expect_refusal(const std::string& name, const damage& change, error_kind kind,
                    const std::vector<std::string>& parts) {
  expect_damage_found("published-" + name, change, kind, parts);
}

TEST(exits_json, comes_before_what_the_tensors_say) {
  model_in_memory model("family-albert-exits");
  rename_tensor("classifier.weight", "classifiers.0.weight")(model);
  EXPECT_EQ(model.load().exits().size(), 3U);
}

constexpr auto bad = error_kind::bad_model;
constexpr auto unsupported = error_kind::unsupported;

TEST(right_tool, is_refused_by_name) {
  expect_refusal("right-tool", reshape("_sum_weights.1", {1, 3}), bad, {"_sum_weights.1", "[1, 3]", "one weight for"});
  expect_refusal("right-tool", rename_tensor("_sum_weights.1", "x"), bad, {"\"_sum_weights.1\" is missing"});
  expect_refusal("right-tool", clear("_sum_weights.2"), bad, {"_sum_weights.2", "is zero"});
  expect_refusal("right-tool", rename_tensor("_sum_weights.0", "_sum_weights.3"), bad,
                 {"\"_sum_weights.0\" is missing"});
  expect_refusal("right-tool", rename_tensor("_classification_layers.2.weight", "x"), bad,
                 {"_sum_weights.2", "no classification"});
  expect_refusal("right-tool", patch(R"({"num_hidden_layers": 3})"), bad, {"_sum_weights.2", "layers 4 to 3"});
  expect_refusal("right-tool", reshape("_classification_layers.1.weight", {15, 3}), bad,
                 {"_classification_layers.1.weight", "[15, 3]"});
  expect_refusal("right-tool", patch(R"({"model_type": "roberta"})"), unsupported, {"model_type is \"roberta\""});
  expect_refusal("right-tool", patch(R"({"id2label": {"0": "fair", "1": "dull", "2": "warm"}})"), bad,
                 {"labels.txt", "id2label"});
  expect_refusal("right-tool", replace_labels("dull\n\nwarm\n"), bad, {"labels.txt: line 2"});
  expect_refusal("right-tool", replace_labels("dull\nwarm\ndull\n"), bad, {"labels.txt: line 3"});
  expect_refusal("right-tool", replace_labels("dull\n"), unsupported, {"num_labels is 1"});
}

TEST(highways, are_refused_by_name) {
  expect_refusal("deebert", rename_tensor("bert.encoder.highway.1.pooler.dense.bias", "x"), bad,
                 {"bert.encoder.highway.1.pooler.dense.bias"});
  expect_refusal("deebert", rename_tensor("classifier.bias", "x"), bad, {"classifier.bias"});
  expect_refusal("deebert", patch(R"({"num_hidden_layers": 3})"), bad,
                 {"describes 3 heads", "bert.encoder.highway.3.classifier.weight"});
  expect_refusal("deebert", rename_tensor("bert.pooler.dense.bias", "classifiers.0.weight"), bad,
                 {"both", "highway.0", "classifiers.0.weight"});
  expect_refusal("deebert", patch(R"({"default_policy": {"rule": "learned", "threshold": 0.5}})"), bad,
                 {"default_policy.rule", "no gate"});
  expect_refusal("berxit", rename_tensor("bert.encoder.lte_classifier.bias", "x"), bad,
                 {"bert.encoder.lte_classifier.bias"});
  expect_refusal("berxit", reshape("bert.encoder.lte_classifier.weight", {12, 1}), bad, {"[12, 1], expected [1, 12]"});
}

TEST(linear_heads, are_refused_by_name) {
  expect_refusal("sweet", patch(R"({"exit_layers": [0, 2]})"), bad, {"describes 2 heads", "classifiers.2.weight"});
  expect_refusal("sweet", patch(R"({"exit_layers": [0, 1, 2, 3]})"), bad, {"\"classifiers.3.weight\" is missing"});
  expect_refusal("sweet", patch(R"({"exit_layers": [0, 2, 2]})"), bad, {"exit_layers[2] is 2"});
  expect_refusal("sweet", patch(R"({"exit_layers": [0, 2, 4]})"), bad, {"exit_layers[2] is 4"});
  expect_refusal("sweet", patch(R"({"exit_layers": "0_2_3"})"), bad, {"exit_layers is"});
  expect_refusal("sweet", patch(R"({"exit_layers": null})"), bad, {"\"classifiers.3.weight\" is missing"});
  expect_refusal("sweet", patch(R"({"exit_strategy": "lte"})"), unsupported, {"exit_strategy is \"lte\""});
  expect_refusal("sweet", patch(R"({"id2label": null, "num_labels": 1})"), unsupported, {"num_labels is 1"});
  expect_refusal("pabee", patch(R"({"default_policy": {"rule": "patience"}})"), bad, {"\"patience\" is missing"});
  expect_refusal("pabee", patch(R"({"default_policy": {"rule": "patience", "patience": 1, "max_layer": 9}})"), bad,
                 {"default_policy.max_layer is 9"});
  expect_refusal("pabee", rename_tensor("bert.pooler.dense.weight", "x"), bad, {"bert.pooler.dense.weight"});
  expect_refusal("elasticbert", patch(R"({"num_output_layers": null})"), bad, {"num_output_layers"});
  expect_refusal("elasticbert", patch(R"({"num_output_layers": 5})"), bad, {"num_output_layers is 5"});
  expect_refusal("elasticbert", patch(R"({"num_output_layers": 2})"), bad, {"describes 2 heads"});
  expect_refusal("elasticbert", patch(R"({"max_output_layers": 3})"), bad, {"max_output_layers is 3"});
  expect_refusal("elasticbert", rename_tensor("elasticbert.encoder.pooler.1.dense.bias", "x"), bad,
                 {"elasticbert.encoder.pooler.1.dense.bias"});
}

}  // namespace published_test
