// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/config.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace config_test {

using nlohmann::json;
using offramp::error_kind;
using offramp::model::config;
using offramp::nn::activation;
using offramp_tests::expect_error;
using offramp_tests::memory_model;

constexpr auto bad = error_kind::bad_model;
constexpr auto unsupported = error_kind::unsupported;

/// The least that a config must say, changed by a JSON merge patch (null removes a field).
std::string document(const std::string& patch = "{}") {
  json result = json::parse(R"({"model_type": "bert", "vocab_size": 50, "hidden_size": 12, "num_hidden_layers": 3,
      "num_attention_heads": 4, "intermediate_size": 24, "max_position_embeddings": 16})");
  result.merge_patch(json::parse(patch));
  return result.dump();
}

config read(const std::string& content) {
  const memory_model model{{"config.json", content}};
  return offramp::model::read_config(model.set());
}

config read_patched(const std::string& patch) { return read(document(patch)); }

TEST(config, has_the_defaults_of_hugging_face) {
  const config found = read(document());
  EXPECT_EQ(found.vocabulary_size, 50);
  EXPECT_EQ(found.hidden_size, 12);
  EXPECT_EQ(found.num_layers, 3);
  EXPECT_EQ(found.num_heads, 4);
  EXPECT_EQ(found.intermediate_size, 24);
  EXPECT_EQ(found.max_positions, 16);
  EXPECT_EQ(found.type_vocabulary_size, 2);
  EXPECT_EQ(found.embedding_size, 12);
  EXPECT_EQ(found.padding_id, std::nullopt);
  EXPECT_EQ(found.relative_buckets, 0);
  EXPECT_EQ(found.usable_positions(), 16);
  EXPECT_EQ(found.hidden_activation, activation::gelu);
  EXPECT_EQ(found.layer_norm_epsilon, 1e-12F);
  EXPECT_EQ(found.labels, (std::vector<std::string>{"LABEL_0", "LABEL_1"}));
  EXPECT_TRUE(found.labels_are_default);
}

TEST(config, knows_its_activations) {
  EXPECT_EQ(read_patched(R"({"hidden_act": "gelu"})").hidden_activation, activation::gelu);
  EXPECT_EQ(read_patched(R"({"hidden_act": "gelu_new"})").hidden_activation, activation::gelu_tanh);
  EXPECT_EQ(read_patched(R"({"hidden_act": "gelu_pytorch_tanh"})").hidden_activation, activation::gelu_tanh);
  EXPECT_EQ(read_patched(R"({"hidden_act": "relu"})").hidden_activation, activation::relu);
}

TEST(config, has_the_defaults_of_each_family) {
  EXPECT_EQ(read_patched(R"({"model_type": "electra"})").embedding_size, 128);
  const config albert = read_patched(R"({"model_type": "albert", "embedding_size": 8})");
  EXPECT_EQ(albert.embedding_size, 8);
  EXPECT_EQ(albert.hidden_activation, activation::gelu_tanh);
  for (const std::string type : {"roberta", "xlm-roberta", "camembert", "data2vec-text"}) {
    const config found = read_patched(R"({"model_type": ")" + type + R"("})");
    EXPECT_EQ(found.padding_id, 1);
    EXPECT_EQ(found.usable_positions(), 14);
  }
  EXPECT_EQ(read_patched(R"({"model_type": "roberta", "pad_token_id": 0})").usable_positions(), 15);
  const config mpnet = read_patched(R"({"model_type": "mpnet", "pad_token_id": 7, "type_vocab_size": 7})");
  EXPECT_EQ(mpnet.padding_id, 1) << "whatever the field says";
  EXPECT_EQ(mpnet.usable_positions(), 14);
  EXPECT_EQ(mpnet.type_vocabulary_size, 1) << "no field of this family";
  EXPECT_EQ(mpnet.relative_buckets, 32);
  EXPECT_EQ(read_patched(R"({"model_type": "mpnet", "relative_attention_num_buckets": 40})").relative_buckets, 40);
  const config distilled = read_patched(R"({"model_type": "distilbert", "dim": 6, "n_layers": 5, "n_heads": 2,
      "hidden_dim": 18, "activation": "relu", "layer_norm_eps": 0.5, "type_vocab_size": 7})");
  EXPECT_EQ(distilled.hidden_size, 6);
  EXPECT_EQ(distilled.num_layers, 5);
  EXPECT_EQ(distilled.num_heads, 2);
  EXPECT_EQ(distilled.intermediate_size, 18);
  EXPECT_EQ(distilled.hidden_activation, activation::relu);
  EXPECT_EQ(distilled.layer_norm_epsilon, 1e-12F) << "no field of this family";
  EXPECT_EQ(distilled.type_vocabulary_size, 1) << "no field of this family";
}

