// SPDX-License-Identifier: Apache-2.0
#include "text/corpus.hpp"

#include <offramp/text/tokenizer.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tokenizer_test {

using offramp::encoding;
using offramp::error;
using offramp::error_kind;
using offramp::text::pretokenizer;
using offramp::text::tokenizer;

using ids = std::vector<std::int32_t>;

// Ids: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, good 5, movie 6, ##s 7, "." 8, "##." 9, "Good" 10, a 11
const std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nmovie\n##s\n.\n##.\nGood\na\n";

tokenizer uncased(pretokenizer kind = pretokenizer::bert) { return corpus::load({{"vocab.txt", vocabulary}}, kind); }

TEST(tokenizer, frames_one_text) {
  const encoding found = uncased().encode("Good  movies.", 100);
  EXPECT_EQ(found.ids, (ids{2, 5, 6, 7, 8, 3}));
  EXPECT_TRUE(found.type_ids.empty());
  EXPECT_FALSE(found.truncated);
  EXPECT_EQ(uncased().encode("", 100).ids, (ids{2, 3}));
  EXPECT_EQ(uncased().encode(" \n\t ", 100).ids, (ids{2, 3}));
}

TEST(tokenizer, frames_two_texts) {
  const encoding found = uncased().encode("good", "movies a", 100);
  EXPECT_EQ(found.ids, (ids{2, 5, 3, 6, 7, 11, 3}));
  EXPECT_EQ(found.type_ids, (ids{0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(uncased().encode("", "a", 100).ids, (ids{2, 3, 11, 3}));
}

TEST(tokenizer, an_empty_second_text_is_none) {
  EXPECT_EQ(uncased().encode("good", "", 100), uncased().encode("good", 100));
}

TEST(tokenizer, cuts_the_tail_and_says_so) {
  EXPECT_EQ(uncased().encode("a a good", 5), (encoding{{2, 11, 11, 5, 3}, {}, false}));
  EXPECT_EQ(uncased().encode("a a good", 4), (encoding{{2, 11, 11, 3}, {}, true}));
  EXPECT_EQ(uncased().encode("movies", 3), (encoding{{2, 6, 3}, {}, true}));  // within a word
  EXPECT_EQ(uncased().encode("a", 2), (encoding{{2, 3}, {}, true}));
  EXPECT_EQ(uncased().encode("", 2), (encoding{{2, 3}, {}, false}));
}

TEST(tokenizer, no_room_for_the_special_tokens_is_an_invalid_argument) {
  for (const std::size_t max_tokens : {0U, 1U, 2U}) {
    try {
      (void)uncased().encode("a", "a", max_tokens);
      ADD_FAILURE() << max_tokens;
    } catch (const error& failure) {
      EXPECT_EQ(failure.kind(), error_kind::invalid_argument);
    }
  }
  EXPECT_THROW((void)uncased().encode("a", 1), error);
  EXPECT_EQ(uncased().encode("a", "a", 3).ids, (ids{2, 3, 3}));
}

TEST(tokenizer, the_odd_token_of_two_long_texts_goes_to_the_longer_else_to_the_second) {
  const std::string seven = "a a a a a a a";
  const std::string eight = seven + " a";
  const auto first_length = [](const encoding& found) {
    return std::find(found.ids.begin() + 1, found.ids.end(), 3) - found.ids.begin() - 1;
  };
  EXPECT_EQ(first_length(uncased().encode(seven, seven, 8)), 2);
  EXPECT_EQ(first_length(uncased().encode(seven, eight, 8)), 2);
  EXPECT_EQ(first_length(uncased().encode(eight, seven, 8)), 3);
}

TEST(tokenizer, literal_special_tokens_are_tokens) {
  EXPECT_EQ(uncased().encode("a[SEP]good [MASK]", 100).ids, (ids{2, 11, 3, 5, 4, 3}));
  EXPECT_EQ(uncased().encode("[sep]", 100).ids, (ids{2, 1, 1, 1, 3}));
}

TEST(tokenizer, whitespace_keeps_punctuation_in_the_word) {
  const tokenizer subject = uncased(pretokenizer::whitespace);
  EXPECT_EQ(subject.encode("Good movie.", 100).ids, (ids{2, 5, 6, 9, 3}));
  EXPECT_EQ(subject.encode("good\u3000movie\n.", 100).ids, (ids{2, 5, 6, 8, 3}));
  EXPECT_EQ(subject.encode("a [SEP] a", 100).ids, (ids{2, 11, 3, 11, 3}));
  EXPECT_EQ(subject.encode("a[SEP] a", 100).ids, (ids{2, 1, 11, 3}));
  EXPECT_EQ(subject.encode("g\u00f3od a\u00ad", 100).ids, (ids{2, 1, 1, 3}));  // nothing is stripped or cleaned
}

TEST(tokenizer, whitespace_keeps_case_where_the_files_say_so) {
  const tokenizer subject = corpus::load(
      {{"vocab.txt", vocabulary}, {"tokenizer_config.json", R"({"do_lower_case": false})"}}, pretokenizer::whitespace);
  EXPECT_EQ(subject.encode("Good good", 100).ids, (ids{2, 10, 5, 3}));
}

TEST(tokenizer, names_pieces_by_id) {
  const tokenizer subject = uncased();
  EXPECT_EQ(subject.vocabulary_size(), 12U);
  EXPECT_EQ(subject.piece(7), "##s");
  EXPECT_EQ(subject.piece(0), "[PAD]");
  for (const std::int32_t id : {-1, 12, INT32_MAX, INT32_MIN}) {
    EXPECT_THROW((void)subject.piece(id), error) << id;
  }
}

TEST(tokenizer, copies_and_moves_keep_working) {
  tokenizer original = uncased();
  const tokenizer copy = original;
  const tokenizer moved = std::move(original);
  EXPECT_EQ(copy.encode("Good movies", 100), moved.encode("Good movies", 100));
  EXPECT_EQ(copy.piece(5), "good");
}

TEST(tokenizer, ten_megabytes_give_the_same_head_as_their_start) {
  const tokenizer subject = uncased();
  const std::size_t size = 10'000'000;
  std::string words;
  while (words.size() < size) {
    words += "Good movies. ";
  }
  const encoding found = subject.encode(words, words, 513);
  EXPECT_EQ(found, subject.encode(words.substr(0, 13000), words.substr(0, 13000), 513));
  EXPECT_EQ(found.ids.size(), 513U);
  EXPECT_TRUE(found.truncated);
  EXPECT_EQ(subject.encode(std::string(size, 'a'), 512).ids, (ids{2, 1, 3}));
  EXPECT_EQ(subject.encode(std::string(size, ' '), 512).ids, (ids{2, 3}));
  std::string marks = "a";
  while (marks.size() < size) {
    marks += "\u0301";
  }
  EXPECT_EQ(subject.encode(marks, 512).ids, (ids{2, 11, 3}));
}

TEST(tokenizer, threads_may_share_it) {
  const tokenizer subject = uncased();
  corpus::generator texts(1);
  std::vector<std::string> inputs;
  std::vector<encoding> expected;
  for (int index = 0; index < 200; ++index) {
    inputs.push_back(texts.text());
    expected.push_back(subject.encode(inputs.back(), 64));
  }
  std::vector<std::vector<encoding>> found(4);
  std::vector<std::thread> threads;
  for (std::vector<encoding>& results : found) {
    threads.emplace_back([&] {
      for (const std::string& input : inputs) {
        results.push_back(subject.encode(input, 64));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const std::vector<encoding>& results : found) {
    EXPECT_EQ(results, expected);
  }
}

}  // namespace tokenizer_test
