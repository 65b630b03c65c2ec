// SPDX-License-Identifier: Apache-2.0
// ModernBERT: its joined layers and local attention, on models of tests/generators/modernbert_models.py; compiled once
// against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_damage.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace modernbert_test {

using offramp::classifier;
using offramp::encoding;
using offramp::error_kind;
using offramp::exit_output;
using offramp_tests::change_tensors;
using offramp_tests::damage;
using offramp_tests::expect_damage_found;
using offramp_tests::model_in_memory;
using offramp_tests::patch;
using offramp_tests::rename_tensor;
using offramp_tests::tensor_file;

TEST(modernbert, is_refused_by_the_name_of_what_is_wrong) {
  const auto refuse = [](const damage& change, const std::vector<std::string>& parts) {
    expect_damage_found("family-modernbert", change, error_kind::bad_model, parts);
  };
  for (const char* name :
       {"model.embeddings.norm.weight", "model.layers.0.attn.Wqkv.weight", "model.layers.1.attn_norm.weight",
        "model.layers.2.attn.Wo.weight", "model.layers.2.mlp.Wi.weight", "model.layers.3.mlp.Wo.weight",
        "model.layers.0.mlp_norm.weight", "model.final_norm.weight", "head.dense.weight", "head.norm.weight",
        "classifier.weight", "classifier.bias"}) {
    refuse(rename_tensor(name, "unused"), {name, "is missing"});
  }
  for (const auto& [field, tensor] :
       {std::pair("attention_bias", "attn.Wo.bias"), std::pair("mlp_bias", "mlp.Wi.bias"),
        std::pair("norm_bias", "norm.bias"), std::pair("classifier_bias", "head.dense.bias")}) {
    refuse(patch("config.json", R"({")" + std::string(field) + R"(": true})"), {tensor, "is missing"});
  }
  refuse(patch("config.json", R"({"intermediate_size": 21})"),
         {"layers.0.mlp.Wi.weight", "[40, 24], expected [42, 24]"});
  refuse(rename_tensor("model.embeddings.tok_embeddings.weight", "decoder.weight"),
         {"model.embeddings.tok_embeddings.weight", "is missing", "store \"decoder.weight\" under that name"});
}

/// Changes `count` numbers of a tensor of float16, from `first` on, to 0.5.
damage set_half(const std::string& name, std::size_t first, std::size_t count) {
  return change_tensors([=](tensor_file& file) {
    const std::size_t begin = file.header.at(name).at("data_offsets")[0];
    const std::vector<std::uint16_t> halves(count, 0x3800);
    std::memcpy(file.data.data() + begin + first * 2, halves.data(), count * 2);
  });
}

std::vector<exit_output> answer_after(const damage& change) {
  model_in_memory model("family-modernbert");
  change(model);
  return model.load().classify_every_exit("the story of a man and a dog");
}

TEST(modernbert, reads_every_part_of_its_joined_layers) {
  const std::vector<exit_output> before = answer_after([](model_in_memory&) {});
  const std::string attention = "model.layers.1.attn.Wqkv.weight";  // [72, 24]
  for (const std::size_t row : {0UL, 24UL, 48UL}) {
    EXPECT_NE(answer_after(set_half(attention, row * 24, 24)), before) << "row " << row;
  }
  const std::string feed_forward = "model.layers.1.mlp.Wi.weight";  // [40, 24]
  for (const std::size_t row : {0UL, 20UL}) {
    EXPECT_NE(answer_after(set_half(feed_forward, row * 24, 24)), before) << "row " << row;
  }
}

/// The first token of a text sees, through local layers alone, as many tokens as they reach.
TEST(modernbert, sees_no_further_than_its_windows) {
  model_in_memory model("family-modernbert");
  patch("config.json", R"({"layer_types": ["sliding_attention", "sliding_attention", "sliding_attention",
                                           "sliding_attention"]})")(model);
  const classifier local = model.load();
  std::vector<std::int32_t> ids(100, 20);
  const encoding all{.ids = ids, .type_ids = {}};
  const auto before = local.classify_every_exit(all);
  ids[17] = 30;  // four layers of four tokens each
  EXPECT_EQ(local.classify_every_exit(encoding{.ids = ids, .type_ids = {}}), before);
  ids[16] = 30;
  EXPECT_NE(local.classify_every_exit(encoding{.ids = ids, .type_ids = {}}), before);
}

}  // namespace modernbert_test
