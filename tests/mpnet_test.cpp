// SPDX-License-Identifier: Apache-2.0
// MPNet: its positions and the relative attention bias, on models of tests/generators/mpnet_models.py; compiled once
// against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_damage.hpp"

#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace mpnet_test {

using offramp::classifier;
using offramp::error_kind;
using offramp::exit_output;
using offramp_tests::change_tensors;
using offramp_tests::damage;
using offramp_tests::expect_damage_found;
using offramp_tests::model_in_memory;
using offramp_tests::patch;
using offramp_tests::rename_tensor;
using offramp_tests::tensor_file;

const std::string bias_name = "mpnet.encoder.relative_attention_bias.weight";

/// The answer of the version-5 model after a change of its files.
std::vector<exit_output> answer_after(const damage& change) {
  model_in_memory model("family-mpnet");
  change(model);
  return model.load().classify_every_exit("the story of a man and a dog");
}

void nothing(model_in_memory& /*model*/) {}

TEST(mpnet, counts_positions_from_2_whatever_the_padding_token) {
  EXPECT_EQ(answer_after(patch("config.json", R"({"pad_token_id": 9})")), answer_after(nothing));
}

/// Numbers of the bias table, from row `first` of [32, 5] on, set to another value.
damage set_bias(std::size_t first, std::size_t rows, float value) {
  return change_tensors([=](tensor_file& file) {
    const std::size_t begin = file.header.at(bias_name).at("data_offsets")[0];
    const std::vector<float> row(5, value);
    for (std::size_t i = first; i < first + rows; ++i) {
      std::memcpy(file.data.data() + begin + i * 5 * sizeof(float), row.data(), 5 * sizeof(float));
    }
  });
}

TEST(mpnet, reads_the_bias_of_each_direction) {
  EXPECT_NE(answer_after(set_bias(3, 1, 0.0F)), answer_after(nothing)) << "three tokens before";
  EXPECT_NE(answer_after(set_bias(19, 1, 0.0F)), answer_after(nothing)) << "three tokens behind";
  EXPECT_EQ(answer_after(set_bias(16, 1, 0.0F)), answer_after(nothing)) << "no token is behind at distance 0";
  EXPECT_EQ(answer_after(set_bias(31, 1, 0.0F)), answer_after(nothing)) << "the text is too short";
}

TEST(mpnet, is_refused_by_the_name_of_what_is_wrong) {
  constexpr auto bad = error_kind::bad_model;
  const auto refuse = [](const damage& change, const std::vector<std::string>& parts) {
    expect_damage_found("family-mpnet", change, bad, parts);
  };
  refuse(patch("config.json", R"({"relative_attention_num_buckets": 31})"),
         {"relative_attention_num_buckets is 31, expected an integer from 32 to 32768"});
  refuse(patch("config.json", R"({"relative_attention_num_buckets": 33})"), {bias_name, "[32, 5], expected [33, 5]"});
  refuse(patch("config.json", R"({"max_position_embeddings": 2})"),
         {"max_position_embeddings is 2, expected at least 3, because positions count from 2 on"});
  refuse(rename_tensor(bias_name, "unused"), {bias_name, "is missing"});
  refuse(rename_tensor("mpnet.encoder.layer.1.attention.attn.o.bias", "unused"), {"layer.1.attention.attn.o.bias"});
  refuse(rename_tensor("classifier.dense.weight", "unused"), {"classifier.dense.weight"});
  refuse(rename_tensor("classifier.out_proj.weight", "unused"), {"classifier.out_proj.weight"});
  refuse(set_bias(7, 1, std::numeric_limits<float>::infinity()), {bias_name, "element 35 is inf"});
}

}  // namespace mpnet_test
