// SPDX-License-Identifier: Apache-2.0
// A text that is read piece by piece gives what it gives as a whole.
#include "text/subwords/corpus.hpp"

#include <offramp/text/subwords/byte_pair.hpp>
#include <offramp/text/pretokenizers/pre_tokenizer.hpp>
#include <offramp/text/normalizers/text_normalizer.hpp>
#include <offramp/text/tokenizer.hpp>
#include <offramp/text/subwords/unigram.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pieces_test {

using namespace offramp::text;
using ids = std::vector<std::int32_t>;
using strings = std::vector<std::string>;

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max() - 1;

class random_source {
 public:
  explicit random_source(std::uint32_t seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_()) % bound; }

  template <typename Values>
  const auto& one_of(const Values& values) {
    return values[below(values.size())];
  }

 private:
  std::mt19937 engine_;
};

/// Characters in a random order, with long runs and periods.
std::string random_text(random_source& random, const strings& characters, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    std::string period;
    for (std::size_t left = 1 + random.below(4); left > 0; --left) {
      period += random.one_of(characters);
    }
    const std::size_t repeats = random.below(3) > 0 ? 1 : 1 + random.below(random.below(8) > 0 ? 8 : 3000);
    for (std::size_t left = repeats; left > 0; --left) {
      text += period;
    }
  }
  return text;
}

/// Cuts `text` at random between characters and gives each piece to `take(piece, end)`.
template <typename Take>
void take_in_pieces(random_source& random, std::string_view text, std::size_t largest, const Take& take) {
  while (!text.empty()) {
    const std::size_t size = character_start(text, 1 + random.below(largest));
    if (size == text.size() && random.below(2) > 0) {
      take(text, text_end::closed);
      return;
    }
    take(text.substr(0, size), text_end::open);
    text.remove_prefix(size);
  }
  take(std::string_view(), text_end::closed);
}

template <typename Model>
ids split_whole(const Model& model, std::string_view word) {
  ids found;
  token_sink tokens(found, unlimited, unlimited, nullptr);
  typename Model::memory memory;
  model.split(word, text_end::closed, memory, tokens);
  return found;
}

/// The first `limit` ids, and the most that waited at a time.
template <typename Model>
ids split_pieces(const Model& model, std::string_view word, std::size_t limit, random_source& random,
                 std::size_t& most_waiting) {
  ids found;
  token_sink tokens(found, limit, limit, nullptr);
  typename Model::memory memory;
  waiting_text waiting;
  most_waiting = 0;
  take_in_pieces(random, word, 6000, [&](std::string_view piece, text_end end) {
    if (tokens.wants_more()) {
      waiting.join(piece, end, [&](std::string_view joined) {
        most_waiting = std::max(most_waiting, joined.size());
        return model.split(joined, end, memory, tokens);
      });
    }
  });
  return found;
}

template <typename Model>
void expect_same(const Model& model, const std::string& word, random_source& random, const std::string& what) {
  const ids expected = split_whole(model, word);
  std::size_t most_waiting = 0;
  ASSERT_EQ(split_pieces(model, word, unlimited, random, most_waiting), expected) << what;
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, random.below(300), random.below(10000)}) {
    ids first = expected;
    first.resize(std::min(first.size(), limit));
    ASSERT_EQ(split_pieces(model, word, limit, random, most_waiting), first) << what << ", limit " << limit;
  }
}

const strings characters = {"a", "b", "c", "d", "\u2581", "\uac00", "\u00e9"};

