// SPDX-License-Identifier: Apache-2.0
#include "text/subwords/corpus.hpp"

#include <offramp/text/normalizers/normalizer_json.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace subword_goldens_test {

using offramp::encoding;
using offramp::text::tokenizer;

constexpr std::size_t unlimited = 1000000;
constexpr int texts_per_digest = 512;
constexpr int family_digests = 100;
constexpr int variant_digests = 6;
constexpr std::array<const char*, 3> families = {"xlm_roberta", "albert", "roberta"};

bool is_family(const std::string& name) { return std::find(families.begin(), families.end(), name) != families.end(); }

std::vector<std::string> all_variants() {
  std::vector<std::string> names;
  for (const auto& [name, document] : corpus::subword_documents()) {
    names.push_back(name);
  }
  return names;
}

std::string numbered(const std::string& prefix, int number, int digits) {
  char text[16];
  std::snprintf(text, sizeof(text), "%0*d", digits, number);
  return prefix + text;
}

/// Normalizes as one variant does.
class variant_normalizer {
 public:
  explicit variant_normalizer(const nlohmann::json& document) {
    if (!document["normalizer"].is_null()) {
      steps_ =
          offramp::text::read_normalizer_steps(offramp::model::json_place(document["normalizer"], "tokenizer.json"));
    }
  }

  std::vector<std::int32_t> code_points(const std::string& text) {
    const std::string_view normalized = offramp::text::apply_steps(steps_, text, memory_);
    std::vector<std::int32_t> result;
    for (std::size_t position = 0; position < normalized.size();) {
      const auto next = offramp::text::decode(normalized, position);
      result.push_back(static_cast<std::int32_t>(next.code_point));
      position += next.length;
    }
    return result;
  }

 private:
  std::vector<offramp::text::normalizer_step> steps_;
  offramp::text::normalizer_memory memory_;
};

class subword_variants : public testing::TestWithParam<std::string> {
 protected:
  tokenizer subject_ = corpus::load_subwords(GetParam());
  const nlohmann::json& document_ = corpus::subword_documents().at(GetParam());
  offramp::text::encode_memory memory_;

  const std::vector<std::int32_t>& ids(const std::string& text) {
    return subject_.encode(text, unlimited, memory_).ids;
  }
};

TEST_P(subword_variants, mixed_scripts) {
  corpus::subword_generator texts(2026);
  variant_normalizer normalizer(document_);
  const bool family = is_family(GetParam());
  for (int index = 0; index < (family ? family_digests : variant_digests); ++index) {
    corpus::digest found;
    corpus::digest normalized;
    for (int text = 0; text < texts_per_digest; ++text) {
      const std::string line = texts.text();
      found.add(ids(line));
      normalized.add(normalizer.code_points(line));
    }
    const std::string key = numbered(GetParam() + "/", index, 3);
    if (!family && !document_["normalizer"].is_null()) {
      EXPECT_EQ(normalized.value(), corpus::subword_golden("normalized/" + key)) << key;
    }
    EXPECT_EQ(found.value(), corpus::subword_golden("corpus/" + key)) << key;
  }
}

TEST_P(subword_variants, pairs_are_cut) {
  corpus::subword_generator texts(11);
  for (int max_tokens = 4; max_tokens < 44; max_tokens += 3) {
    corpus::digest found;
    for (int pair = 0; pair < 128; ++pair) {
      const std::string first = texts.text();
      const std::string second = texts.text();
      encoding result = subject_.encode(first, second, static_cast<std::size_t>(max_tokens), memory_);
      result.type_ids.resize(result.ids.size(), 0);
      result.ids.insert(result.ids.end(), result.type_ids.begin(), result.type_ids.end());
      result.ids.push_back(result.truncated ? 1 : 0);
      found.add(result.ids);
    }
    const std::string key = numbered("pairs/" + GetParam() + "/", max_tokens, 3);
    EXPECT_EQ(found.value(), corpus::subword_golden(key)) << key;
  }
}

TEST_P(subword_variants, long_words) {
  corpus::digest found;
  for (const std::string letters : {"a", "ka", "\uc548\ub155", "\u0301", "e\u0301\u0323", "''", "<", " "}) {
    for (const int count : {1, 2, 3, 100, 1000}) {
      std::string text;
      for (int index = 0; index < count; ++index) {
        text += letters;
      }
      found.add(ids(text));
    }
  }
  EXPECT_EQ(found.value(), corpus::subword_golden("long_words/" + GetParam()));
}

