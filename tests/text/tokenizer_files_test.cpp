// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_files.hpp"
#include "text/corpus.hpp"

#include <offramp/text/tokenizer.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tokenizer_files_test {

using nlohmann::json;
using offramp::error;
using offramp::error_kind;
using offramp::text::tokenizer;
using tokenizer_files::expect_json_refusal;
using tokenizer_files::expect_refusal;
using tokenizer_files::load_json;
using tokenizer_files::valid;

using ids = std::vector<std::int32_t>;

TEST(tokenizer_files, tokenizer_json_comes_before_vocab_txt) {
  const tokenizer subject = corpus::load({{"tokenizer.json", valid().dump()}, {"vocab.txt", "nonsense"}});
  EXPECT_EQ(subject.encode("ab", 10).ids, (ids{2, 5, 7, 3}));
}

TEST(tokenizer_files, no_file_is_an_io_error) { expect_refusal({}, error_kind::io, "tokenizer.json"); }

TEST(tokenizer_files, truncation_and_padding_are_ignored) {
  json document = valid();
  document["truncation"] = {{"max_length", 3}, {"strategy", "LongestFirst"}, {"stride", 0}, {"direction", "Right"}};
  document["padding"] = {{"strategy", {{"Fixed", 20}}}, {"pad_id", 0}};
  EXPECT_EQ(load_json(document).encode("a b a b", 10).ids, (ids{2, 5, 6, 5, 6, 3}));
}

TEST(tokenizer_files, template_processing_says_where_the_texts_go) {
  json document = valid();
  const auto special = [](const std::string& id, int type) {
    return json{{"SpecialToken", {{"id", id}, {"type_id", type}}}};
  };
  const auto sequence = [](const std::string& id, int type) {
    return json{{"Sequence", {{"id", id}, {"type_id", type}}}};
  };
  document["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {sequence("A", 0), special("end", 0)}},
      {"pair", {sequence("B", 1), special("end", 2), sequence("A", 0)}},
      {"special_tokens", {{"end", {{"id", "end"}, {"ids", {3, 4}}, {"tokens", {"[SEP]", "[MASK]"}}}}}}};
  const tokenizer subject = load_json(document);
  EXPECT_EQ(subject.encode("a", 10).ids, (ids{5, 3, 4}));
  EXPECT_EQ(subject.encode("a", "b", 10).ids, (ids{6, 3, 4, 5}));
  EXPECT_EQ(subject.encode("a", "b", 10).type_ids, (ids{1, 2, 2, 0}));
  for (const char* texts : {"single", "pair"}) {
    json without = document;
    without["post_processor"][texts] = {sequence("A", 0)};
    if (std::string(texts) == "pair") {
      without["post_processor"][texts].push_back(sequence("B", 1));
    }
    expect_refusal({{"tokenizer.json", without.dump()}}, error_kind::unsupported, "an empty text would have no token");
  }
}

