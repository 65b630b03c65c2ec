// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/config.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace layer_attention_test {

using nlohmann::json;
using offramp::error_kind;
using offramp::model::bias;
using offramp::model::config;
using offramp::model::layer_attention;
using offramp::model::pooling;
using offramp::nn::epilogue;
using offramp_tests::expect_error;
using offramp_tests::memory_model;

/// The least that a ModernBERT's config must say, changed by a JSON merge patch.
config read_patched(const std::string& patch = "{}") {
  json document = json::parse(R"({"model_type": "modernbert", "vocab_size": 50, "hidden_size": 24,
      "num_hidden_layers": 7, "num_attention_heads": 4, "intermediate_size": 20, "max_position_embeddings": 16})");
  document.merge_patch(json::parse(patch));
  const memory_model model{{"config.json", document.dump()}};
  return offramp::model::read_config(model.set());
}

/// Of each layer; 0 for one that sees all keys.
std::vector<int> reaches(const config& found) {
  std::vector<int> result;
  for (const layer_attention& layer : found.attention) {
    result.push_back(layer.reach.value_or(0));
  }
  return result;
}

std::vector<float> bases(const config& found) {
  std::vector<float> result;
  for (const layer_attention& layer : found.attention) {
    result.push_back(layer.rotary_base);
  }
  return result;
}

TEST(modernbert_config, has_the_defaults_of_hugging_face) {
  const config found = read_patched();
  EXPECT_EQ(reaches(found), (std::vector<int>{0, 64, 64, 0, 64, 64, 0}));
  EXPECT_EQ(bases(found), (std::vector<float>{160000, 10000, 10000, 160000, 10000, 10000, 160000}));
  EXPECT_EQ(found.layer_norm_epsilon, 1e-5F);
  EXPECT_EQ(found.usable_positions(), 16);
  EXPECT_EQ(found.type_vocabulary_size, 1);
  for (const bias kind : {found.attention_bias, found.feed_forward_bias, found.norm_bias, found.head_bias}) {
    EXPECT_EQ(kind, bias::none);
  }
  EXPECT_EQ(found.head.activation, epilogue::gelu);
  EXPECT_EQ(found.head.pooling, pooling::cls);
}

TEST(modernbert_config, reads_what_version_4_wrote) {
  const config found = read_patched(R"({"global_attn_every_n_layers": 2, "local_attention": 9, "global_rope_theta": 500,
      "local_rope_theta": 30.5, "norm_eps": 0.5, "position_embedding_type": "sans_pos", "rope_scaling": null})");
  EXPECT_EQ(reaches(found), (std::vector<int>{0, 4, 0, 4, 0, 4, 0}));
  EXPECT_EQ(bases(found), (std::vector<float>{500, 30.5, 500, 30.5, 500, 30.5, 500}));
  EXPECT_EQ(found.layer_norm_epsilon, 0.5F);
  const config one_base = read_patched(R"({"global_rope_theta": 500})");
  EXPECT_EQ(bases(one_base)[1], 10000.0F);
}

/// A merge patch cannot say null.
TEST(modernbert_config, takes_a_local_base_of_null_for_the_global_one) {
  json document = json::parse(R"({"model_type": "modernbert", "vocab_size": 50, "hidden_size": 24,
      "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 20, "max_position_embeddings": 16,
      "global_rope_theta": 700, "local_rope_theta": null})");
  const memory_model model{{"config.json", document.dump()}};
  EXPECT_EQ(bases(offramp::model::read_config(model.set())), (std::vector<float>{700, 700}));
}

