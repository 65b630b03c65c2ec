// SPDX-License-Identifier: Apache-2.0
// Texts, token ids and runners that nobody should pass: each gets a documented answer or a clear error. Compiled once
// against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "hostile.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hostile_input_test {

using namespace std::string_literals;
using offramp::encoding;
using offramp::prediction;
using offramp::runner;
using offramp::sentence_pair;
using offramp_tests::expect_invalid_argument;
using offramp_tests::model;
using offramp_tests::repeated;
using offramp_tests::texts;

constexpr std::size_t ten_megabytes = 10'000'000;

TEST(hostile_text, without_a_word_is_its_special_tokens) {
  const prediction empty = model().classify("", 0.7F);
  EXPECT_EQ(empty.tokens, 2);
  EXPECT_FALSE(empty.truncated);
  for (const std::string& blank : {" "s, "\n\t\r\n"s, "\0"s, std::string(1000, '\0'), "\xef\xbb\xbf"s, "\x7f\x01"s,
                                   "\xc2\xa0"s, "\xe3\x80\x80"s, std::string(100'000, ' ')}) {
    EXPECT_EQ(model().classify(blank, 0.7F), empty);
  }
  EXPECT_EQ(model().classify(std::string_view(), 0.7F), empty);
  EXPECT_EQ(model().classify(sentence_pair{}, 0.7F), empty) << "an empty second text is none";
  EXPECT_EQ(model().classify(sentence_pair{"a good film", ""}, 0.7F), model().classify("a good film", 0.7F));
  EXPECT_EQ(model().classify(sentence_pair{"", "a good film"}, 0.7F).tokens, 6);
  EXPECT_EQ(model().classify_batch(std::vector<std::string>(100), 0.7F), std::vector<prediction>(100, empty));
}

TEST(hostile_text, of_ten_megabytes_is_cut_or_fits) {
  const std::string words = repeated("a good film ", ten_megabytes);
  const prediction cut = model().classify(words, 0.7F);
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(cut.tokens, model().max_tokens());
  prediction same = model().classify(words.substr(0, 1000), 0.7F);
  EXPECT_EQ(cut, same);

  const prediction one_word = model().classify(std::string(ten_megabytes, 'a'), 0.7F);
  EXPECT_EQ(one_word, model().classify("[UNK]", 0.7F)) << "a word of over 100 characters is unknown";
  EXPECT_EQ(model().classify(std::string(ten_megabytes, '\xff'), 0.7F), model().classify("", 0.7F));

  const sentence_pair both{words, words};
  EXPECT_TRUE(model().classify(both, 0.7F).truncated);
  EXPECT_EQ(model().classify(both, 0.7F).tokens, model().max_tokens());
  const std::vector<std::string_view> beside = {"not warm!", words, ""};
  EXPECT_EQ(model().classify_batch(beside, 0.7F),
            (std::vector{model().classify("not warm!", 0.7F), cut, model().classify("", 0.7F)}));
}

TEST(hostile_text, that_is_ill_formed_reads_as_replacement_characters) {
  for (const std::string& bad : {"\xff"s, "\x80"s, "\xc3"s, "\xc0\xaf"s, "\xe2\x82"s, "\xed\xa0\x80"s,
                                 "\xf4\x90\x80\x80"s, "\xf0\x9f\x98"s, "\xfe\xfe\xff\xff"s}) {
    const auto expect_alike = [&](const std::string& with_bad, const std::string& with_replacement) {
      EXPECT_EQ(model().tokenize(with_bad), model().tokenize(with_replacement)) << testing::PrintToString(bad);
      EXPECT_EQ(model().classify(with_bad, 0.7F), model().classify(with_replacement, 0.7F));
    };
    const std::string replacement = "\xef\xbf\xbd";
    expect_alike(bad, replacement);
    expect_alike("a good" + bad + " film", "a good" + replacement + " film");
    expect_alike("a go" + bad + "od film", "a go" + replacement + "od film");
    expect_alike(bad + "a good film" + bad, replacement + "a good film" + replacement);
  }
}

TEST(hostile_text, is_read_beyond_an_embedded_nul) {
  const encoding whole = model().tokenize("a good film");
  EXPECT_EQ(model().tokenize("a good\0 film"s), whole);
  EXPECT_EQ(model().tokenize(std::string_view("a go\0od film", 12)), whole);
  EXPECT_EQ(model().tokenize("\0a good film\0\0"s), whole);
  EXPECT_EQ(model().classify("a good\0 film"s, 0.7F), model().classify("a good film", 0.7F));
  EXPECT_EQ(model().tokenize("a good\0 film"), model().tokenize("a good")) << "a C string ends at its NUL";
}

TEST(hostile_ids, are_refused_at_the_very_borders) {
  const auto refuses = [](const encoding& tokens, std::string_view part) {
    expect_invalid_argument([&] { return model().classify(tokens, 0.7F); }, part);
    expect_invalid_argument([&] { return model().classify_every_exit(tokens); }, part);
    expect_invalid_argument(
        [&] {
          return model().classify_batch(std::vector{model().tokenize("a"), tokens}, 0.7F);
        },
        part);
  };
  constexpr std::int32_t vocabulary = 86;
  const auto longest = static_cast<std::size_t>(model().max_tokens());
  refuses({}, "0 tokens, expected 1 to 24");
  refuses({.ids = std::vector<std::int32_t>(longest + 1, 7), .type_ids = {}}, "25 tokens, expected 1 to 24");
  refuses({.ids = {2, vocabulary, 3}, .type_ids = {}}, "token id 86, expected 0 to 85");
  refuses({.ids = {2, -1, 3}, .type_ids = {}}, "token id -1");
  refuses({.ids = {2, 3, std::numeric_limits<std::int32_t>::min()}, .type_ids = {}}, "token id -2147483648");
  refuses({.ids = {2, 3, std::numeric_limits<std::int32_t>::max()}, .type_ids = {}}, "token id 2147483647");
  refuses({.ids = {2, 3}, .type_ids = {0, 2}}, "type id 2, expected 0 to 1");
  refuses({.ids = {2, 3}, .type_ids = {-1, 0}}, "type id -1");
  refuses({.ids = {2, 3}, .type_ids = {0}}, "1 type ids, expected none or 2");
  refuses({.ids = {2, 3}, .type_ids = {0, 0, 0}}, "3 type ids, expected none or 2");

  EXPECT_EQ(model().classify(encoding{.ids = {vocabulary - 1}, .type_ids = {1}}, 0.7F).tokens, 1);
  EXPECT_EQ(model().classify(encoding{.ids = std::vector<std::int32_t>(longest, 0), .type_ids = {}}, 0.7F).tokens, 24);
}

TEST(hostile_ids, without_types_are_of_the_first_text) {
  const encoding bare{.ids = {2, 70, 3}, .type_ids = {}};
  EXPECT_EQ(model().classify(bare, 0.7F), model().classify(encoding{.ids = {2, 70, 3}, .type_ids = {0, 0, 0}}, 0.7F));
  EXPECT_TRUE(model().classify(encoding{.ids = {2, 70, 3}, .type_ids = {}, .truncated = true}, 0.7F).truncated);
}

/// Every call that takes a runner and lends more than one body to it.
std::vector<std::function<void(const runner&)>> calls_that_lend() {
  return {[](const runner& run) { (void)model().classify_batch(texts(), 0.7F, run); },
          [](const runner& run) { (void)model().classify_batch_every_exit(texts(), run); },
          [](const runner& run) { (void)model().classify("a", 0.7F, run); },
          [](const runner& run) { (void)model().classify_every_exit("a", run); }};
}

TEST(hostile_runner, that_calls_too_few_bodies_is_refused) {
  const runner none = {[](std::size_t, const std::function<void(std::size_t)>&) {}, 2};
  const runner all_but_one = {[](std::size_t n, const std::function<void(std::size_t)>& body) {
                                for (std::size_t i = 1; i < n; ++i) {
                                  body(i);
                                }
                              },
                              2};
  for (const auto& call : calls_that_lend()) {
    expect_invalid_argument([&] { return call(none), 0; }, "run called 0 bodies, expected ");
    expect_invalid_argument([&] { return call(all_but_one), 0; }, "run called ");
  }
}

struct no_threads_left {};

TEST(hostile_runner, that_throws_is_heard) {
  const runner before = {[](std::size_t, const std::function<void(std::size_t)>&) { throw no_threads_left(); }, 2};
  const runner after = {[](std::size_t n, const std::function<void(std::size_t)>& body) {
                          for (std::size_t i = 0; i < n; ++i) {
                            body(i);
                          }
                          throw no_threads_left();
                        },
                        2};
  const std::vector<prediction> expected = model().classify_batch(texts(), 0.7F);
  for (const auto& call : calls_that_lend()) {
    EXPECT_THROW(call(before), no_threads_left);
    EXPECT_THROW(call(after), no_threads_left);
    EXPECT_EQ(model().classify_batch(texts(), 0.7F), expected) << "the model has suffered";
  }
}

TEST(hostile_runner, is_not_asked_where_there_is_nothing_to_do) {
  const runner any = [](std::size_t, const std::function<void(std::size_t)>&) { throw no_threads_left(); };
  EXPECT_TRUE(model().classify_batch(std::vector<std::string>{}, 0.7F, any).empty());
}

}  // namespace hostile_input_test
