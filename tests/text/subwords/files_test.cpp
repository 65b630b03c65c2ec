// SPDX-License-Identifier: Apache-2.0
#include "text/corpus.hpp"

#include <offramp/text/tokenizer.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace subword_files_test {

using nlohmann::json;
using offramp::error;
using offramp::error_kind;
using offramp::text::tokenizer;

using ids = std::vector<std::int32_t>;

json unigram_document() {
  return json::parse(R"({
    "added_tokens": [],
    "normalizer": null,
    "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"},
    "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]},
    "model": {"type": "Unigram", "unk_id": 1, "vocab": [["<s>", 0.0], ["<unk>", 0.0], ["</s>", 0.0], ["\u2581", -2.0],
                                                       ["a", -3.0], ["b", -3.5], ["ab", -4.0]]}})");
}

json byte_pair_document() {
  json result = unigram_document();
  result["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
  result["model"] = json::parse(R"({
    "type": "BPE", "merges": ["#version: 0.2", "a b"],
    "vocab": {"<s>": 0, "<unk>": 1, "</s>": 2, "a": 3, "b": 4, "ab": 5, "\u0120": 6}})");
  return result;
}

tokenizer load_json(const json& document) { return corpus::load({{"tokenizer.json", document.dump()}}); }

using change = std::function<void(json&)>;

void expect_refusal(json document, const change& edit, error_kind kind, const std::string& part) {
  edit(document);
  try {
    (void)load_json(document);
    ADD_FAILURE() << "accepted, expected: " << part;
  } catch (const error& failure) {
    EXPECT_EQ(failure.kind(), kind) << failure.what();
    EXPECT_NE(std::string(failure.what()).find(part), std::string::npos) << failure.what() << "\nexpected: " << part;
  }
}

void refuse_unigram(const change& edit, error_kind kind, const std::string& part) {
  expect_refusal(unigram_document(), edit, kind, part);
}

void refuse_byte_pair(const change& edit, error_kind kind, const std::string& part) {
  expect_refusal(byte_pair_document(), edit, kind, part);
}

constexpr auto bad = error_kind::bad_model;
constexpr auto unsupported = error_kind::unsupported;

TEST(subword_files, unigram_takes_the_best_path) {
  EXPECT_EQ(load_json(unigram_document()).encode("ab a xy", 20).ids, (ids{0, 3, 6, 3, 4, 3, 1, 2}));
}

TEST(subword_files, byte_pairs_merge) {
  EXPECT_EQ(load_json(byte_pair_document()).encode("ab ba", 20).ids, (ids{0, 5, 6, 4, 3, 2}));
}

TEST(subword_files, an_old_model_without_a_type_is_known_by_its_fields) {
  for (json document : {unigram_document(), byte_pair_document()}) {
    const ids expected = load_json(document).encode("ab a", 20).ids;
    document["model"].erase("type");
    EXPECT_EQ(load_json(document).encode("ab a", 20).ids, expected);
  }
}

TEST(subword_files, unigram_must_make_sense) {
  refuse_unigram([](json& d) { d["model"]["unk_id"] = nullptr; }, unsupported, "model.unk_id is null");
  refuse_unigram([](json& d) { d["model"]["unk_id"] = 7; }, bad, "model.unk_id is 7, expected an integer from 0 to 6");
  refuse_unigram([](json& d) { d["model"]["vocab"] = json::array(); }, bad, "model.vocab");
  refuse_unigram([](json& d) { d["model"]["vocab"] = json::object(); }, bad, "model.vocab");
  refuse_unigram([](json& d) { d["model"]["vocab"][4] = "a"; }, bad, "model.vocab[4]");
  refuse_unigram([](json& d) { d["model"]["vocab"][4] = json::array({"a", -3.0, 1}); }, bad, "model.vocab[4]");
  refuse_unigram([](json& d) { d["model"]["vocab"][4] = json::array({"a", "x"}); }, bad, "model.vocab[4][1]");
  refuse_unigram([](json& d) { d["model"]["vocab"][4] = json::array({5, -1.0}); }, bad, "model.vocab[4][0]");
  refuse_unigram(
      [](json& d) {
        d["model"]["byte_fallback"] = true;
        d["model"]["vocab"].push_back(json::array({"<0x41>", -9.0}));
      },
      unsupported, "model.byte_fallback is true and 1 bytes");
}

TEST(subword_files, byte_pairs_must_make_sense) {
  refuse_byte_pair([](json& d) { d["model"]["merges"] = json::array({"a c"}); }, bad, "model.merges[0]: \"c\"");
  refuse_byte_pair([](json& d) { d["model"]["merges"] = json::array({"b a"}); }, bad, "model.merges[0]: \"ba\"");
  refuse_byte_pair([](json& d) { d["model"]["merges"] = json::array({"a  b"}); }, bad, "model.merges[0]");
  refuse_byte_pair([](json& d) { d["model"]["merges"] = json::array({"ab"}); }, bad, "model.merges[0]");
  refuse_byte_pair(
      [](json& d) {
        d["model"]["merges"] = json::array({json::array({"a", "b", "c"})});
      },
      bad, "model.merges[0]");
  refuse_byte_pair(
      [](json& d) {
        d["model"]["merges"] = json::array({json::array({"a", 1})});
      },
      bad, "model.merges[0][1]");
  refuse_byte_pair([](json& d) { d["model"].erase("merges"); }, bad, "merges");
  refuse_byte_pair([](json& d) { d["model"]["dropout"] = 0.1; }, unsupported, "model.dropout is 0.1");
  refuse_byte_pair([](json& d) { d["model"]["continuing_subword_prefix"] = "##"; }, unsupported, "continuing_subword");
  refuse_byte_pair([](json& d) { d["model"]["unk_token"] = "<x>"; }, bad, "model.vocab has no token \"<x>\"");
  refuse_byte_pair([](json& d) { d["model"]["vocab"]["a"] = 4; }, bad, "id 4 stands for two pieces");
}