TEST(modernbert_config, lets_version_5_come_first) {
  const config found = read_patched(R"({"layer_types": ["sliding_attention", "sliding_attention", "full_attention",
      "sliding_attention", "full_attention", "full_attention", "sliding_attention"], "global_attn_every_n_layers": 2,
      "global_rope_theta": 500, "local_rope_theta": 500, "sliding_window": 64,
      "rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 20},
                          "sliding_attention": {"rope_type": "default", "rope_theta": 30}}})");
  EXPECT_EQ(reaches(found), (std::vector<int>{64, 64, 0, 64, 0, 0, 64}));
  EXPECT_EQ(bases(found), (std::vector<float>{30, 30, 20, 30, 20, 20, 30}));
  EXPECT_EQ(bases(read_patched(R"({"rope_parameters": {"full_attention": {"rope_type": "default"}},
      "global_rope_theta": 500})"))[0],
            500.0F);
}

TEST(modernbert_config, knows_biases_and_the_head) {
  const config found = read_patched(R"({"attention_bias": true, "classifier_bias": true, "classifier_pooling": "mean",
      "classifier_activation": "gelu_pytorch_tanh"})");
  EXPECT_EQ(found.attention_bias, bias::stored);
  EXPECT_EQ(found.head_bias, bias::stored);
  EXPECT_EQ(found.feed_forward_bias, bias::none);
  EXPECT_EQ(found.head.pooling, pooling::mean);
  EXPECT_EQ(found.head.activation, epilogue::gelu_tanh);
  EXPECT_EQ(read_patched(R"({"mlp_bias": true, "classifier_activation": "tanh"})").head.activation, epilogue::tanh);
}

TEST(modernbert_config, is_refused_by_the_name_of_the_field) {
  constexpr auto bad = error_kind::bad_model;
  constexpr auto unsupported = error_kind::unsupported;
  struct hostile {
    std::string patch;
    error_kind kind;
    std::string message;
  };
  const std::vector<hostile> table{
      {R"({"hidden_activation": "silu"})", unsupported, R"(hidden_activation is "silu", expected one of gelu)"},
      {R"({"classifier_activation": "silu"})", unsupported, R"(classifier_activation is "silu")"},
      {R"({"classifier_pooling": "max"})", unsupported, R"(classifier_pooling is "max", expected "cls" or "mean")"},
      {R"({"classifier_pooling": 1})", bad, "classifier_pooling is 1"},
      {R"({"attention_bias": "yes"})", bad, "attention_bias is"},
      {R"({"local_attention": 0})", bad, "local_attention is 0"},
      {R"({"sliding_window": 128})", unsupported, "sliding_window is 128, expected 64, half of local_attention"},
      {R"({"global_attn_every_n_layers": 0})", bad, "global_attn_every_n_layers is 0"},
      {R"({"layer_types": ["full_attention"]})", bad, "layer_types is"},
      {R"({"layer_types": ["full_attention", "full_attention", "full_attention", "full_attention", "full_attention",
          "full_attention", "chunked_attention"]})",
       unsupported, R"(layer_types[6] is "chunked_attention", expected "full_attention" or "sliding_attention")"},
      {R"({"rope_parameters": {"full_attention": {"rope_type": "yarn", "rope_theta": 3}}})", unsupported,
       R"(rope_parameters.full_attention.rope_type is "yarn", expected "default")"},
      {R"({"rope_parameters": {"sliding_attention": {"type": "linear"}}})", unsupported,
       R"(rope_parameters.sliding_attention.type is "linear")"},
      {R"({"rope_parameters": {"sliding_attention": {"rope_theta": 0}}})", bad,
       "rope_parameters.sliding_attention.rope_theta is 0"},
      {R"({"rope_scaling": {"rope_type": "linear", "factor": 2}})", unsupported, "rope_scaling is"},
      {R"({"global_rope_theta": -1})", bad, "global_rope_theta is -1"},
      {R"({"local_rope_theta": 1e300})", bad, "local_rope_theta is 1e+300"},
      {R"({"hidden_size": 20})", bad, "hidden_size is 20, expected an even number for each of num_attention_heads"},
      {R"({"norm_eps": 2})", bad, "norm_eps is 2"}};
  for (const hostile& entry : table) {
    SCOPED_TRACE(entry.patch);
    expect_error(entry.kind, {entry.message}, [&] { (void)read_patched(entry.patch); });
  }
}

}  // namespace layer_attention_test
