// SPDX-License-Identifier: Apache-2.0
// DeBERTa-v2 and v3: what its config may say of positions and tokenizers, on models of
// tests/generators/deberta_models.py; compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_damage.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace deberta_test {

using offramp::classifier;
using offramp::error_kind;
using offramp::exit_output;
using offramp_tests::damage;
using offramp_tests::expect_damage_found;
using offramp_tests::model_in_memory;
using offramp_tests::patch;
using offramp_tests::rename_tensor;

const std::string table_name = "deberta.encoder.rel_embeddings.weight";

TEST(deberta_weights, count_what_positions_take) {
  const auto bytes_of = [](const damage& change) {
    model_in_memory model("family-deberta");
    change(model);
    return model.load().info().weight_bytes;
  };
  // Keys and queries of 3 layers: 36 inputs, and a place for each bucket that 72 tokens reach, 19 or more.
  EXPECT_GE(bytes_of([](model_in_memory&) {}),
            bytes_of(patch("config.json", R"({"relative_attention": false})")) + 2 * 3 * 36 * 17 * sizeof(float));
}

/// The answer of a model after a change of its files.
std::vector<exit_output> answer_after(const std::string& name, const damage& change) {
  model_in_memory model(name);
  change(model);
  return model.load().classify_every_exit("the story of a man and a dog");
}

void nothing(model_in_memory& /*model*/) {}

TEST(deberta_config, may_write_the_kinds_of_attention_as_one_string) {
  EXPECT_EQ(answer_after("family-deberta", patch("config.json", R"({"pos_att_type": "C2P | p2c"})")),
            answer_after("family-deberta", nothing));
}

TEST(deberta_config, needs_no_field_that_has_a_default) {
  EXPECT_EQ(
      answer_after("family-deberta",
                   patch("config.json", R"({"layer_norm_eps": null, "type_vocab_size": null, "pooler_hidden_act": null,
                                                  "pooler_hidden_size": null, "legacy": null})")),
      answer_after("family-deberta", nothing));
}

TEST(deberta_config, is_refused_by_the_name_of_what_is_wrong) {
  constexpr auto bad = error_kind::bad_model;
  constexpr auto unsupported = error_kind::unsupported;
  const auto refuse = [](const damage& change, error_kind kind, const std::vector<std::string>& parts) {
    expect_damage_found("family-deberta", change, kind, parts);
  };
  refuse(patch("config.json", R"({"conv_kernel_size": 3})"), unsupported, {"conv_kernel_size is 3, expected 0"});
  refuse(patch("config.json", R"({"position_buckets": 16})"), bad, {table_name, "[16, 36], expected [32, 36]"});
  refuse(patch("config.json", R"({"position_buckets": -1})"), bad, {table_name, "expected [32, 36]"});
  refuse(patch("config.json", R"({"share_att_key": false})"), bad, {"layer.0.attention.self.pos_key_proj"});
  refuse(patch("config.json", R"({"position_biased_input": true})"), bad, {"deberta.embeddings.position_embeddings"});
  refuse(patch("config.json", R"({"type_vocab_size": 2})"), bad, {"deberta.embeddings.token_type_embeddings"});
  refuse(patch("config.json", R"({"embedding_size": 12})"), bad, {"word_embeddings", "expected [63, 12]"});
  refuse(rename_tensor(table_name, "unused"), bad, {table_name, "is missing"});
  refuse(rename_tensor("deberta.encoder.LayerNorm.weight", "unused"), bad, {"deberta.encoder.LayerNorm.weight"});
  refuse(rename_tensor("deberta.encoder.layer.1.attention.self.query_proj.bias", "unused"), bad,
         {"layer.1.attention.self.query_proj.bias"});
  refuse(rename_tensor("pooler.dense.weight", "unused"), bad, {"pooler.dense.weight"});
  refuse(rename_tensor("classifier.weight", "unused"), bad, {"classifier.weight"});
  expect_damage_found("family-deberta-c2p", rename_tensor("deberta.embeddings.embed_proj.weight", "unused"), bad,
                      {"deberta.embeddings.embed_proj.weight"});
}

TEST(deberta_tokenizer, is_refused_by_the_name_of_the_setting) {
  constexpr auto unsupported = error_kind::unsupported;
  const auto refuse = [](const std::string& change, const std::vector<std::string>& parts) {
    expect_damage_found("family-deberta", patch("tokenizer_config.json", change), unsupported, parts);
  };
  refuse(R"({"split_by_punct": true})", {"split_by_punct is true"});
  refuse(R"({"add_prefix_space": false})", {"add_prefix_space is false"});
}

}  // namespace deberta_test
