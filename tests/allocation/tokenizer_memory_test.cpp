// SPDX-License-Identifier: Apache-2.0
// What a long text takes of memory is bounded, and given back.
#include "counted_memory.hpp"
#include "text/subwords/corpus.hpp"

#include <offramp/text/tokenizer.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

namespace tokenizer_memory_test {

using counted_memory::live;
using counted_memory::peak;
using offramp::text::encode_memory;
using offramp::text::tokenizer;

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr std::size_t long_size = 8 * mebibyte;

tokenizer load(const std::string& name) {
  return name.starts_with("sentiment") ? tokenizer::load(offramp::model::file_set(OFFRAMP_SOURCE_DIR "/models/" + name),
                                                         offramp::text::pretokenizer::bert)
                                       : corpus::load_subwords(name);
}

/// Characters from `first` on, at random, without a space.
std::string random_word(char32_t first, char32_t count) {
  std::mt19937 random(5);
  std::string text;
  text.reserve(long_size + 4);
  while (text.size() < long_size) {
    offramp::text::append_utf8(text, first + static_cast<char32_t>(random() % count));
  }
  return text;
}

std::string repeated(const std::string& part, std::size_t size) {
  std::string text;
  text.reserve(size + part.size());
  while (text.size() < size) {
    text += part;
  }
  return text;
}

class memory : public testing::TestWithParam<std::string> {};

TEST_P(memory, of_a_long_text_is_that_of_its_beginning) {
  const tokenizer subject = load(GetParam());
  for (const std::string& text : {random_word(U'a', 26), random_word(0xAC00, 11172),
                                  repeated("a good film, ", long_size), repeated("\uc601\ud654 ", long_size)}) {
    const auto expected =
        subject.encode(std::string_view(text).substr(0, offramp::text::character_start(text, text.size() / 2)), 512);
    encode_memory kept;
    const std::size_t before = live;
    peak = before;
    const auto& found = subject.encode(text, 512, kept);
    EXPECT_LT(peak - before, 3 * mebibyte);
    EXPECT_LT(live - before, mebibyte);
    EXPECT_EQ(found.ids, expected.ids);
    EXPECT_EQ(found.truncated, expected.truncated);
  }
}

TEST_P(memory, of_an_unusual_text_is_given_back) {
  const tokenizer subject = load(GetParam());
  encode_memory kept;
  const std::size_t before = live;
  for (const char* part : {"a", " ", "\u0301", "\u314b", "\u200d", "\xff", "\U0001f469", "ab"}) {
    const std::string text = repeated(part, mebibyte);
    subject.encode(text, 512, kept);
    EXPECT_LT(live - before - text.capacity(), mebibyte) << part;
    subject.encode(text, text, 511, kept);
    EXPECT_LT(live - before - text.capacity(), mebibyte) << part;
  }
}

TEST_P(memory, of_an_interrupted_text_is_not_needed) {
  const tokenizer subject = load(GetParam());
  std::stop_source source;
  source.request_stop();
  const offramp::detail::interruption stop{source.get_token()};
  const std::string text = repeated("good film ", mebibyte);
  encode_memory kept;
  const auto& found = subject.encode(text, 512, kept, &stop);
  EXPECT_TRUE(found.truncated);
  EXPECT_EQ(found.ids, subject.encode("", 512).ids);
  EXPECT_TRUE(subject.encode(text, text, 511, kept, &stop).truncated);
}

INSTANTIATE_TEST_SUITE_P(all, memory,
                         testing::Values("sentiment-en", "sentiment-ko", "xlm_roberta", "albert", "roberta",
                                         "unigram_nfkc"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace tokenizer_memory_test
