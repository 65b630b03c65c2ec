// SPDX-License-Identifier: Apache-2.0
// A word that is read piece by piece gives what it gives as a whole.
#include "text/random_pieces.hpp"

#include <offramp/text/subwords/byte_pair.hpp>
#include <offramp/text/subwords/unigram.hpp>
#include <offramp/text/text_piece.hpp>
#include <offramp/text/token_sink.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace subword_pieces_test {

using namespace offramp::text;
using random_pieces::random_source;
using random_pieces::random_text;
using random_pieces::take_in_pieces;
using ids = std::vector<std::int32_t>;
using strings = std::vector<std::string>;

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max() - 1;

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

byte_ids fallback_bytes() {
  byte_ids bytes{};
  for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
    bytes[byte] = static_cast<std::int32_t>(1000 + byte);
  }
  return bytes;
}

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
    bytes = fallback_bytes();
  }
  return {pieces, 0, bytes};
}

TEST(subword_pieces, of_a_word_of_unigram) {
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
  const std::size_t kind = random.below(6);
  if (kind > 3) {
    unknown.bytes = fallback_bytes();
  } else if (kind > 0) {
    pieces.emplace_back("?");
    unknown.id = static_cast<std::int32_t>(pieces.size() - 1);
    unknown.fuse = kind > 1;
  }
  byte_pair model({.unknown = unknown, .whole_words = random.below(2) > 0, .end_of_word_suffix = {}});
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

TEST(subword_pieces, of_a_word_of_byte_pair) {
  random_source random(72);
  for (int vocabulary = 0; vocabulary < 60; ++vocabulary) {
    const byte_pair model = random_byte_pair(random);
    for (int word = 0; word < 3; ++word) {
      ASSERT_NO_FATAL_FAILURE(expect_same(model, random_text(random, characters, 1 + random.below(60000)), random,
                                          std::to_string(vocabulary)));
    }
  }
}

TEST(subword_pieces, of_a_word_wait_no_longer_than_they_must) {
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

}  // namespace subword_pieces_test
