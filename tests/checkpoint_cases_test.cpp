// SPDX-License-Identifier: Apache-2.0
// Checkpoints as people have them: each gives the ids that transformers gives, loads and classifies, or is refused by
// the name of what is wrong. Compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_damage.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace checkpoint_cases_test {

using nlohmann::json;
using offramp::classifier;
using offramp::encoding;
using offramp::error_kind;
using offramp::prediction;
using offramp_tests::damage;
using offramp_tests::expect_damage_found;
using offramp_tests::expect_refusal;
using offramp_tests::model_in_memory;
using offramp_tests::patch;
using offramp_tests::tensor_file;

std::filesystem::path case_directory(const std::string& name) {
  return std::filesystem::path(OFFRAMP_TEST_DATA) / "checkpoints" / name;
}

class cases_with_ids : public testing::TestWithParam<const char*> {};

TEST_P(cases_with_ids, tokenize_as_transformers_does_and_classify) {
  std::ifstream file(case_directory(GetParam()) / "case.json");
  const json expected = json::parse(file);
  const classifier model = classifier::load(case_directory(GetParam()));
  for (std::size_t i = 0; i < expected["texts"].size(); ++i) {
    const auto text = expected["texts"][i].get<std::string>();
    encoding found = model.tokenize(text);
    EXPECT_EQ(json(found.ids), expected["ids"][i]) << text;
    found.type_ids.resize(found.ids.size());
    const json& types = expected["type_ids"][i];
    EXPECT_EQ(json(found.type_ids), types.is_null() ? json(std::vector<std::int32_t>(found.ids.size())) : types)
        << text;
    EXPECT_EQ(model.classify(text).tokens, static_cast<int>(found.ids.size()));
  }
}

INSTANTIATE_TEST_SUITE_P(all, cases_with_ids,
                         testing::Values("02-added-tokens-json", "02c-decoder-beyond-tokenizer-json",
                                         "02d-additional-special-in-vocab", "02f-slow-v4-save", "03-special-tokens-map",
                                         "04-lower-case-disagree", "29-vocab-json-merges"));

class cases_that_load : public testing::TestWithParam<const char*> {};

TEST_P(cases_that_load, classify) {
  const classifier model = classifier::load(case_directory(GetParam()));
  const prediction answer = model.classify("hello");
  EXPECT_EQ(answer.probabilities.size(), 2U);
  EXPECT_EQ(answer.label, model.labels()[static_cast<std::size_t>(answer.label_id)]);
}

INSTANTIATE_TEST_SUITE_P(all, cases_that_load,
                         testing::Values("13b-label2id-string-values", "15-_orig_mod", "16-alias", "18-type-vocab-1",
                                         "22h-act-gelu_python"));

TEST(checkpoint_cases, what_cannot_run_is_refused_by_name) {
  const auto refuse = [](const std::string& name, error_kind kind, const std::vector<std::string>& parts) {
    SCOPED_TRACE(name);
    expect_refusal([&] { (void)classifier::load(case_directory(name)); }, kind, parts);
  };
  refuse("01-japanese-class-in-config", error_kind::unsupported, {"word_tokenizer_type", "mecab"});
  refuse("14a-lfs-model", error_kind::bad_model, {"model.safetensors", "Git LFS pointer"});
  refuse("14c-lfs-vocab", error_kind::bad_model, {"vocab.txt", "Git LFS pointer"});
  refuse("17-ner-with-pooler", error_kind::unsupported, {"architectures", "BertForTokenClassification", "offramp fit"});
  refuse("25a-bertweet", error_kind::unsupported, {"tokenizer_class", "BertweetTokenizer"});
}

TEST(checkpoint_cases, a_placeholder_of_any_file_is_named) {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
  for (const std::string file : {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors",
                                 "exits.json", "exits.safetensors"}) {
    SCOPED_TRACE(file);
    const auto becomes = [&](const std::string& content) {
      return [=](model_in_memory& model) { model.files[file] = content; };
    };
    expect_damage_found("tiny", becomes(pointer), error_kind::bad_model, {file, "Git LFS pointer", "git lfs pull"});
    expect_damage_found("tiny", becomes("\n<!DOCTYPE HTML><title>Not found</title>"), error_kind::bad_model,
                        {file, "HTML page"});
    expect_damage_found("tiny", becomes("<html lang=\"en\">"), error_kind::bad_model, {file, "HTML page"});
  }
}

