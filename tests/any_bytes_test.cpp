// SPDX-License-Identifier: Apache-2.0
// Any byte string is text: ill-formed UTF-8 reads as U+FFFD, whatever its length.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace any_bytes_test {

using offramp::classifier;
using offramp::encoding;
using offramp::exit_policy;
using offramp::prediction;
using offramp::sentence_pair;
using namespace std::string_literals;

const classifier& model() {
  static const classifier loaded = classifier::load(OFFRAMP_TEST_DATA "/models/tiny");
  return loaded;
}

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return index < text.size() ? static_cast<std::uint8_t>(text[index]) : std::uint8_t{0};
}

/// Length of the well-formed sequence at the start of `text`, 0 when there is none: table 3-7 of the Unicode standard.
std::size_t sequence_length(std::string_view text) {
  struct row {
    int first_low, first_high, second_low, second_high;
    std::size_t length;
  };
  constexpr row rows[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
                          {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
                          {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
  const int first = byte_at(text, 0);
  if (first < 0x80) {
    return 1;
  }
  for (const row& row : rows) {
    if (first < row.first_low || first > row.first_high) {
      continue;
    }
    const int second = byte_at(text, 1);
    bool is_good = second >= row.second_low && second <= row.second_high;
    for (std::size_t i = 2; i < row.length; ++i) {
      is_good = is_good && (byte_at(text, i) & 0xC0) == 0x80;
    }
    return is_good ? row.length : 0;
  }
  return 0;
}

std::string repaired(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    result += length == 0 ? "\xEF\xBF\xBD"s : std::string(text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

void expect_like_repaired(const std::string& text) {
  const encoding tokens = model().tokenize(text);
  ASSERT_EQ(tokens, model().tokenize(repaired(text))) << testing::PrintToString(text);
  ASSERT_GE(tokens.ids.size(), 2U);
  ASSERT_LE(tokens.ids.size(), static_cast<std::size_t>(model().max_tokens()));
  const prediction p = model().classify(text, exit_policy::full_depth());
  EXPECT_EQ(p, model().classify(tokens, exit_policy::full_depth()));
  EXPECT_TRUE(std::isfinite(p.confidence));
  EXPECT_EQ(model().tokenize(sentence_pair{text, text}),
            model().tokenize(sentence_pair{repaired(text), repaired(text)}));
}

TEST(any_bytes, are_text) {
  const std::string fragments[] = {"\x80"s,                      // a continuation alone
                                   "\xBF\x80\xBF"s,              // three of them
                                   "\xC0\x80"s,                  // NUL in two bytes
                                   "\xC1\xA1"s,                  // 'a' in two bytes
                                   "\xE0\x81\xA1"s,              // 'a' in three
                                   "\xF0\x80\x81\xA1"s,          // 'a' in four
                                   "\xED\xA0\x80"s,              // a high surrogate
                                   "\xED\xBF\xBF"s,              // a low one
                                   "\xED\xA0\xBD\xED\xB8\x80"s,  // a pair of them
                                   "\xF4\x90\x80\x80"s,          // above 10FFFF
                                   "\xF5\x80\x80\x80"s,
                                   "\xF8\x88\x80\x80\x80"s,
                                   "\xFC\x84\x80\x80\x80\x80"s,
                                   "\xFE"s,
                                   "\xFF"s,
                                   "\xC3"s,
                                   "\xE2\x82"s,
                                   "\xF0\x9F\x98"s,          // ends too early
                                   "\xE2\x82\xE2\x82\xAC"s,  // the same before a good one
                                   "\xEF\xBF\xBD"s,
                                   "\xEF\xBF\xBE"s,
                                   "\xEF\xBF\xBF"s,
                                   "\xEF\xBB\xBF"s,
                                   "\xF4\x8F\xBF\xBF"s,
                                   "\0"s,
                                   "\x01\x1F\x7F\xC2\x80"s,
                                   "\xE2\x80\x8B\xE2\x80\xA8"s,
                                   "\xCC\x81\xCC\x81"s,
                                   "\xE4\xB8\xAD"s};
  for (const std::string& fragment : fragments) {
    for (const std::string& text : {fragment, "a" + fragment, fragment + "b", "a" + fragment + "b",
                                    "a " + fragment + " b", fragment + fragment + "good" + fragment}) {
      expect_like_repaired(text);
    }
  }
}

TEST(any_bytes, of_a_random_kind_are_text) {
  std::mt19937 random(11);
  const std::string bytes = "a b.\0\x80\xBF\xC2\xC3\xE0\xA0\xE2\x82\xED\x9F\xEF\xF0\x90\xF4\x8F\xFF"s;
  for (int i = 0; i < 3000; ++i) {
    std::string text(random() % 24, ' ');
    for (char& byte : text) {
      byte = i % 2 == 0 ? bytes[random() % bytes.size()] : static_cast<char>(random() % 256);
    }
    expect_like_repaired(text);
  }
}

TEST(any_bytes, every_single_byte_is_text) {
  for (int byte = 0; byte < 256; ++byte) {
    expect_like_repaired(std::string(1, static_cast<char>(byte)));
    expect_like_repaired("go"s + static_cast<char>(byte) + "od");
  }
}

TEST(any_bytes, may_be_nothing) {
  for (const std::string& text : {""s, " "s, "\n\t\r"s, "\0\0"s, "\xFF"s}) {
    const prediction p = model().classify(text, exit_policy::full_depth());
    EXPECT_EQ(p.tokens, 2);
    EXPECT_FALSE(p.truncated);
    EXPECT_EQ(p, model().classify("", exit_policy::full_depth()));
  }
  EXPECT_EQ(model().classify(std::string_view(), exit_policy::full_depth()),
            model().classify("", exit_policy::full_depth()));
}

TEST(any_bytes, may_be_ten_megabytes) {
  constexpr std::size_t size = 10'000'000;
  std::string words;
  std::string accents = "a";
  while (words.size() < size) {
    words += "good ";
    accents += "\xCC\x81\xCC\xA3";
  }
  struct {
    std::string text;
    bool is_cut;
  } const cases[] = {{words, true},
                     {std::string(size, 'a'), false},  // one word, too long to be looked up
                     {std::string(size, ' '), false},
                     {std::string(size, '\0'), false},
                     {std::string(size, '\xFF'), false},
                     {std::string(size, '.'), true},
                     {accents, false}};
  for (const auto& [text, is_cut] : cases) {
    const prediction p = model().classify(text, 0.0F);
    EXPECT_EQ(p.truncated, is_cut) << text.substr(0, 8);
    EXPECT_EQ(p.tokens == model().max_tokens(), is_cut) << text.substr(0, 8);
    EXPECT_EQ(model().tokenize(sentence_pair{text, text}).truncated, is_cut);
  }
}

}  // namespace any_bytes_test
