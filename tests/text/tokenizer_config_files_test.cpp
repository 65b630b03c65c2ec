// SPDX-License-Identifier: Apache-2.0
// What tokenizer_config.json, and the class that it names, say of a tokenizer.
#include "text/corpus.hpp"
#include "text/tokenizer_files.hpp"

#include <offramp/text/tokenizer.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tokenizer_config_files_test {

using nlohmann::json;
using offramp::error;
using offramp::error_kind;
using offramp::text::tokenizer;
using tokenizer_files::contents;
using tokenizer_files::expect_refusal;
using tokenizer_files::valid;
using tokenizer_files::vocabulary;

using ids = std::vector<std::int32_t>;

TEST(tokenizer_config_files, tokenizer_config_names_special_tokens) {
  const tokenizer subject = corpus::load(
      {{"vocab.txt", "<u>\n<c>\n<s>\na\n"},
       {"tokenizer_config.json",
        R"({"unk_token": "<u>", "cls_token": {"content": "<c>"}, "sep_token": "<s>", "pad_token": null})"}});
  EXPECT_EQ(subject.encode("a x <s>", 10).ids, (ids{1, 3, 0, 2, 2}));
}

TEST(tokenizer_config_files, strip_accents_follows_lowercase_unless_it_is_given) {
  const auto load_config = [](const std::string& config) {
    return corpus::load(
        {{"vocab.txt", "[UNK]\n[CLS]\n[SEP]\ne\n\u00e9\n\u00c9\nE\n"}, {"tokenizer_config.json", config}});
  };
  EXPECT_EQ(load_config(R"({})").encode("\u00c9", 9).ids[1], 3);
  EXPECT_EQ(load_config(R"({"strip_accents": null})").encode("\u00c9", 9).ids[1], 3);
  EXPECT_EQ(load_config(R"({"strip_accents": false})").encode("\u00c9", 9).ids[1], 4);
  EXPECT_EQ(load_config(R"({"do_lower_case": false})").encode("\u00c9", 9).ids[1], 5);
  EXPECT_EQ(load_config(R"({"do_lower_case": false, "strip_accents": true})").encode("\u00c9", 9).ids[1], 6);
}

TEST(tokenizer_config_files, a_class_takes_the_vocabulary_of_tokenizer_json_and_knows_the_rest) {
  json document = valid();
  document["normalizer"]["lowercase"] = false;
  document["pre_tokenizer"]["type"] = "WhitespaceSplit";
  document["post_processor"]["cls"] = {"[MASK]", 4};
  const auto encode = [&](const std::string& config) {
    return corpus::load({{"tokenizer.json", document.dump()}, {"tokenizer_config.json", config}})
        .encode("AB a,", 9)
        .ids;
  };
  EXPECT_EQ(encode(R"({"tokenizer_class": "PreTrainedTokenizerFast"})"), (ids{4, 1, 1, 3}));
  EXPECT_EQ(encode(R"({"tokenizer_class": "BertTokenizer"})"), (ids{2, 5, 7, 5, 1, 3}));
  EXPECT_EQ(encode(R"({"tokenizer_class": "ElectraTokenizerFast", "do_lower_case": false})"), (ids{2, 1, 5, 1, 3}));
}

TEST(tokenizer_config_files, model_max_length_is_read_where_it_is_sane) {
  const auto length = [](const std::string& value) {
    return corpus::load({{"tokenizer.json", valid().dump()},
                         {"tokenizer_config.json", R"({"model_max_length": )" + value + "}"}})
        .model_max_length();
  };
  EXPECT_EQ(length("512"), 512U);
  EXPECT_EQ(length("512.0"), 512U);
  EXPECT_EQ(length("1000000000000000019884624838656"), std::nullopt);
  EXPECT_EQ(length("1e30"), std::nullopt);
  EXPECT_EQ(
      corpus::load({{"vocab.txt", vocabulary}, {"tokenizer_config.json", R"({"max_len": 64})"}}).model_max_length(),
      64U);
  EXPECT_EQ(length("null"), std::nullopt);
  EXPECT_EQ(corpus::load({{"vocab.txt", vocabulary}}).model_max_length(), std::nullopt);
  for (const std::string wrong : {"0", "-1", "\"512\"", "[]"}) {
    EXPECT_THROW((void)length(wrong), error) << wrong;
  }
}