/// What the tiny plain classifier says after a change that must not matter.
void expect_same_answer(const damage& change) {
  model_in_memory model("tiny-plain");
  const std::vector<float> expected = model.load().classify("a film").probabilities;
  change(model);
  EXPECT_EQ(model.load().classify("a film").probabilities, expected);
}

damage rename_all(const std::function<std::string(const std::string&)>& rename) {
  return offramp_tests::change_tensors([=](tensor_file& file) {
    const json tensors = file.header;
    for (const auto& [name, entry] : tensors.items()) {
      if (name != "__metadata__" && rename(name) != name) {
        file.rename(name, rename(name));
      }
    }
  });
}

template <typename T>
void add_tensor(tensor_file& file, const std::string& name, const std::string& type, const json& shape,
                const std::vector<T>& values) {
  const std::size_t begin = file.data.size();
  file.data.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  file.header[name] = {{"dtype", type}, {"shape", shape}, {"data_offsets", {begin, file.data.size()}}};
}

TEST(checkpoint_cases, word_embeddings_under_another_name_of_the_metadata_are_read) {
  for (const std::string name : {"cls.predictions.decoder.weight", "lm_head.weight", "lm_head.decoder.weight", "x"}) {
    expect_same_answer(offramp_tests::change_tensors([&](tensor_file& file) {
      const std::string words = "bert.embeddings.word_embeddings.weight";
      file.rename(words, name);
      file.header["__metadata__"][words] = name;
    }));
  }
}

TEST(checkpoint_cases, word_embeddings_that_only_a_decoder_may_have_are_refused_by_both_names) {
  for (const std::string name : {"cls.predictions.decoder.weight", "predictions.decoder.weight", "lm_head.weight",
                                 "lm_head.decoder.weight", "vocab_projector.weight", "generator_lm_head.weight"}) {
    const std::string words = "bert.embeddings.word_embeddings.weight";
    const auto rename = offramp_tests::change_tensors([&](tensor_file& file) { file.rename(words, name); });
    expect_damage_found("tiny-plain", rename, error_kind::bad_model,
                        {"model.safetensors: tensor \"" + words + "\" is missing", "store \"" + name + "\""});
  }
}

TEST(checkpoint_cases, double_precision_is_rounded) {
  expect_same_answer(offramp_tests::change_tensors([](tensor_file& file) {
    const std::string name = "classifier.weight";
    const json entry = file.header.at(name);
    ASSERT_EQ(entry["dtype"], "F32");
    const std::size_t begin = entry["data_offsets"][0];
    std::vector<float> stored((entry["data_offsets"][1].get<std::size_t>() - begin) / sizeof(float));
    std::memcpy(stored.data(), file.data.data() + begin, stored.size() * sizeof(float));
    file.rename(name, "unused");
    add_tensor(file, name, "F64", entry["shape"], std::vector<double>(stored.begin(), stored.end()));
  }));
}

TEST(checkpoint_cases, wrappers_of_training_are_passed_over) {
  for (const std::string prefix : {"_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module."}) {
    SCOPED_TRACE(prefix);
    expect_same_answer(rename_all([&](const std::string& name) { return prefix + name; }));
  }
  expect_same_answer(rename_all(
      [](const std::string& name) { return name.starts_with("bert.") ? "bert._orig_mod." + name.substr(5) : name; }));
}

TEST(checkpoint_cases, one_tensor_with_and_without_a_wrapper_is_refused) {
  expect_damage_found("tiny-plain", offramp_tests::change_tensors([](tensor_file& file) {
                        file.header["module.classifier.bias"] = file.header["classifier.bias"];
                        file.header["module.classifier.bias"]["shape"] = {0};
                        const auto end = file.header["classifier.bias"]["data_offsets"][1];
                        file.header["module.classifier.bias"]["data_offsets"] = {end, end};
                      }),
                      error_kind::bad_model, {"module.classifier.bias", "stands in"});
}

TEST(checkpoint_cases, settings_whose_meaning_is_plain_load) {
  expect_same_answer(patch("config.json", R"({"hidden_act": "gelu_python"})"));
  expect_same_answer(patch("config.json", R"({"label2id": {"entailment": 0, "neutral": 1, "contradiction": 2}})"));
  model_in_memory model("tiny-plain");
  patch("config.json",
        R"({"id2label": {"0": 1, "1": -1, "2": 0}, "label2id": {"1": "0", "-1": "1", "0": "2"}})")(model);
  EXPECT_EQ(model.load().labels(), (std::vector<std::string>{"1", "-1", "0"}));
}