INSTANTIATE_TEST_SUITE_P(all, subword_variants, testing::ValuesIn(all_variants()),
                         [](const auto& parameter) { return parameter.param; });

class subword_characters : public subword_variants {
 protected:
  void expect_code_points(const std::string& context, const std::string& before, const std::string& after) {
    variant_normalizer normalizer(document_);
    std::vector<char32_t> codes;
    for (char32_t code = 0; code < 0xE1000; ++code) {
      if ((code < 0x32000 && (code < 0xD800 || code > 0xDFFF)) || code >= 0xE0000) {
        codes.push_back(code);
      }
    }
    constexpr std::size_t block = 8192;
    for (std::size_t start = 0; start < codes.size(); start += block) {
      corpus::digest found;
      corpus::digest normalized;
      for (std::size_t index = start; index < std::min(start + block, codes.size()); ++index) {
        std::string text = before;
        offramp::text::append_utf8(text, codes[index]);
        text += after;
        found.add(ids(text));
        normalized.add(normalizer.code_points(text));
      }
      const std::string key = numbered(context + "/" + GetParam() + "/", static_cast<int>(start / block), 2);
      EXPECT_EQ(found.value(), corpus::subword_golden("code_points/" + key)) << key;
      if (!document_["normalizer"].is_null()) {
        EXPECT_EQ(normalized.value(), corpus::subword_golden("code_points_normalized/" + key)) << key;
      }
    }
  }
};

TEST_P(subword_characters, alone) { expect_code_points("alone", "", ""); }

TEST_P(subword_characters, between_letters_with_a_mark) { expect_code_points("marked", "a", "\u0301b"); }

INSTANTIATE_TEST_SUITE_P(all, subword_characters, testing::Values("xlm_roberta", "albert", "roberta", "unigram_nfkc"),
                         [](const auto& parameter) { return parameter.param; });

TEST(subword_goldens, ill_formed_bytes) {
  for (const std::string family : families) {
    const tokenizer subject = corpus::load_subwords(family);
    corpus::subword_generator texts(7453);
    for (int index = 0; index < variant_digests; ++index) {
      corpus::digest found;
      for (int text = 0; text < texts_per_digest; ++text) {
        found.add(subject.encode(texts.byte_string(), unlimited).ids);
      }
      const std::string key = numbered("ill_formed/" + family + "/", index, 3);
      EXPECT_EQ(found.value(), corpus::subword_golden(key)) << key;
    }
  }
}

TEST(subword_goldens, examples_to_read) {
  for (const auto& example : nlohmann::json::parse(corpus::read_data("subword_examples.json"))) {
    const tokenizer subject = corpus::load_subwords(example[0].get<std::string>());
    EXPECT_EQ(subject.encode(example[1].get<std::string>(), unlimited).ids, example[2].get<std::vector<std::int32_t>>())
        << example;
  }
}

TEST(subword_goldens, ties_go_as_the_scores_of_the_class_have_them) {
  for (const auto& ties : nlohmann::json::parse(corpus::read_data("unigram_ties.json"))) {
    nlohmann::json document = {
        {"version", "1.0"},
        {"added_tokens", nlohmann::json::array()},
        {"normalizer", nullptr},
        {"pre_tokenizer",
         {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "WhitespaceSplit"}},
            {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "always"}, {"split", true}}}}}},
        {"post_processor", {{"type", "RobertaProcessing"}, {"sep", {"</s>", 2}}, {"cls", {"<s>", 0}}}},
        {"model", {{"type", "Unigram"}, {"unk_id", 3}, {"vocab", ties["vocab"]}}}};
    for (const auto& [name, ids] : ties["ids"].items()) {
      const tokenizer subject = corpus::load({{"tokenizer.json", document.dump()},
                                              {"config.json", R"({"model_type": "xlm-roberta"})"},
                                              {"tokenizer_config.json", R"({"tokenizer_class": ")" + name + "\"}"}});
      for (std::size_t text = 0; text < ids.size(); ++text) {
        EXPECT_EQ(subject.encode(ties["texts"][text].get<std::string>(), unlimited).ids,
                  ids[text].get<std::vector<std::int32_t>>())
            << name << ", " << ties["texts"][text];
      }
    }
  }
}

}  // namespace subword_goldens_test
