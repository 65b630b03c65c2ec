// SPDX-License-Identifier: Apache-2.0
// One tiny classifier of each family, and what transformers computed with it (tests/generators/family_models.py and
// those of single families); compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "family_goldens.hpp"
#include "golden_texts.hpp"
#include "model_damage.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace families_test {

using nlohmann::json;
using offramp::classifier;
using offramp::encoding;
using offramp::error;
using offramp::error_kind;
using offramp::exit_output;
using offramp::exit_policy;
using offramp::golden_text;
using offramp::load_options;
using offramp_tests::damage;
using offramp_tests::every_arithmetic;
using offramp_tests::every_exit;
using offramp_tests::expect_damage_found;
using offramp_tests::expect_logits;
using offramp_tests::expect_logits_of;
using offramp_tests::golden_of;
using offramp_tests::model_in_memory;
using offramp_tests::read_file;
using offramp_tests::read_golden_texts;
using offramp_tests::rename_tensor;
using offramp_tests::tensor_file;
using offramp_tests::tiny_directory;
using offramp_tests::tolerance_of;

class families : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] std::string name() const { return std::string("family-") + GetParam(); }
};

TEST_P(families, agree_with_transformers) {
  const classifier model = classifier::load(tiny_directory(name()));
  const std::vector<golden_text> texts = read_golden_texts(name());
  ASSERT_GE(texts.size(), 10U);
  for (const golden_text& golden : texts) {
    expect_logits(every_exit(model, golden), golden, 1e-4F);
  }
  EXPECT_EQ(model.labels(), (std::vector<std::string>{"dull", "fair", "warm"}));
  EXPECT_TRUE(model.info().warnings.empty());
}

TEST_P(families, take_as_many_tokens_as_have_a_position) {
  const int expected = json::parse(read_file(tiny_directory(name()) / "golden.json")).at("max_tokens");
  const classifier model = classifier::load(tiny_directory(name()));
  EXPECT_EQ(model.max_tokens(), expected);
  const encoding longest{.ids = std::vector<std::int32_t>(static_cast<std::size_t>(expected), 7), .type_ids = {}};
  EXPECT_NO_THROW((void)model.classify(longest));
  const encoding longer{.ids = std::vector<std::int32_t>(static_cast<std::size_t>(expected) + 1, 7), .type_ids = {}};
  EXPECT_THROW((void)model.classify(longer), error);
  load_options options;
  options.max_tokens = expected + 1;
  EXPECT_THROW((void)classifier::load(tiny_directory(name()), options), error);
}

TEST_P(families, run_in_every_arithmetic) {
  const std::vector<golden_text> texts = read_golden_texts(name());
  for (const load_options& options : every_arithmetic()) {
    const classifier model = classifier::load(tiny_directory(name()), options);
    SCOPED_TRACE(model.info().kernels);
    for (const golden_text& golden : texts) {
      expect_logits(every_exit(model, golden), golden, tolerance_of(options));
    }
  }
}

TEST_P(families, answer_alike_alone_and_in_a_batch) {
  const classifier model = classifier::load(tiny_directory(name()));
  std::vector<std::string> texts;
  for (const golden_text& golden : read_golden_texts(name())) {
    texts.push_back(golden.first);
  }
  const auto together = model.classify_batch(texts, exit_policy::full_depth());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(together[i], model.classify(texts[i]));
  }
}

