// SPDX-License-Identifier: Apache-2.0
#include <offramp/text/pretokenizers/pre_tokenizer.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pre_tokenizer_test {

using namespace offramp::text;

using words = std::vector<std::string>;

/// The words of a text that arrives in two pieces, the first of `split` bytes.
words cut(const pre_tokenizer_step& step, std::string_view text, std::size_t split) {
  words result;
  bool is_open = false;
  const auto use = [&](std::string_view piece, text_end end) {
    if (is_open) {
      result.back() += piece;
    } else {
      result.emplace_back(piece);
    }
    is_open = end == text_end::open;
    return true;
  };
  pre_tokenizer_memory memory;
  pre_tokenization subject(std::span(&step, 1), memory, use);
  EXPECT_TRUE(subject.take(text.substr(0, split), text_end::open));
  EXPECT_TRUE(subject.take(text.substr(split), text_end::closed));
  return result;
}

TEST(cut_behind_spaces, leaves_each_space_with_what_is_before_it) {
  const std::string_view text = " ab  c d ";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    EXPECT_EQ(cut(cut_behind_spaces{}, text, split), (words{" ", "ab ", " ", "c ", "d "})) << split;
  }
  EXPECT_EQ(cut(cut_behind_spaces{}, "ab", 1), (words{"ab"}));
  EXPECT_EQ(cut(cut_behind_spaces{}, "\u2581a\tb", 2), (words{"\u2581a\tb"}));
}

}  // namespace pre_tokenizer_test
