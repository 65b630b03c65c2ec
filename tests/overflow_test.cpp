// SPDX-License-Identifier: Apache-2.0
// Finite weights so large that the arithmetic overflows somewhere on the way. Wherever that is, and on every
// instruction set and in every format, the answer is the same error and never a label. Compiled once against each
// target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_damage.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace overflow_test {

using offramp::classifier;
using offramp::error_kind;
using offramp::instruction_set;
using offramp::load_options;
using offramp::numeric_format;
using offramp_tests::change_tensors;
using offramp_tests::damage;
using offramp_tests::expect_refusal;
using offramp_tests::model_in_memory;
using offramp_tests::patch;
using offramp_tests::tensor_file;

/// Multiplies an F32 tensor, so that its largest magnitude becomes `magnitude`.
damage enlarge(const std::string& tensor, float magnitude) {
  return change_tensors([=](tensor_file& file) {
    const auto& offsets = file.header.at(tensor).at("data_offsets");
    std::vector<float> values((offsets.at(1).get<std::size_t>() - offsets.at(0).get<std::size_t>()) / sizeof(float));
    char* data = file.data.data() + offsets.at(0).get<std::size_t>();
    std::memcpy(values.data(), data, values.size() * sizeof(float));
    float largest = 0.0F;
    for (const float value : values) {
      largest = std::max(largest, std::abs(value));
    }
    for (float& value : values) {
      value = value / largest * magnitude;
    }
    std::memcpy(data, values.data(), values.size() * sizeof(float));
  });
}

damage both(const damage& first, const damage& second) {
  return [=](model_in_memory& model) {
    first(model);
    second(model);
  };
}

struct overflow {
  const char* stage;
  damage change;
};

const std::string layer = "bert.encoder.layer.0.";
constexpr float near_the_end = 3e38F;

/// One for each step from the embeddings to the logits.
std::vector<overflow> all_overflows() {
  return {
      {"embeddings", enlarge("bert.embeddings.word_embeddings.weight", near_the_end)},
      {"variance of the embeddings", enlarge("bert.embeddings.word_embeddings.weight", 1e25F)},
      {"scale of the embeddings", enlarge("bert.embeddings.LayerNorm.weight", near_the_end)},
      {"queries", enlarge(layer + "attention.self.query.weight", near_the_end)},
      {"keys", enlarge(layer + "attention.self.key.weight", near_the_end)},
      {"scores", both(enlarge(layer + "attention.self.query.weight", 1e25F),
                      enlarge(layer + "attention.self.key.weight", 1e25F))},
      {"values", enlarge(layer + "attention.self.value.weight", near_the_end)},
      {"attention output", enlarge(layer + "attention.output.dense.weight", near_the_end)},
      {"variance of the attention output", enlarge(layer + "attention.output.dense.weight", 1e25F)},
      {"feed-forward", enlarge(layer + "intermediate.dense.weight", near_the_end)},
      {"feed-forward with relu", both(enlarge(layer + "intermediate.dense.weight", near_the_end),
                                      patch("config.json", R"({"hidden_act": "relu"})"))},
      {"feed-forward with tanh", both(enlarge(layer + "intermediate.dense.weight", near_the_end),
                                      patch("config.json", R"({"hidden_act": "gelu_new"})"))},
      {"feed-forward output", enlarge(layer + "output.dense.weight", near_the_end)},
      {"variance of the feed-forward output", enlarge(layer + "output.dense.weight", 1e25F)},
      {"scale of the output", enlarge(layer + "output.LayerNorm.weight", near_the_end)},
      {"head", both(enlarge("classifier.weight", near_the_end), enlarge("classifier.bias", near_the_end))},
  };
}

struct arithmetic {
  const char* name;
  numeric_format format;
  std::vector<instruction_set> avoid;
};
void PrintTo(const arithmetic& shown, std::ostream* out) { *out << shown.name; }

std::vector<arithmetic> all_arithmetic() {
  using enum numeric_format;
#if defined(OFFRAMP_HEADER_ONLY)
  return {{"float32", float32, {}}};
#else
  using enum instruction_set;
  return {{"float32", float32, {}},
          {"float32_without_avx512", float32, {avx512}},
          {"float32_without_avx", float32, {avx2}},
          {"bfloat16", bfloat16, {}},
          {"bfloat16_without_amx", bfloat16, {amx}},
          {"bfloat16_widened", bfloat16, {avx512_bf16, arm_bf16}},
          {"bfloat16_without_avx512", bfloat16, {avx512}},
          {"bfloat16_without_avx", bfloat16, {avx2}},
          {"int8", int8, {}},
          {"int8_without_amx", int8, {amx}},
          {"int8_without_dot_products", int8, {avx512_vnni, arm_dotprod}},
          {"int8_without_avx512", int8, {avx512}},
          {"int8_without_avx", int8, {avx2}}};
#endif
}

class overflows : public testing::TestWithParam<arithmetic> {
 protected:
  [[nodiscard]] static load_options options() { return {.format = GetParam().format, .avoid = GetParam().avoid}; }
};

INSTANTIATE_TEST_SUITE_P(arithmetic, overflows, testing::ValuesIn(all_arithmetic()),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(overflows, are_errors_that_name_the_exit) {
  // One token after another, and enough of them for every kind of tile.
  const std::vector<std::string> texts{"a", "A good film.", "a good film and a bad film and a good one, I said then"};
  for (const overflow& each : all_overflows()) {
    SCOPED_TRACE(each.stage);
    model_in_memory model("tiny-plain");
    each.change(model);
    const classifier loaded = model.load(options());
    for (const std::string& text : texts) {
      expect_refusal([&] { (void)loaded.classify(text); }, error_kind::bad_model, {"logits of the exit", "not finite"});
    }
    expect_refusal([&] { (void)loaded.classify_batch(texts, offramp::exit_policy::full_depth()); },
                   error_kind::bad_model, {"logits of the exit"});
  }
}

// tanh has a limit, as in PyTorch: a pooler so large says 1 or -1.
TEST_P(overflows, do_not_happen_in_a_pooler_whose_sums_are_finite) {
  model_in_memory model("tiny-plain");
  enlarge("bert.pooler.dense.weight", 1e36F)(model);
  const offramp::prediction answer = model.load(options()).classify("A good film.");
  EXPECT_TRUE(std::isfinite(answer.confidence));
  EXPECT_EQ(answer.label_id, model.load().classify("A good film.").label_id);
}

#if !defined(OFFRAMP_HEADER_ONLY)
// 127 * 127 * 133,144 is the largest such sum within int32.
TEST(int8_sums, that_would_overflow_are_refused) {
  const auto refuse = [](const std::string& size, numeric_format format, error_kind kind, const std::string& part) {
    model_in_memory model("tiny-plain");
    patch("config.json", R"({"intermediate_size": )" + size + "}")(model);
    expect_refusal([&] { (void)model.load({.format = format}); }, kind, {part});
  };
  refuse("133145", numeric_format::int8, error_kind::unsupported,
         "config.json: intermediate_size is 133145, expected at most 133144");
  refuse("133144", numeric_format::int8, error_kind::bad_model, "expected [133144, 24]");
  refuse("133145", numeric_format::float32, error_kind::bad_model, "expected [133145, 24]");
  refuse("133145", numeric_format::bfloat16, error_kind::bad_model, "expected [133145, 24]");
}
#endif

}  // namespace overflow_test
