// SPDX-License-Identifier: Apache-2.0
#include <offramp/text/wordpiece/wordpiece.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace wordpiece_test {

using offramp::text::byte_trie;
using offramp::text::wordpiece;

constexpr std::int32_t unknown = 0;

wordpiece make(const std::map<std::string, std::int32_t>& pieces, std::size_t limit = 100) {
  wordpiece result("##", unknown, limit);
  for (const auto& [piece, id] : pieces) {
    result.insert(piece, id);
  }
  return result;
}

std::vector<std::int32_t> split(const wordpiece& pieces, const std::string& word) {
  wordpiece::piece_buffer buffer;
  const auto ids = pieces.split(word, word.size(), buffer);
  return {ids.begin(), ids.end()};
}

using ids = std::vector<std::int32_t>;

TEST(wordpiece, takes_the_longest_piece_each_time) {
  const wordpiece pieces = make({{"a", 1}, {"ab", 2}, {"##c", 3}, {"##cd", 4}, {"##d", 5}, {"##bcd", 6}});
  EXPECT_EQ(split(pieces, "a"), ids{1});
  EXPECT_EQ(split(pieces, "abcd"), (ids{2, 4}));
  EXPECT_EQ(split(pieces, "abcdc"), (ids{2, 4, 3}));
}

TEST(wordpiece, does_not_go_back_when_greed_fails) {
  const wordpiece pieces = make({{"a", 1}, {"ab", 2}, {"##bc", 3}});
  EXPECT_EQ(split(pieces, "abc"), ids{unknown});
}

TEST(wordpiece, one_missing_piece_makes_the_whole_word_unknown) {
  const wordpiece pieces = make({{"a", 1}, {"##b", 2}});
  EXPECT_EQ(split(pieces, "abx"), ids{unknown});
  EXPECT_EQ(split(pieces, "xab"), ids{unknown});
  EXPECT_EQ(split(pieces, "b"), ids{unknown});   // known only inside words
  EXPECT_EQ(split(pieces, "aa"), ids{unknown});  // known only at the start
}

TEST(wordpiece, a_word_may_be_written_like_a_continuation) {
  const wordpiece pieces = make({{"##a", 1}, {"##", 2}});
  EXPECT_EQ(split(pieces, "##aa"), (ids{1, 1}));
  EXPECT_EQ(split(pieces, "##"), ids{2});
}

TEST(wordpiece, words_over_the_limit_are_unknown) {
  const wordpiece pieces = make({{"a", 1}, {"##a", 2}}, 5);
  EXPECT_EQ(split(pieces, "aaaaa"), (ids{1, 2, 2, 2, 2}));
  EXPECT_EQ(split(pieces, "aaaaaa"), ids{unknown});
}

TEST(wordpiece, agrees_with_a_search_through_all_pieces) {
  std::map<std::string, std::int32_t> pieces;
  std::uint32_t state = 1;
  const auto random = [&state](std::uint32_t limit) {
    return (state = state * 1664525U + 1013904223U) / 65536U % limit;
  };
  const auto random_word = [&](std::uint32_t longest) {
    std::string word(1 + random(longest), 'a');
    for (char& letter : word) {
      letter = static_cast<char>('a' + random(3));
    }
    return word;
  };
  for (std::int32_t id = 1; id < 60; ++id) {
    pieces[(random(2) == 0 ? "##" : "") + random_word(4)] = id;
  }
  const wordpiece subject = make(pieces);
  for (int round = 0; round < 3000; ++round) {
    const std::string word = random_word(12);
    ids expected;
    for (std::size_t start = 0; start < word.size();) {
      std::size_t length = word.size() - start;
      while (length > 0 && !pieces.contains((start == 0 ? "" : "##") + word.substr(start, length))) {
        --length;
      }
      if (length == 0) {
        expected = {unknown};
        break;
      }
      expected.push_back(pieces.at((start == 0 ? "" : "##") + word.substr(start, length)));
      start += length;
    }
    ASSERT_EQ(split(subject, word), expected) << word;
  }
}

TEST(byte_trie, knows_prefixes_of_any_bytes) {
  byte_trie trie;
  EXPECT_FALSE(trie.longest_prefix("a"));
  trie.insert("", 7);
  trie.insert(std::string_view("\0\xFF", 2), 1);
  trie.insert("a", 2);
  trie.insert("a", 3);
  EXPECT_FALSE(trie.longest_prefix("b"));
  EXPECT_FALSE(trie.longest_prefix(""));
  EXPECT_EQ(trie.longest_prefix(std::string_view("\0\xFFz", 3))->length, 2U);
  EXPECT_EQ(trie.longest_prefix("ab")->value, 3);
}

TEST(byte_trie, keeps_every_string_while_it_grows) {
  byte_trie trie;
  for (std::int32_t value = 0; value < 20000; ++value) {
    trie.insert(std::to_string(value) + ";", value);
  }
  for (std::int32_t value = 0; value < 20000; ++value) {
    ASSERT_EQ(trie.longest_prefix(std::to_string(value) + ";x")->value, value);
  }
}

}  // namespace wordpiece_test