/// As deberta-v3-base has it; version 5 of transformers writes the two kinds as a list.
TEST(config, reads_relative_attention) {
  const config found = read_patched(R"({"model_type": "deberta-v2", "relative_attention": true, "position_buckets": 256,
      "norm_rel_ebd": "layer_norm", "share_att_key": true, "pos_att_type": "p2c|c2p", "max_relative_positions": 400,
      "position_biased_input": false, "type_vocab_size": 0, "layer_norm_eps": null, "pooler_hidden_size": 12})");
  EXPECT_TRUE(found.relative.has_table());
  EXPECT_EQ(found.relative.terms(), 3);
  EXPECT_TRUE(found.relative.shares_projections);
  EXPECT_TRUE(found.relative.normalizes_table);
  EXPECT_EQ(found.relative.range.span(), 256);
  EXPECT_EQ(found.relative.range.longest, 400);
  EXPECT_FALSE(found.embeds_positions);
  EXPECT_FALSE(found.embeds_types);
  EXPECT_EQ(found.type_vocabulary_size, 1);
  EXPECT_EQ(found.embedding_size, found.hidden_size);
  EXPECT_EQ(found.layer_norm_epsilon, 1e-7F);
  EXPECT_EQ(found.head.activation, offramp::nn::epilogue::gelu);
}

TEST(config, has_the_defaults_of_deberta) {
  const config found = read_patched(R"({"model_type": "deberta-v2", "type_vocab_size": null})");
  EXPECT_FALSE(found.relative.has_table());
  EXPECT_EQ(found.relative.terms(), 1);
  EXPECT_TRUE(found.embeds_positions);
  EXPECT_FALSE(found.embeds_types);
  const config some = read_patched(R"({"model_type": "deberta-v2", "relative_attention": true, "pos_att_type": ["c2p"],
      "type_vocab_size": 3, "max_relative_positions": 0, "embedding_size": 4, "pooler_hidden_act": "tanh"})");
  EXPECT_EQ(some.relative.terms(), 2);
  EXPECT_TRUE(some.relative.has_keys);
  EXPECT_FALSE(some.relative.has_queries);
  EXPECT_FALSE(some.relative.shares_projections);
  EXPECT_FALSE(some.relative.normalizes_table);
  EXPECT_EQ(some.relative.range.buckets, 0);
  EXPECT_EQ(some.relative.range.span(), 16) << "max_position_embeddings";
  EXPECT_TRUE(some.embeds_types);
  EXPECT_EQ(some.embedding_size, 4);
  EXPECT_EQ(some.head.activation, offramp::nn::epilogue::tanh);
  EXPECT_EQ(read_patched(R"({"model_type": "deberta-v2", "pos_att_type": "c2p|p2c"})").relative.terms(), 3)
      << "the scale counts them though there is no table";
}

TEST(config, needs_no_logarithm_where_every_distance_has_a_bucket) {
  EXPECT_EQ(read_patched(R"({"model_type": "deberta-v2", "relative_attention": true, "pos_att_type": "c2p",
      "position_buckets": 30})")
                .relative.range.span(),
            30);
}

TEST(config, takes_labels_in_the_order_of_their_ids) {
  const config found =
      read_patched(R"({"id2label": {"1": "b", "0": "z", "2": "a"}, "label2id": {"z": 0, "a": 2, "b": 1}})");
  EXPECT_EQ(found.labels, (std::vector<std::string>{"z", "b", "a"}));
  EXPECT_EQ(found.num_labels, 3);
  EXPECT_FALSE(found.labels_are_default);
  const config eleven = read_patched(R"({"num_labels": 11})");
  EXPECT_EQ(eleven.labels[10], "LABEL_10");
  EXPECT_TRUE(eleven.labels_are_default);
  EXPECT_EQ(read_patched(R"({"id2label": {"0": "x", "1": "y"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}})").labels[1],
            "y");
}