unigram random_unigram(random_source& random) {
  std::set<std::string> chosen;
  for (std::size_t left = 1 + random.below(40); left > 0; --left) {
    std::string piece;
    for (std::size_t length = 1 + random.below(1 + random.below(7)); length > 0; --length) {
      piece += characters[random.below(2 + random.below(5))];
    }
    chosen.insert(piece);
  }
  std::vector<scored_piece> pieces = {{"<unk>", 0.0}};
  const bool few_scores = random.below(2) > 0;  // then many paths are equally good
  for (const std::string& piece : chosen) {
    const double score =
        few_scores ? -1.0 - static_cast<double>(random.below(3)) : -1e-3 * static_cast<double>(1 + random.below(9000));
    pieces.push_back({piece, score});
  }
  std::optional<byte_ids> bytes;
  if (random.below(3) == 0) {
    bytes.emplace();
    for (std::size_t byte = 0; byte < bytes->size(); ++byte) {
      (*bytes)[byte] = static_cast<std::int32_t>(1000 + byte);
    }
  }
  return {pieces, 0, bytes};
}

TEST(pieces, of_a_word_of_unigram) {
  random_source random(71);
  for (int vocabulary = 0; vocabulary < 60; ++vocabulary) {
    const unigram model = random_unigram(random);
    for (int word = 0; word < 3; ++word) {
      ASSERT_NO_FATAL_FAILURE(expect_same(model, random_text(random, characters, 1 + random.below(40000)), random,
                                          std::to_string(vocabulary)));
    }
  }
}

byte_pair random_byte_pair(random_source& random) {
  strings pieces(characters.begin(), characters.begin() + 2 + static_cast<std::ptrdiff_t>(random.below(5)));
  unknown_characters unknown;
  const std::size_t kind = random.below(4);
  if (kind > 0) {
    pieces.emplace_back("?");
    unknown.id = static_cast<std::int32_t>(pieces.size() - 1);
    unknown.fuse = kind > 1;
  }
  byte_pair model(unknown,
                  random.below(2) > 0 ? byte_pair::word_lookup::whole_words : byte_pair::word_lookup::merges_only);
  std::uint32_t rank = 0;
  std::vector<std::pair<std::pair<std::size_t, std::size_t>, std::size_t>> merges;
  for (std::size_t left = random.below(60); left > 0; --left) {
    const std::size_t first = random.below(pieces.size());
    const std::size_t second = random.below(pieces.size());
    const std::string merged = pieces[first] + pieces[second];
    if (count_characters(merged) > 9) {
      continue;
    }
    const auto found = std::find(pieces.begin(), pieces.end(), merged);
    const auto id = static_cast<std::size_t>(found - pieces.begin());
    if (found == pieces.end()) {
      pieces.push_back(merged);
    }
    merges.push_back({{first, second}, id});
  }
  if (random.below(2) > 0) {  // ranks that no training would give
    for (std::size_t index = merges.size(); index > 1; --index) {
      std::swap(merges[index - 1], merges[random.below(index)]);
    }
  }
  for (const auto& [pair, id] : merges) {
    model.insert_merge(static_cast<std::int32_t>(pair.first), static_cast<std::int32_t>(pair.second), rank++,
                       static_cast<std::int32_t>(id), count_characters(pieces[id]));
  }
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    model.insert(pieces[id], static_cast<std::int32_t>(id));
  }
  return model;
}

TEST(pieces, of_a_word_of_byte_pair) {
  random_source random(72);
  for (int vocabulary = 0; vocabulary < 60; ++vocabulary) {
    const byte_pair model = random_byte_pair(random);
    for (int word = 0; word < 3; ++word) {
      ASSERT_NO_FATAL_FAILURE(expect_same(model, random_text(random, characters, 1 + random.below(60000)), random,
                                          std::to_string(vocabulary)));
    }
  }
}

TEST(pieces, of_a_word_wait_no_longer_than_they_must) {
  random_source random(73);
  for (int vocabulary = 0; vocabulary < 20; ++vocabulary) {
    std::string word;
    for (int left = 0; left < 200000; ++left) {
      word += random.one_of(characters);
    }
    std::size_t most_waiting = 0;
    split_pieces(random_unigram(random), word, unlimited, random, most_waiting);
    EXPECT_LT(most_waiting, 40000U);
    split_pieces(random_byte_pair(random), word, unlimited, random, most_waiting);
    EXPECT_LT(most_waiting, 40000U);
  }
}

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