TEST(tokenizer_config_files, configs_of_other_tokenizers_are_unsupported) {
  const auto refuse = [](contents files, const std::string& part) {
    files.emplace("vocab.txt", vocabulary);
    expect_refusal(files, error_kind::unsupported, part);
  };
  const auto refuse_config = [&](const std::string& config, const std::string& part) {
    refuse({{"tokenizer_config.json", config}}, part);
  };
  refuse_config(R"({"tokenizer_class": "BertJapaneseTokenizer"})", "BertJapaneseTokenizer");
  refuse_config(R"({"word_tokenizer_type": "mecab"})", "word_tokenizer_type is \"mecab\"");
  refuse_config(R"({"subword_tokenizer_type": "character"})", "subword_tokenizer_type");
  refuse_config(R"({"truncation_side": "left"})", "truncation_side is \"left\"");
  refuse_config(R"({"split_special_tokens": true})", "split_special_tokens");
  refuse_config(R"({"cls_token": null})", "cls_token is null");
  refuse_config(R"({"do_basic_tokenize": false})", "do_basic_tokenize");
  refuse_config(R"({"never_split": ["a"]})", "never_split");
  refuse({{"config.json", R"({"model_type": "roberta", "tokenizer_class": "PhobertTokenizer"})"}}, "PhobertTokenizer");
  refuse({{"config.json", R"({"tokenizer_class": "BertweetTokenizer"})"}}, "BertweetTokenizer");
  refuse({{"bpe.codes", "a b 1\n"}, {"config.json", R"({"model_type": "roberta"})"}}, "bpe.codes");
  EXPECT_NO_THROW((void)corpus::load(
      {{"vocab.txt", vocabulary}, {"tokenizer_config.json", R"({"tokenizer_class": "DistilBertTokenizerFast"})"}}));
}

TEST(tokenizer_config_files, a_missing_file_is_named_by_what_the_class_needs) {
  const auto refuse = [](const std::string& model_type, const std::string& tokenizer_class, const std::string& part) {
    contents files{{"config.json", R"({"model_type": ")" + model_type + "\"}"}};
    if (!tokenizer_class.empty()) {
      files["tokenizer_config.json"] = R"({"tokenizer_class": ")" + tokenizer_class + "\"}";
    }
    expect_refusal(files, error_kind::io, part);
  };
  refuse("bert", "", "neither vocab.txt nor a sentencepiece model");
  refuse("roberta", "", "not both vocab.json and merges.txt");
  refuse("albert", "", "not a sentencepiece model");
  refuse("bert", "PreTrainedTokenizerFast", "tokenizer_class asks for it");
}

TEST(tokenizer_config_files, a_tokenizer_json_of_another_model_than_the_class_has_is_refused) {
  expect_refusal({{"tokenizer.json", valid().dump()}, {"config.json", R"({"model_type": "roberta"})"}},
                 error_kind::unsupported, "model.type is \"WordPiece\", supported is \"BPE\"");
}

TEST(tokenizer_config_files, type_ids_are_given_where_the_class_or_the_config_says_so) {
  const auto gives = [](const std::string& config) {
    return corpus::load({{"tokenizer.json", valid().dump()}, {"tokenizer_config.json", config}}).gives_type_ids();
  };
  EXPECT_TRUE(gives("{}"));
  EXPECT_TRUE(gives(R"({"tokenizer_class": "BertTokenizer"})"));
  EXPECT_FALSE(gives(R"({"tokenizer_class": "DistilBertTokenizer"})"));
  EXPECT_FALSE(gives(R"({"tokenizer_class": "PreTrainedTokenizerFast"})"));
  EXPECT_TRUE(gives(R"({"tokenizer_class": "PreTrainedTokenizerFast",
                        "model_input_names": ["input_ids", "token_type_ids"]})"));
  EXPECT_FALSE(gives(R"({"model_input_names": ["input_ids"]})"));
}

}  // namespace tokenizer_config_files_test
