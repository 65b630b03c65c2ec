// SPDX-License-Identifier: Apache-2.0
// A text that is read piece by piece gives what it gives as a whole.
#include "text/random_pieces.hpp"
#include "text/subwords/corpus.hpp"

#include <offramp/text/added_tokens.hpp>
#include <offramp/text/normalizers/text_normalizer.hpp>
#include <offramp/text/pretokenizers/pre_tokenizer.hpp>
#include <offramp/text/text_piece.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pieces_test {

using namespace offramp::text;
using random_pieces::random_source;
using random_pieces::random_text;
using random_pieces::take_in_pieces;
using strings = std::vector<std::string>;

const strings mixed = {
    "a",      "B",      " ",      "  ",     "\n",     "'s",      "'",      "re",           "1",
    "!",      "``",     "''",     "`",      "\u00e9", "e\u0301", "\u0301", "\u0323",       "\u0903",
    "\u1100", "\u1161", "\u11a8", "\uac00", "\uac01", "\u4e00",  "\u3099", "\u30ab",       "\uff76\uff9e",
    "\u0130", "\u03a3", "\u2581", "\u3000", "\ufdfa", "\u200d",  "\u00ad", "\u09c7\u09be", "\U0001f469"};

std::vector<normalizer_step> all_steps() {
  std::vector<normalizer_step> steps;
  for (const bool strip : {true, false}) {
    steps.emplace_back(normalizer_options{true, true, strip, true});
    steps.emplace_back(normalizer_options{false, false, strip, false});
    steps.emplace_back(strip_ends{strip, true});
    steps.emplace_back(strip_ends{true, strip});
  }
  for (const unicode_form form : {unicode_form::nfd, unicode_form::nfkd, unicode_form::nfc, unicode_form::nfkc}) {
    steps.emplace_back(form);
  }
  steps.emplace_back(strip_accents{});
  steps.emplace_back(lowercase{});
  for (const char* pattern : {" ", "``", "\u00e9", "aBa", "aa"}) {
    steps.emplace_back(replace_string{pattern, "\u2581"});
  }
  steps.emplace_back(replace_spaces{" "});
  steps.emplace_back(squeeze_whitespace{" "});
  steps.emplace_back(prepend_string{"\u2581"});
  steps.emplace_back(precompiled_charsmap(corpus::read_data("charsmap.bin"), "here"));
  return steps;
}

TEST(pieces, of_a_text_to_normalize) {
  random_source random(74);
  const std::vector<normalizer_step> steps = all_steps();
  normalizer_memory memory;
  for (int index = 0; index < 4000; ++index) {
    std::vector<normalizer_step> chosen;
    for (std::size_t left = 1 + random.below(3); left > 0; --left) {
      chosen.push_back(index < 2000 ? steps[static_cast<std::size_t>(index) % steps.size()] : random.one_of(steps));
    }
    const std::string text = random_text(random, mixed, random.below(200));
    const std::string expected(apply_steps(chosen, text, memory));
    text_normalization normalization(chosen, memory);
    for (int again = 0; again < 2; ++again) {
      std::string found;
      take_in_pieces(random, text, 4 + random.below(30),
                     [&](std::string_view piece, text_end end) { found += normalization.take(piece, end); });
      ASSERT_EQ(found, expected) << index << ": " << text;
    }
  }
}

strings words_of(const std::vector<pre_tokenizer_step>& steps, std::string_view text, random_source* random) {
  strings words;
  bool open = false;
  pre_tokenizer_memory memory;
  auto use = [&](std::string_view piece, text_end end) {
    if (!std::exchange(open, end == text_end::open)) {
      words.emplace_back();
    }
    words.back() += piece;
    return true;
  };
  pre_tokenization cutting(steps, memory, use);
  const auto take = [&](std::string_view piece, text_end end) { EXPECT_TRUE(cutting.take(piece, end)); };
  if (random != nullptr) {
    take_in_pieces(*random, text, 4 + random->below(30), take);
  } else {
    take(text, text_end::closed);
  }
  EXPECT_FALSE(open);
  return words;
}

TEST(pieces, of_a_text_to_cut_into_words) {
  random_source random(75);
  const std::vector<pre_tokenizer_step> steps = {whitespace_split{},
                                                 metaspace{"\u2581", true, true},
                                                 metaspace{"\u2581", false, true},
                                                 metaspace{"\u2581", true, false},
                                                 byte_level{true, true},
                                                 byte_level{false, true},
                                                 byte_level{true, false}};
  for (int index = 0; index < 4000; ++index) {
    std::vector<pre_tokenizer_step> chosen;
    for (std::size_t left = 1 + random.below(2); left > 0; --left) {
      chosen.push_back(random.one_of(steps));
    }
    const std::string text = random_text(random, mixed, random.below(200));
    const strings expected = words_of(chosen, text, nullptr);
    EXPECT_EQ(std::count(expected.begin(), expected.end(), ""), 0);
    ASSERT_EQ(words_of(chosen, text, &random), expected) << index << ": " << text;
  }
}

using segments = std::vector<std::pair<std::string, std::optional<std::int32_t>>>;

TEST(pieces, of_a_text_to_cut_at_added_tokens) {
  random_source random(76);
  for (int index = 0; index < 4000; ++index) {
    std::vector<added_token> tokens;
    for (std::size_t left = 1 + random.below(4); left > 0; --left) {
      added_token token{random_text(random, mixed, 1 + random.below(4)), static_cast<std::int32_t>(left)};
      token.content.resize(character_start(token.content, 12));
      token.boundary =
          std::array{token_boundary::any, token_boundary::word, token_boundary::whitespace}[random.below(3)];
      token.lstrip = random.below(3) == 0;
      token.rstrip = random.below(3) == 0;
      tokens.push_back(token);
    }
    const added_token_matcher matcher(tokens);
    segments found;
    bool open = false;
    const auto use = [&](std::string_view part, std::optional<std::int32_t> id, text_end end) {
      if (!std::exchange(open, end == text_end::open)) {
        found.emplace_back("", id);
      }
      EXPECT_EQ(found.back().second, id);
      found.back().first += part;
      return true;
    };
    std::string text = random_text(random, mixed, random.below(300));
    for (std::size_t left = random.below(10); left > 0; --left) {
      text.insert(character_start(text, random.below(text.size() + 1)), random.one_of(tokens).content);
    }
    EXPECT_TRUE(matcher.split(text, use));
    const segments expected = std::exchange(found, {});
    std::string window;
    added_token_stream stream(matcher, window);
    take_in_pieces(random, text, 4 + random.below(30),
                   [&](std::string_view piece, text_end end) { EXPECT_TRUE(stream.take(piece, end, use)); });
    EXPECT_FALSE(open);
    ASSERT_EQ(found, expected) << index << ": " << text;
  }
}

}  // namespace pieces_test
