// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "text/corpus.hpp"

#include <offramp/text/unicode/utf8.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// The texts and the tokenizers of tests/generators/subword_goldens.py.
namespace corpus {

class subword_generator : public generator {
 public:
  using generator::generator;

  std::string text() {
    static constexpr std::array<std::string_view, 77> syllables = {"ka",
                                                                   "to",
                                                                   "ri",
                                                                   "ne",
                                                                   "st",
                                                                   "ing",
                                                                   "er",
                                                                   "un",
                                                                   "Ka",
                                                                   "THE",
                                                                   "\u00e9",
                                                                   "e\u0301",
                                                                   "\u00c4",
                                                                   "\u00f1o",
                                                                   "\ufb01",
                                                                   "\u0130",
                                                                   "\uc548",
                                                                   "\ub155",
                                                                   "\ud558",
                                                                   "\uc138\uc694",
                                                                   "\uc601\ud654",
                                                                   "\u1100\u1161",
                                                                   "\u1112\u1161\u11ab",
                                                                   "\u043a\u043e",
                                                                   "\u0440\u043e",
                                                                   "\u0412\u0430",
                                                                   "\u03bb\u03bf",
                                                                   "\u03b3\u03bf\u03c2",
                                                                   "\u304b",
                                                                   "\u304c",
                                                                   "\u30bf",
                                                                   "\u30ac",
                                                                   "\uff76\uff9e",
                                                                   "\uff8a\uff9f",
                                                                   "\uff71",
                                                                   "\u4e2d",
                                                                   "\u6587\u5b57",
                                                                   "\uf900",
                                                                   "\u0928\u092e",
                                                                   "\u0938\u094d\u0924\u0947",
                                                                   "\u0915\u094d\u0937",
                                                                   "\u0645\u0631",
                                                                   "\u062d\u0628\u0627",
                                                                   "\u0e44\u0e17\u0e22",
                                                                   "12",
                                                                   "3",
                                                                   "\u00bd",
                                                                   "\u2460",
                                                                   "\u2167",
                                                                   "\u0663",
                                                                   "'s",
                                                                   "'ll",
                                                                   "'",
                                                                   "''",
                                                                   "``",
                                                                   ".",
                                                                   "!?",
                                                                   "-",
                                                                   "\U0001f600",
                                                                   "\U0001f468\u200d\U0001f469\u200d\U0001f467",
                                                                   "\u2764\ufe0f",
                                                                   "\U0001f1f0\U0001f1f7",
                                                                   "\u2122",
                                                                   "\uff21\uff22",
                                                                   "\ufdfa",
                                                                   "\u200b",
                                                                   "\u200d",
                                                                   "\u00ad",
                                                                   "\001",
                                                                   "\u2581",
                                                                   "<s>",
                                                                   "</s>",
                                                                   "<mask>",
                                                                   "[MASK]",
                                                                   "<unk>",
                                                                   "<pad>",
                                                                   "x"};
    static constexpr std::array<std::string_view, 20> separators = {
        " ",  " ",  " ",    " ",  " ",      " ",      "",       "",         "  ",   "   ",
        "\t", "\n", "\r\n", "\r", "\u3000", "\u00a0", "\u2028", "\302\205", " \n ", "\u200b "};
    static constexpr std::array<code_range, 29> scripts = {
        {{0x20, 0x7E},       {0x0, 0x9F},        {0xA0, 0x24F},      {0x300, 0x36F},     {0x370, 0x52F},
         {0x591, 0x6FF},     {0x900, 0x97F},     {0x980, 0xE7F},     {0xF00, 0x10FF},    {0x1100, 0x11FF},
         {0x1E00, 0x1FFF},   {0x2000, 0x206F},   {0x20D0, 0x218F},   {0x2460, 0x24FF},   {0x2E80, 0x303F},
         {0x3040, 0x33FF},   {0x4DF0, 0x4E7F},   {0xA960, 0xA97F},   {0xAC00, 0xD7FF},   {0xF900, 0xFB4F},
         {0xFB50, 0xFDFF},   {0xFE00, 0xFFFF},   {0x10A00, 0x11FFF}, {0x1D100, 0x1D7FF}, {0x1F1E6, 0x1F64F},
         {0x1F900, 0x1FBFF}, {0x2F800, 0x2FA2F}, {0xE0000, 0xE01FF}, {0x0, 0x10FFFF}}};
    std::string result;
    const std::uint64_t words = 1 + below(12);
    for (std::uint64_t word = 0; word < words; ++word) {
      if (below(4) == 0) {
        const code_range script = scripts[below(scripts.size())];
        const std::uint64_t length = 1 + below(8);
        for (std::uint64_t index = 0; index < length; ++index) {
          const char32_t code_point = within(script);
          if (code_point < 0xD800 || code_point > 0xDFFF) {
            offramp::text::append_utf8(result, code_point);
          }
        }
      } else {
        const std::uint64_t length = 1 + below(5);
        for (std::uint64_t index = 0; index < length; ++index) {
          result += syllables[below(1 + below(syllables.size()))];
        }
      }
      result += separators[below(separators.size())];
    }
    return result;
  }
};

inline std::string encode_base64(std::string_view bytes) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t start = 0; start < bytes.size(); start += 3) {
    std::uint32_t bits = 0;
    for (std::size_t index = start; index < start + 3; ++index) {
      bits = bits << 8 | (index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0U);
    }
    for (std::size_t digit = 0; digit < 4; ++digit) {
      result += start + digit <= bytes.size() ? alphabet[bits >> (18 - 6 * digit) & 0x3FU] : '=';
    }
  }
  return result;
}

/// Puts into a value, and all within it, what stands in other files.
inline void fill_in(nlohmann::json& value) {
  static const nlohmann::json pieces = nlohmann::json::parse(read_data("subwords.json"));
  static const std::string charsmap = encode_base64(read_data("charsmap.bin"));
  if (value == "@charsmap") {
    value = charsmap;
  } else if (value == "@unigram" || value == "@vocab" || value == "@merges") {
    value = pieces[value.get<std::string>().substr(1)];
  } else if (value == "@legacy_merges") {
    value = nlohmann::json::array();
    for (const auto& merge : pieces["merges"]) {
      value.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
    }
  } else if (value.is_structured()) {
    for (nlohmann::json& part : value) {
      fill_in(part);
    }
  }
}

/// The tokenizer.json of each variant.
inline const std::map<std::string, nlohmann::json>& subword_documents() {
  static const auto documents = [] {
    nlohmann::json all = nlohmann::json::parse(read_data("subword_tokenizers.json"));
    fill_in(all);
    return all.get<std::map<std::string, nlohmann::json>>();
  }();
  return documents;
}

inline offramp::text::tokenizer load_subwords(const std::string& variant) {
  return load({{"tokenizer.json", subword_documents().at(variant).dump()}});
}

/// The recorded digest of that name. Throws when there is none.
inline std::uint64_t subword_golden(const std::string& name) {
  static const auto goldens = read_goldens("subword_goldens.txt");
  return goldens.at(name);
}

}  // namespace corpus