TEST(subword_files, normalizers_that_are_not_offered_are_named) {
  const auto with = [](json normalizer) { return [=](json& d) { d["normalizer"] = normalizer; }; };
  refuse_unigram(with({{"type", "Nmt"}}), unsupported, "normalizer.type is \"Nmt\"");
  refuse_unigram(
      with({{"type", "Sequence"}, {"normalizers", json::parse(R"([{"type": "NFC"}, {"type": "ByteLevel"}])")}}),
      unsupported, "normalizer.normalizers[1].type is \"ByteLevel\"");
  const auto replace = [](json pattern) { return json{{"type", "Replace"}, {"pattern", pattern}, {"content", " "}}; };
  refuse_unigram(with(replace({{"Regex", "\\s+"}})), unsupported, "normalizer.pattern.Regex is \"\\\\s+\"");
  refuse_unigram(with(replace({{"String", ""}})), unsupported, "normalizer.pattern.String");
  refuse_unigram(with(replace(json::object())), bad, "String");
  refuse_unigram(with({{"type", "Strip"}, {"strip_left", true}}), bad, "strip_right");
  refuse_unigram(with({{"type", "Precompiled"}, {"precompiled_charsmap", nullptr}}), bad, "precompiled_charsmap");
  refuse_unigram(with({{"type", "Precompiled"}, {"precompiled_charsmap", "AAA"}}), bad, "is not base64");
  refuse_unigram(with({{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA"}}), bad, "has 3 bytes");
}

TEST(subword_files, pre_tokenizers_that_are_not_offered_are_named) {
  const auto set = [](const std::string& key, json value) { return [=](json& d) { d["pre_tokenizer"][key] = value; }; };
  refuse_unigram(set("type", "Digits"), unsupported, "pre_tokenizer.type is \"Digits\"");
  refuse_unigram(set("prepend_scheme", "first"), unsupported, "pre_tokenizer.prepend_scheme is \"first\"");
  refuse_unigram(set("add_prefix_space", false), bad, "pre_tokenizer.add_prefix_space");
  refuse_unigram(set("replacement", "ab"), bad, "pre_tokenizer.replacement");
  refuse_unigram(set("replacement", ""), bad, "pre_tokenizer.replacement");
  refuse_byte_pair(set("add_prefix_space", nullptr), bad, "add_prefix_space");
  const auto split = [](const std::string& key, json value) {
    return [=](json& d) {
      d["pre_tokenizer"] = {
          {"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}, {"invert", false}};
      d["pre_tokenizer"][key] = value;
    };
  };
  refuse_byte_pair(split("pattern", {{"String", "  "}}), unsupported, "pre_tokenizer.pattern is object");
  refuse_byte_pair(split("pattern", {{"Regex", " "}}), unsupported, "pre_tokenizer.pattern is object");
  refuse_byte_pair(split("pattern", nullptr), bad, "\"pattern\" is missing");
  refuse_byte_pair(split("behavior", "Removed"), unsupported, "pre_tokenizer.behavior is \"Removed\"");
  refuse_byte_pair(split("invert", true), unsupported, "pre_tokenizer.invert is true");
}

TEST(subword_files, post_processors_around_byte_level) {
  json document = byte_pair_document();
  const json roberta = document["post_processor"];
  const json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}};
  document["post_processor"] = {{"type", "Sequence"}, {"processors", json::array({byte_level, roberta})}};
  EXPECT_EQ(load_json(document).encode("a", "b", 20).ids, (ids{0, 3, 2, 2, 4, 2}));
  const auto with = [](json processors) {
    return [=](json& d) { d["post_processor"] = {{"type", "Sequence"}, {"processors", processors}}; };
  };
  refuse_byte_pair(with(json::array({byte_level})), unsupported, "holds 0 post-processors");
  refuse_byte_pair(with(json::array({roberta, roberta})), unsupported, "holds 2 post-processors");
}

TEST(subword_files, whitespace_as_pretokenizer_is_for_wordpiece) {
  EXPECT_THROW(
      (void)corpus::load({{"tokenizer.json", unigram_document().dump()}}, offramp::text::pretokenizer::whitespace),
      error);
}

TEST(subword_files, changed_bytes_never_do_more_than_throw) {
  for (const std::string& whole : {unigram_document().dump(), byte_pair_document().dump()}) {
    for (std::size_t position = 0; position < whole.size(); ++position) {
      for (const char byte : {'"', '}', '9', '\xFF'}) {
        std::string changed = whole;
        changed[position] = byte;
        try {
          EXPECT_GE(corpus::load({{"tokenizer.json", changed}}).encode("ab ba", 10).ids.size(), 2U);
        } catch (const error& failure) {
          EXPECT_NE(failure.kind(), error_kind::io) << failure.what();
        }
      }
    }
  }
}

TEST(subword_files, a_word_of_a_million_letters_is_no_trouble) {
  std::string word;
  while (word.size() < 1000000) {
    word += "ab";
  }
  EXPECT_EQ(load_json(unigram_document()).encode(word, 1000000).ids.size(), 500003U);
  EXPECT_EQ(load_json(byte_pair_document()).encode(word, 1000000).ids.size(), 500002U);
  const std::string unknown(1000000, 'x');
  EXPECT_EQ(load_json(unigram_document()).encode(unknown, 100).ids, (ids{0, 3, 1, 2}));
}

}  // namespace subword_files_test