std::string name_of(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(all, families,
                         testing::Values("bert", "electra", "electra-square", "distilbert", "albert", "roberta",
                                         "xlm-roberta", "camembert", "ernie", "data2vec-text", "mpnet", "mpnet-v4",
                                         "deberta", "deberta-c2p", "deberta-p2c", "deberta-absolute", "deberta-v4",
                                         "modernbert", "modernbert-mean", "modernbert-v4"),
                         name_of);

/// Families whose goldens hold token ids of every text, and ids of many lengths.
class encoded_families : public families {};

TEST_P(encoded_families, tokenize_as_transformers_does) {
  const classifier model = classifier::load(tiny_directory(name()));
  const json golden = golden_of(name());
  ASSERT_GE(golden.at("golden").size(), 15U);
  for (const json& entry : golden.at("golden")) {
    const encoding found = offramp_tests::tokenize(model, entry);
    EXPECT_EQ(json(found.ids), entry["ids"]) << entry;
    EXPECT_EQ(!found.type_ids.empty(), entry.contains("premise") && name() == "family-deberta-c2p")
        << "the others have no token types";
  }
}

/// Of one token to more than buckets tell apart and windows reach, with padding tokens among them.
TEST_P(encoded_families, agree_with_transformers_at_every_length) {
  const json encodings = golden_of(name()).at("encodings");
  ASSERT_GT(encodings.back().at("ids").size(), 32U);
  expect_logits_of(name(), encodings);
}

INSTANTIATE_TEST_SUITE_P(all, encoded_families,
                         testing::Values("mpnet", "mpnet-v4", "deberta", "deberta-guard", "deberta-c2p", "deberta-p2c",
                                         "deberta-absolute", "deberta-v4", "modernbert", "modernbert-mean",
                                         "modernbert-v4"),
                         name_of);

/// Models of four layers with exits; of some the tensors stand without the prefix of models with a head.
class families_with_exits : public families {};

TEST_P(families_with_exits, agree_with_transformers_at_each) {
  const classifier model = classifier::load(tiny_directory(name() + "-exits"));
  EXPECT_EQ(model.num_layers(), 4);
  ASSERT_GE(model.exits().size(), 3U);
  ASSERT_GE(model.golden_texts().size(), 4U);
  for (const golden_text& golden : model.golden_texts()) {
    expect_logits(every_exit(model, golden), golden, 1e-4F);
  }
}

INSTANTIATE_TEST_SUITE_P(all, families_with_exits, testing::Values("albert", "mpnet", "deberta", "modernbert"),
                         name_of);

TEST(albert, may_stand_without_the_prefix_of_models_with_a_head) {
  model_in_memory bare("family-albert-exits");
  tensor_file file(bare.files.at("model.safetensors"));
  const std::string prefix = "albert.";
  const json named = file.header;
  for (const auto& [name, entry] : named.items()) {
    if (name.starts_with(prefix)) {
      file.rename(name, name.substr(prefix.size()));
    }
  }
  bare.files["model.safetensors"] = file.join();
  const classifier model = classifier::load(tiny_directory("family-albert-exits"));
  EXPECT_EQ(bare.load().classify_every_exit("A good film."), model.classify_every_exit("A good film."));
}

TEST(albert, keeps_one_copy_of_the_layer_that_all_share) {
  const classifier three = classifier::load(tiny_directory("family-albert"));
  model_in_memory deeper("family-albert");
  json config = json::parse(deeper.files.at("config.json"));
  config["num_hidden_layers"] = 30;
  deeper.files["config.json"] = config.dump();
  EXPECT_EQ(deeper.load().num_layers(), 30);
  EXPECT_EQ(deeper.load().info().weight_bytes, three.info().weight_bytes);
}

TEST(distilbert, is_not_told_of_segments) {
  const classifier model = classifier::load(tiny_directory("family-distilbert"));
  EXPECT_TRUE(model.tokenize(offramp::sentence_pair{"good", "bad"}).type_ids.empty());
  encoding tokens = model.tokenize("good");
  tokens.type_ids.assign(tokens.ids.size(), 1);
  EXPECT_THROW((void)model.classify(tokens), error);
}

void expect_refusal(const std::string& name, const damage& change, error_kind kind,
                    const std::vector<std::string>& parts) {
  expect_damage_found("family-" + name, change, kind, parts);
}

damage patch(const std::string& change) { return offramp_tests::patch("config.json", change); }

damage without(const std::string& tensor) { return rename_tensor(tensor, "unused"); }

TEST(other_families, are_refused_by_the_name_of_the_field) {
  constexpr auto bad = error_kind::bad_model;
  constexpr auto unsupported = error_kind::unsupported;
  expect_refusal("bert", patch(R"({"model_type": "mobilebert"})"), unsupported, {"model_type is \"mobilebert\""});
  expect_refusal("bert", patch(R"({"model_type": "electra"})"), bad, {"tensor"});
  expect_refusal("electra", patch(R"({"embedding_size": 16})"), bad, {"word_embeddings", "[86, 12]"});
  expect_refusal("electra", without("electra.embeddings_project.bias"), bad, {"electra.embeddings_project.bias"});
  expect_refusal("electra", without("classifier.out_proj.weight"), bad, {"classifier.out_proj.weight"});
  expect_refusal("electra-square", patch(R"({"embedding_size": null})"), bad,
                 {"word_embeddings", "expected [86, 128]"});
  expect_refusal("distilbert", patch(R"({"dim": null, "hidden_size": 16})"), bad, {"field \"dim\" is missing"});
  expect_refusal("distilbert", patch(R"({"n_heads": 3})"), bad, {"dim is 16, expected a multiple of n_heads, 3"});
  expect_refusal("distilbert", patch(R"({"activation": "silu"})"), unsupported, {"activation is \"silu\""});
  expect_refusal("distilbert", without("pre_classifier.weight"), bad, {"pre_classifier.weight"});
  expect_refusal("distilbert", without("distilbert.transformer.layer.1.sa_layer_norm.weight"), bad,
                 {"distilbert.transformer.layer.1.sa_layer_norm.weight"});
  expect_refusal("albert", patch(R"({"num_hidden_groups": 2})"), unsupported, {"num_hidden_groups is 2, expected 1"});
  expect_refusal("albert", patch(R"({"inner_group_num": 2})"), unsupported, {"inner_group_num is 2, expected 1"});
  expect_refusal("albert", without("albert.pooler.weight"), bad, {"albert.pooler.weight"});
  expect_refusal("albert", without("albert.encoder.embedding_hidden_mapping_in.weight"), bad,
                 {"albert.encoder.embedding_hidden_mapping_in.weight"});
  expect_refusal("roberta", patch(R"({"pad_token_id": 35})"), bad,
                 {"max_position_embeddings is 36, expected at least 37", "pad_token_id"});
  expect_refusal("roberta", patch(R"({"pad_token_id": -1})"), bad, {"pad_token_id is -1"});
  expect_refusal("roberta", patch(R"({"position_embedding_type": "relative_key"})"), unsupported,
                 {"position_embedding_type"});
  expect_refusal("roberta", without("classifier.dense.weight"), bad, {"classifier.dense.weight"});
  expect_refusal("roberta", patch(R"({"model_type": "xlm-roberta-xl"})"), unsupported,
                 {"model_type is \"xlm-roberta-xl\""});
  expect_refusal("ernie", patch(R"({"use_task_id": true})"), unsupported, {"use_task_id is true, expected false"});
}

}  // namespace families_test