TEST(config, says_what_the_outputs_are_for) {
  using enum offramp::model::problem_type;
  EXPECT_EQ(read_patched("{}").problem, unstated);
  EXPECT_EQ(read_patched(R"({"problem_type": null})").problem, unstated);
  EXPECT_EQ(read_patched(R"({"problem_type": "single_label_classification"})").problem, single_label);
  const config many = read_patched(R"({"problem_type": "multi_label_classification", "num_labels": 3})");
  EXPECT_EQ(many.problem, multi_label);
  EXPECT_FALSE(many.has_one_logit);
}

TEST(config, takes_one_output_of_a_classifier_for_the_second_of_two_labels) {
  const config one = read_patched(R"({"problem_type": "multi_label_classification", "id2label": {"0": "spam"}})");
  EXPECT_TRUE(one.has_one_logit);
  EXPECT_EQ(one.problem, offramp::model::problem_type::single_label);
  EXPECT_EQ(one.labels, (std::vector<std::string>{"not spam", "spam"}));
  EXPECT_EQ(one.num_labels, 2);
  EXPECT_FALSE(one.labels_are_default);
  EXPECT_TRUE(read_patched(R"({"problem_type": "single_label_classification", "num_labels": 1})").labels_are_default);
  const config regression = read_patched(R"({"num_labels": 1})");
  EXPECT_FALSE(regression.has_one_logit);
  EXPECT_EQ(regression.num_labels, 1);
}

TEST(config, ignores_what_it_does_not_need) {
  EXPECT_NO_THROW((void)read_patched(R"({"torch_dtype": "float32", "problem_type": "single_label_classification",
      "is_decoder": false, "position_embedding_type": "absolute", "anything": {"at": ["all"]}})"));
}

struct hostile {
  std::string patch;
  error_kind kind;
  std::string message;  ///< a part of it
};

