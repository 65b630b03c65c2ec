// SPDX-License-Identifier: Apache-2.0
#include "text/corpus.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tokenizer_goldens_test {

using offramp::encoding;
using offramp::text::pretokenizer;
using offramp::text::tokenizer;

constexpr std::size_t unlimited = 1000000;
constexpr char32_t block_size = 4096;
constexpr int digests = 100;
constexpr int texts_per_digest = 512;

struct variant {
  std::string name;
  bool clean_text;
  bool handle_chinese_chars;
  std::optional<bool> strip_accents;
  bool lowercase;
};

void PrintTo(const variant& value, std::ostream* stream) { *stream << value.name; }

nlohmann::json variant_document(const variant& settings) {
  nlohmann::json document = corpus::document(corpus::read_data("vocab.txt"));
  document["normalizer"]["clean_text"] = settings.clean_text;
  document["normalizer"]["handle_chinese_chars"] = settings.handle_chinese_chars;
  document["normalizer"]["lowercase"] = settings.lowercase;
  if (settings.strip_accents) {
    document["normalizer"]["strip_accents"] = *settings.strip_accents;
  }
  return document;
}

std::string numbered(const std::string& prefix, int number) {
  char digits[16];
  std::snprintf(digits, sizeof(digits), "%02d", number);
  return prefix + digits;
}

void expect_corpus(const tokenizer& subject, const std::string& name) {
  corpus::generator texts(2004);
  for (int index = 0; index < digests; ++index) {
    corpus::digest digest;
    for (int text = 0; text < texts_per_digest; ++text) {
      digest.add(subject.encode(texts.text(), unlimited).ids);
    }
    const std::string key = numbered("corpus/" + name + "/", index);
    EXPECT_EQ(digest.value(), corpus::golden(key)) << key;
  }
}

class tokenizer_goldens : public testing::TestWithParam<variant> {
 protected:
  tokenizer subject_ = corpus::load({{"tokenizer.json", variant_document(GetParam()).dump()}});

  void expect_code_points(const std::string& context, const std::string& before, const std::string& after) {
    for (char32_t start = 0; start < 0x110000; start += block_size) {
      corpus::digest digest;
      bool any = false;
      for (char32_t code_point = start; code_point < start + block_size; ++code_point) {
        if (code_point >= 0xD800 && code_point <= 0xDFFF) {
          continue;
        }
        std::string text = before;
        offramp::text::append_utf8(text, code_point);
        digest.add(subject_.encode(text + after, unlimited).ids);
        any = true;
      }
      char block[16];
      std::snprintf(block, sizeof(block), "%06x", static_cast<unsigned>(start));
      const std::string key = "code_points/" + GetParam().name + "/" + context + "/" + block;
      EXPECT_TRUE(!any || digest.value() == corpus::golden(key)) << key;
    }
  }
};

TEST_P(tokenizer_goldens, every_code_point_alone) { expect_code_points("alone", "", ""); }

TEST_P(tokenizer_goldens, every_code_point_inside_a_word) { expect_code_points("inside", "a", "b"); }

TEST_P(tokenizer_goldens, mixed_scripts) { expect_corpus(subject_, GetParam().name); }

TEST_P(tokenizer_goldens, words_around_the_length_limit) {
  corpus::digest digest;
  for (const std::string letter : {"a", "\u00e9", "e\u0301", "\uac00", "\u0130", "\U0001f600"}) {
    std::string text;
    for (int count = 1; count < 205; ++count) {
      text += letter;
      if (count >= 30) {
        digest.add(subject_.encode(text, unlimited).ids);
      }
    }
  }
  EXPECT_EQ(digest.value(), corpus::golden("long_words/" + GetParam().name));
}

INSTANTIATE_TEST_SUITE_P(variants, tokenizer_goldens,
                         testing::Values(variant{"uncased", true, true, std::nullopt, true},
                                         variant{"cased", true, true, std::nullopt, false},
                                         variant{"lowercase", true, true, false, true},
                                         variant{"strip", true, false, true, false},
                                         variant{"raw", false, true, true, true}),
                         [](const auto& parameter) { return parameter.param.name; });

tokenizer uncased() { return corpus::load({{"vocab.txt", corpus::read_data("vocab.txt")}}); }

TEST(tokenizer_goldens, vocab_txt_alone_is_the_uncased_tokenizer) { expect_corpus(uncased(), "uncased"); }

TEST(tokenizer_goldens, vocab_txt_with_a_config_is_the_cased_tokenizer) {
  expect_corpus(corpus::load({{"vocab.txt", corpus::read_data("vocab.txt")},
                              {"tokenizer_config.json", R"({"do_lower_case": false})"}}),
                "cased");
}

TEST(tokenizer_goldens, whitespace_split) {
  nlohmann::json document = corpus::document(corpus::read_data("vocab.txt"));
  document["pre_tokenizer"]["type"] = "WhitespaceSplit";
  expect_corpus(corpus::load({{"tokenizer.json", document.dump()}}), "whitespace_split");
}

TEST(tokenizer_goldens, added_tokens_of_every_kind) {
  expect_corpus(corpus::load({{"tokenizer.json", corpus::read_data("added_tokens.json")}}), "added_tokens");
}

TEST(tokenizer_goldens, ill_formed_bytes) {
  const tokenizer subject = uncased();
  corpus::generator texts(7453);
  for (int index = 0; index < digests; ++index) {
    corpus::digest digest;
    for (int text = 0; text < texts_per_digest; ++text) {
      digest.add(subject.encode(texts.byte_string(), unlimited).ids);
    }
    EXPECT_EQ(digest.value(), corpus::golden(numbered("ill_formed/", index)));
  }
}

std::string words(std::size_t count, const std::string& letters) {
  std::string result;
  for (std::size_t index = 0; index < count; ++index) {
    result += (index == 0 ? "" : " ") + letters;
  }
  return result;
}

void add_with_types(corpus::digest& digest, encoding found) {
  found.type_ids.resize(found.ids.size(), 0);
  found.ids.insert(found.ids.end(), found.type_ids.begin(), found.type_ids.end());
  found.ids.push_back(found.truncated ? 1 : 0);
  digest.add(found.ids);
}

TEST(tokenizer_goldens, truncation_of_single_texts_and_pairs) {
  const tokenizer subject = uncased();
  for (int max_tokens = 3; max_tokens < 40; ++max_tokens) {
    const auto limit = static_cast<std::size_t>(max_tokens);
    corpus::digest single;
    for (std::size_t count = 0; count < 50; ++count) {
      add_with_types(single, subject.encode(words(count, "ab"), limit));
    }
    EXPECT_EQ(single.value(), corpus::golden(numbered("truncation/single/", max_tokens))) << max_tokens;
    corpus::digest pair;
    for (std::size_t first = 0; first < 24; ++first) {
      for (std::size_t second = 1; second < 15; ++second) {
        add_with_types(pair, subject.encode(words(first, "ab"), words(second, "xyz"), limit));
      }
    }
    EXPECT_EQ(pair.value(), corpus::golden(numbered("truncation/pair/", max_tokens))) << max_tokens;
  }
}

}  // namespace tokenizer_goldens_test