TEST(checkpoint_cases, the_approximations_of_gelu_are_one) {
  const auto answer = [](const std::string& name) {
    model_in_memory model("tiny-plain");
    patch("config.json", R"({"hidden_act": ")" + name + "\"}")(model);
    return model.load().classify("a film").probabilities;
  };
  for (const char* name : {"gelu_fast", "gelu_accurate", "gelu_python_tanh", "gelu_pytorch_tanh"}) {
    EXPECT_EQ(answer(name), answer("gelu_new")) << name;
  }
  EXPECT_NE(answer("gelu"), answer("gelu_new"));
}

TEST(checkpoint_cases, a_text_needs_room) {
  expect_damage_found("tiny-plain", patch("tokenizer_config.json", R"({"model_max_length": 1})"), error_kind::bad_model,
                      {"tokenizer_config.json", "model_max_length is 1", "at least 4"});
}

TEST(checkpoint_cases, exits_make_up_for_any_architecture) {
  model_in_memory model("tiny");
  patch("config.json", R"({"architectures": ["BertForMaskedLM"]})")(model);
  EXPECT_NO_THROW((void)model.load());
  for (const char* task : {"BertForQuestionAnswering", "BertForMaskedLM", "BertForMultipleChoice", "BertForPreTraining",
                           "BertForNextSentencePrediction", "BertLMHeadModel"}) {
    expect_damage_found("tiny-plain", patch("config.json", R"({"architectures": [")" + std::string(task) + "\"]}"),
                        error_kind::unsupported, {"architectures", task});
  }
}

TEST(checkpoint_cases, an_encoder_without_a_classifier_tokenizes) {
  const std::filesystem::path directory = case_directory("17-ner-with-pooler");
  const auto tokens = offramp::tokenizer::load(directory);
  EXPECT_EQ(tokens.tokenize("[CLS]").ids, (std::vector<std::int32_t>{2, 2, 3}));
  EXPECT_EQ(tokens.tokenize(offramp::sentence_pair{"[SEP]", "[CLS]"}).type_ids,
            (std::vector<std::int32_t>{0, 0, 0, 1, 1}));
  EXPECT_EQ(tokens.piece(2), "[CLS]");
  EXPECT_EQ(tokens.max_tokens(), 64);
  const offramp::encoder_description encoder = offramp::describe_encoder(directory);
  EXPECT_EQ(encoder.model_type, "bert");
  EXPECT_EQ(encoder.num_layers, 1);
  EXPECT_NE(encoder.objection.find("BertForTokenClassification"), std::string::npos);
  EXPECT_EQ(offramp::describe_encoder(case_directory("15-_orig_mod")).objection, "");
  const std::filesystem::path pairs = offramp_tests::tiny_directory("tiny-pair");
  EXPECT_EQ(offramp::tokenizer::load(pairs).expected_input(), offramp::input_kind::pair);
  EXPECT_EQ(offramp::tokenizer::load(pairs).max_tokens(), classifier::load(pairs).max_tokens());
}

TEST(checkpoint_cases, one_token_type_reads_single_texts) {
  const classifier model = classifier::load(case_directory("18-type-vocab-1"));
  EXPECT_NO_THROW((void)model.classify(offramp::sentence_pair{"hello", ""}));
  expect_refusal(
      [&] {
        (void)model.classify(offramp::sentence_pair{"hello", "hello"});
      },
      error_kind::unsupported, {"type_vocab_size is 1", "pairs"});
}

TEST(checkpoint_cases, roberta_reads_token_types_where_the_tokenizer_gives_them) {
  const auto types_of = [](int rows) {
    model_in_memory model("family-roberta");
    patch("config.json", R"({"type_vocab_size": )" + std::to_string(rows) + "}")(model);
    offramp_tests::change_tensors([&](tensor_file& file) {
      const std::string name = "roberta.embeddings.token_type_embeddings.weight";
      file.rename(name, "unused");
      add_tensor(file, name, "F32", {rows, 16}, std::vector<float>(static_cast<std::size_t>(rows) * 16, 0.5F));
    })(model);
    return model.load().tokenize(offramp::sentence_pair{"a", "a"}).type_ids;
  };
  EXPECT_TRUE(types_of(1).empty());
  EXPECT_EQ(types_of(2).back(), 1);
}

}  // namespace checkpoint_cases_test