std::vector<hostile> hostile_configs() {
  std::vector<hostile> table = {
      {R"({"model_type": "mobilebert"})", unsupported, R"(model_type is "mobilebert", expected one of bert, )"},
      {R"({"model_type": "BERT"})", unsupported, R"(model_type is "BERT")"},
      {R"({"model_type": null})", bad, "field \"model_type\" is missing"},
      {R"({"model_type": 1})", bad, "model_type is 1, expected a string"},
      {R"({"hidden_act": "swish"})", unsupported, R"(hidden_act is "swish", expected one of gelu)"},
      {R"({"hidden_act": 3})", bad, "hidden_act is 3"},
      {R"({"position_embedding_type": "relative_key"})", unsupported, "position_embedding_type"},
      {R"({"is_decoder": true})", unsupported, "is_decoder is true, expected false"},
      {R"({"is_decoder": "no"})", bad, "is_decoder"},
      {R"({"add_cross_attention": true})", unsupported, "add_cross_attention"},
      {R"({"model_type": "ernie", "use_task_id": true})", unsupported, "use_task_id is true, expected false"},
      {R"({"model_type": "mpnet", "relative_attention_num_buckets": 31})", bad, "relative_attention_num_buckets is 31"},
      {R"({"model_type": "mpnet", "max_position_embeddings": 2})", bad, "positions count from 2 on"},
      {R"({"model_type": "deberta"})", unsupported, R"(model_type is "deberta", expected one of bert, )"},
      {R"({"model_type": "deberta-v2", "conv_kernel_size": 3})", unsupported, "conv_kernel_size is 3, expected 0"},
      {R"({"model_type": "deberta-v2", "attention_head_size": 2})", unsupported,
       "attention_head_size is 2, expected 3"},
      {R"({"model_type": "deberta-v2", "pooler_hidden_size": 8})", unsupported, "pooler_hidden_size is 8, expected 12"},
      {R"({"model_type": "deberta-v2", "pooler_hidden_act": "silu"})", unsupported, "pooler_hidden_act is \"silu\""},
      {R"({"model_type": "deberta-v2", "pos_att_type": "p2c|p2p"})", unsupported, "pos_att_type is \"p2c|p2p\""},
      {R"({"model_type": "deberta-v2", "pos_att_type": [2]})", bad, "pos_att_type[0] is 2"},
      {R"({"model_type": "deberta-v2", "norm_rel_ebd": "batch_norm"})", unsupported, "norm_rel_ebd is \"batch_norm\""},
      {R"({"model_type": "deberta-v2", "position_biased_input": 1})", bad, "position_biased_input is 1"},
      {R"({"model_type": "deberta-v2", "relative_attention": true, "pos_att_type": "c2p", "position_buckets": 1})", bad,
       "position_buckets is 1"},
      {R"({"model_type": "deberta-v2", "relative_attention": true, "pos_att_type": "c2p", "position_buckets": 28,
          "max_relative_positions": 15})",
       bad, "position_buckets is 28, expected less than twice max_relative_positions - 1, 28"},
      {R"({"problem_type": "regression"})", unsupported, R"(problem_type is "regression")"},
      {R"({"problem_type": "multi_label"})", unsupported, R"(problem_type is "multi_label")"},
      {R"({"hidden_size": 13})", bad, "hidden_size is 13, expected a multiple of num_attention_heads, 4"},
      {R"({"hidden_size": 65536})", bad, "hidden_size"},
      {R"({"model_type": "distilbert"})", bad, "field \"dim\" is missing"},
      {R"({"model_type": "electra", "embedding_size": 0})", bad, "embedding_size is 0"},
      {R"({"model_type": "electra", "embedding_size": 65536})", bad, "embedding_size is 65536"},
      {R"({"model_type": "roberta", "pad_token_id": 50})", bad, "pad_token_id is 50, expected an integer from 0 to 49"},
      {R"({"model_type": "roberta", "pad_token_id": 15})", bad, "max_position_embeddings is 16, expected at least 17"},
      {R"({"model_type": "albert", "num_hidden_groups": 2})", unsupported, "num_hidden_groups is 2, expected 1"},
      {R"({"model_type": "albert", "inner_group_num": 0})", unsupported, "inner_group_num is 0, expected 1"},
      {R"({"type_vocab_size": 1025})", bad, "type_vocab_size"},
      {R"({"layer_norm_eps": -1e-12})", bad, "layer_norm_eps"},
      {R"({"layer_norm_eps": 1.5})", bad, "layer_norm_eps"},
      {R"({"layer_norm_eps": "1e-12"})", bad, "layer_norm_eps"},
      {R"({"num_labels": -1})", bad, "num_labels"},
      {R"({"num_labels": 65537})", bad, "num_labels"},
      {R"({"num_labels": 3, "id2label": {"0": "a", "1": "b"}})", bad, "num_labels is 3, expected 2"},
      {R"({"id2label": {"1": "a", "2": "b"}})", bad, "key \"0\" is missing"},
      {R"({"id2label": {"00": "a", "1": "b"}})", bad, "key \"0\" is missing"},
      {R"({"id2label": {"0": "a", "1": 2.5}})", bad, "id2label.1 is 2.5"},
      {R"({"id2label": ["a", "b"]})", bad, "id2label"},
      {R"({"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 1, "b": 0}})", bad, "label2id.a is 1, expected 0"},
      {R"({"id2label": {"0": "a", "1": "b"}, "label2id": {"a": "1", "b": "0"}})", bad,
       "label2id.a is \"1\", expected 0"},
      {R"({"id2label": {"0": "a", "1": "b"}, "label2id": [0, 1]})", bad, "label2id"},
  };
  for (const std::string field : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                                  "intermediate_size", "max_position_embeddings"}) {
    table.push_back({R"({")" + field + R"(": null})", bad, "field \"" + field + "\" is missing"});
    for (const std::string value : {"0", "-1", "4.0", "\"4\"", "[4]", "true", "4294967296", "9223372036854775808"}) {
      table.push_back(
          {R"({")" + field + R"(": )" + value + "}", bad, field + " is " + value + ", expected an integer"});
    }
  }
  return table;
}

TEST(config, refuses_what_makes_no_sense_by_name) {
  for (const hostile& example : hostile_configs()) {
    SCOPED_TRACE(example.patch);
    expect_error(example.kind, {"config.json", example.message}, [&] { (void)read_patched(example.patch); });
  }
}

TEST(config, must_be_there_and_be_an_object) {
  expect_error(error_kind::io, {"config.json", "no such file"},
               [] { (void)offramp::model::read_config(memory_model{}.set()); });
  for (const std::string content : {"", "[]", "null", "1", "\"bert\"", "{", "{}"}) {
    SCOPED_TRACE(content);
    expect_error(bad, {"config.json"}, [&] { (void)read(content); });
  }
}

TEST(config, is_refused_wherever_it_ends_early) {
  const std::string whole = document();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_error(bad, {"config.json"}, [&] { (void)read(whole.substr(0, size)); });
  }
}

}  // namespace config_test