TEST(tokenizer_files, no_normalizer_makes_texts_fill_memory) {
  const auto replace = [](const std::string& pattern, const std::string& content) {
    return json{{"type", "Replace"}, {"pattern", {{"String", pattern}}}, {"content", content}};
  };
  const auto with_steps = [](const json& steps) {
    return [steps](json& document) { document["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}}; };
  };
  const auto repeated = [](std::size_t times, const json& step) { return json(times, step); };
  const std::string much = "normalizer may make a text more than 16384 times as long";
  expect_json_refusal(with_steps(repeated(15, replace("a", "aa"))), error_kind::unsupported, much);
  expect_json_refusal(with_steps(repeated(5, {{"type", "NFKC"}})), error_kind::unsupported, much);
  const json inner = {{"type", "Sequence"}, {"normalizers", repeated(8, replace("ab", "aaab"))}};
  expect_json_refusal(with_steps(repeated(2, inner)), error_kind::unsupported, much);
  const std::string many(1025, 'a');
  expect_json_refusal(with_steps(json::array({replace("a", many)})), error_kind::unsupported, "content has 1025 bytes");
  expect_json_refusal(with_steps(json::array({{{"type", "Prepend"}, {"prepend", many}}})), error_kind::unsupported,
                      "prepend has 1025 bytes");
  expect_json_refusal(with_steps({replace("aa", std::string(200, 'b')), replace("b", std::string(200, 'c'))}),
                      error_kind::unsupported, much);
  // Not of what only looks like growth: each character is replaced in a step of its own.
  json around = json::array();
  for (const char mark : std::string("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~")) {
    around.push_back(replace(std::string(1, mark), " " + std::string(1, mark) + " "));
  }
  for (const json& steps : {repeated(14, replace("a", "aa")), around, repeated(60, replace(".", " . "))}) {
    json document = valid();
    with_steps(steps)(document);
    EXPECT_EQ(load_json(document).encode("b", 10).ids, (ids{2, 6, 3}));
  }
}

TEST(tokenizer_files, without_a_normalizer_text_stays_as_it_is) {
  json document = valid();
  document["normalizer"] = nullptr;
  EXPECT_EQ(load_json(document).encode("a A", 10).ids, (ids{2, 5, 1, 3}));
}

TEST(tokenizer_files, what_is_not_offered_is_unsupported) {
  const auto type = [](const std::string& field, const std::string& name) {
    return [=](json& document) { document[field]["type"] = name; };
  };
  const auto null = [](const std::string& field) { return [=](json& document) { document[field] = nullptr; }; };
  constexpr auto unsupported = error_kind::unsupported;
  expect_json_refusal(type("model", "WordLevel"), unsupported, "model.type is \"WordLevel\"");
  expect_json_refusal(type("normalizer", "Nmt"), unsupported, "normalizer.type is \"Nmt\"");
  expect_json_refusal(type("pre_tokenizer", "Digits"), unsupported, "pre_tokenizer.type is \"Digits\"");
  expect_json_refusal(type("post_processor", "ByteLevel"), unsupported, "post_processor.type is \"ByteLevel\"");
  expect_json_refusal(null("pre_tokenizer"), unsupported, "pre_tokenizer");
  expect_json_refusal(null("post_processor"), unsupported, "post_processor");
  expect_json_refusal([](json& d) { d["model"]["max_input_chars_per_word"] = 1001; }, unsupported, "1001");
}

TEST(tokenizer_files, a_vocabulary_must_make_sense) {
  constexpr auto bad = error_kind::bad_model;
  expect_json_refusal([](json& d) { d["model"]["vocab"]["a"] = -1; }, bad, "model.vocab.a");
  expect_json_refusal([](json& d) { d["model"]["vocab"]["a"] = 1 << 20; }, bad, "model.vocab.a");
  expect_json_refusal([](json& d) { d["model"]["vocab"]["a"] = 1.0; }, bad, "model.vocab.a");
  expect_json_refusal([](json& d) { d["model"]["vocab"]["a"] = "5"; }, bad, "model.vocab.a");
  expect_json_refusal([](json& d) { d["model"]["vocab"]["a"] = 6; }, bad, "id 6 stands for two pieces");
  expect_json_refusal([](json& d) { d["model"]["vocab"].erase("[UNK]"); }, bad, "[UNK]");
  expect_json_refusal([](json& d) { d["model"]["vocab"] = json::array(); }, bad, "model.vocab");
  expect_json_refusal([](json& d) { d["model"].erase("vocab"); }, bad, "vocab");
  expect_json_refusal([](json& d) { d["model"]["max_input_chars_per_word"] = 0; }, bad, "max_input_chars_per_word");
}

TEST(tokenizer_files, added_tokens_must_make_sense) {
  constexpr auto bad = error_kind::bad_model;
  expect_json_refusal([](json& d) { d["added_tokens"][1].erase("content"); }, bad, "content");
  expect_json_refusal([](json& d) { d["added_tokens"][1]["content"] = ""; }, bad, "added_tokens[1].content");
  expect_json_refusal([](json& d) { d["added_tokens"][1]["id"] = -1; }, bad, "added_tokens[1].id");
  expect_json_refusal(
      [](json& d) {
        d["added_tokens"].push_back({{"id", 8}, {"content", "\u0301"}, {"normalized", true}});
      },
      error_kind::unsupported, "empty once normalized");
}

TEST(tokenizer_files, added_tokens_get_the_ids_that_the_vocabulary_has_for_them) {
  json document = valid();
  document["added_tokens"][1]["id"] = 7;
  const auto add = [&](int id, const std::string& content, bool lstrip) {
    document["added_tokens"].push_back({{"id", id}, {"content", content}, {"special", true}, {"lstrip", lstrip}});
  };
  add(12, "<x>", false);
  add(9, "<y>", false);
  add(8, "<x>", true);
  const tokenizer subject = load_json(document);
  EXPECT_EQ(subject.encode("[UNK] <x> <y>", 10).ids, (ids{2, 1, 8, 9, 3}));
  EXPECT_EQ(subject.vocabulary_size(), 10U);
}

TEST(tokenizer_files, post_processors_must_make_sense) {
  constexpr auto bad = error_kind::bad_model;
  expect_json_refusal([](json& d) { d["post_processor"]["sep"][1] = 8; }, bad, "token id 8");
  expect_json_refusal([](json& d) { d["post_processor"]["cls"] = "x"; }, bad, "post_processor.cls");
  const auto templates = [](json single, json pair) {
    return [=](json& document) {
      document["post_processor"] = {
          {"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", json::object()}};
    };
  };
  const json a = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const json b = {{"Sequence", {{"id", "B"}, {"type_id", 1}}}};
  const json c = {{"Sequence", {{"id", "C"}, {"type_id", 0}}}};
  const json special = {{"SpecialToken", {{"id", "[SEP]"}, {"type_id", 0}}}};
  const json both = json::array({a, b});
  expect_json_refusal(templates(json::array({a, a}), both), bad, "the sequence A once");
  expect_json_refusal(templates(json::array({b}), both), bad, "the sequence A once");
  expect_json_refusal(templates(json::array({a}), json::array({a})), bad, "once each");
  expect_json_refusal(templates(json::array({a}), json::array()), bad, "pair");
  expect_json_refusal(templates(json::array({c}), both), bad, "\"A\" or \"B\"");
  expect_json_refusal(templates(json::array({a, special}), both), bad, "[SEP]");
}

TEST(tokenizer_files, every_part_of_the_wrong_type_is_refused) {
  for (const json& wrong : {json(1), json("x"), json::array({1}), json(true)}) {
    for (const std::string field : {"model", "normalizer", "pre_tokenizer", "post_processor"}) {
      json document = valid();
      document[field] = wrong;
      EXPECT_THROW((void)load_json(document), error) << field << wrong;
    }
    json document = valid();
    document["added_tokens"] = wrong;
    EXPECT_THROW((void)load_json(document), error) << wrong;
    EXPECT_THROW((void)load_json(wrong), error) << wrong;
  }
}

TEST(tokenizer_files, every_prefix_of_a_tokenizer_json_is_refused) {
  const std::string whole = valid().dump();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW((void)corpus::load({{"tokenizer.json", whole.substr(0, length)}}), error) << length;
  }
}

TEST(tokenizer_files, changed_bytes_never_do_more_than_throw) {
  const std::string whole = valid().dump();
  for (std::size_t position = 0; position < whole.size(); ++position) {
    for (const char byte : {'\0', '"', '}', '9', '-', '\xFF'}) {
      std::string changed = whole;
      changed[position] = byte;
      try {
        EXPECT_GE(corpus::load({{"tokenizer.json", changed}}).encode("a[SEP]b", 10).ids.size(), 2U);
      } catch (const error& failure) {
        EXPECT_NE(failure.kind(), error_kind::io) << failure.what();
      }
    }
  }
}

TEST(tokenizer_files, vocab_txt_lines_are_pieces) {
  EXPECT_EQ(corpus::load({{"vocab.txt", "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na"}}).encode("a", 9).ids, (ids{2, 4, 3}));
  const tokenizer twice = corpus::load({{"vocab.txt", "a\n[UNK]\n[CLS]\n[SEP]\n\na\n"}});
  EXPECT_EQ(twice.encode("a", 9).ids, (ids{2, 5, 3}));  // the last of equal lines counts
  EXPECT_EQ(twice.vocabulary_size(), 6U);
  const tokenizer spaced = corpus::load({{"vocab.txt", "[UNK]\n[CLS] \n[SEP]\u3000\na\t \n"}});
  EXPECT_EQ(spaced.encode("a", 9).ids, (ids{1, 3, 2}));
}

TEST(tokenizer_files, vocab_txt_must_make_sense) {
  constexpr auto bad = error_kind::bad_model;
  expect_refusal({{"vocab.txt", ""}}, bad, "no line \"[UNK]\"");
  expect_refusal({{"vocab.txt", "[UNK]\n[CLS]\n"}}, bad, "no line \"[SEP]\"");
  expect_refusal({{"vocab.txt", "[UNK]\n[CLS]\n[SEP]\n\xC0\xAF\n"}}, bad, "line 4 is not UTF-8");
  expect_refusal({{"vocab.txt", std::string((1 << 20) + 1, '\n')}}, bad, "line 1048577");
}

TEST(tokenizer_files, wordpiece_takes_any_normalizers_and_words) {
  json document = valid();
  document["normalizer"] = {{"type", "Sequence"},
                            {"normalizers", {{{"type", "NFKC"}}, {{"type", "Lowercase"}}, {{"type", "StripAccents"}}}}};
  document["pre_tokenizer"] = {{"type", "Sequence"},
                               {"pretokenizers", {{{"type", "WhitespaceSplit"}}, {{"type", "BertPreTokenizer"}}}}};
  EXPECT_EQ(load_json(document).encode("\uff21B a,b", 10).ids, (ids{2, 5, 7, 5, 1, 6, 3}));
}

}  // namespace tokenizer_files_test
