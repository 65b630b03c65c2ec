// SPDX-License-Identifier: Apache-2.0
#include <offramp/text/added_tokens.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace added_tokens_test {

using offramp::text::added_token;
using offramp::text::added_token_matcher;
using offramp::text::text_end;
using offramp::text::token_boundary;

added_token token(std::string content, std::int32_t id, token_boundary boundary = token_boundary::any) {
  added_token result;
  result.content = std::move(content);
  result.id = id;
  result.boundary = boundary;
  return result;
}

/// Parts separated by '|', those that are tokens followed by '=' and their id.
std::string split(const added_token_matcher& matcher, std::string_view text) {
  std::string result;
  const bool complete = matcher.split(text, [&result](std::string_view part, std::optional<std::int32_t> id, text_end) {
    result += (result.empty() ? "" : "|") + std::string(part) + (id ? "=" + std::to_string(*id) : "");
    return true;
  });
  EXPECT_TRUE(complete);
  return result;
}

TEST(added_tokens, the_leftmost_and_longest_wins) {
  const added_token_matcher matcher({token("ab", 1), token("abc", 2), token("bcd", 3)});
  EXPECT_EQ(split(matcher, "xabcdx"), "x|abc=2|dx");
  EXPECT_EQ(split(matcher, "abab"), "ab=1|ab=1");
  EXPECT_EQ(split(matcher, "none"), "none");
  EXPECT_EQ(split(matcher, ""), "");
}

TEST(added_tokens, single_words_have_no_word_character_beside_them) {
  const added_token_matcher matcher({token("ab", 1, token_boundary::word)});
  EXPECT_EQ(split(matcher, "ab"), "ab=1");
  EXPECT_EQ(split(matcher, "-ab."), "-|ab=1|.");
  EXPECT_EQ(split(matcher, "xab ab"), "xab |ab=1");
  EXPECT_EQ(split(matcher, "ab\u00e9"), "ab\u00e9");
  EXPECT_EQ(split(matcher, "\u00e9ab"), "\u00e9ab");
  EXPECT_EQ(split(matcher, "ab_"), "ab_");
  EXPECT_EQ(split(matcher, "abab"), "abab");
  EXPECT_EQ(split(matcher,
                  "\xFF"
                  "ab"),
            "\xFF|ab=1");
}

TEST(added_tokens, whitespace_boundaries_want_whole_words) {
  const added_token_matcher matcher({token("[SEP]", 1, token_boundary::whitespace)});
  EXPECT_EQ(split(matcher, "a [SEP] b"), "a |[SEP]=1| b");
  EXPECT_EQ(split(matcher, "[SEP]\u3000[SEP]"), "[SEP]=1|\u3000|[SEP]=1");
  EXPECT_EQ(split(matcher, "a [SEP]. x[SEP]"), "a [SEP]. x[SEP]");
}

TEST(added_tokens, stripping_takes_the_whitespace_beside_along) {
  added_token left = token("<l>", 1);
  left.lstrip = true;
  added_token right = token("<r>", 2);
  right.rstrip = true;
  const added_token_matcher matcher({left, right});
  EXPECT_EQ(split(matcher, "a \t<l> b"), "a| \t<l>=1| b");
  EXPECT_EQ(split(matcher, "a <r>\u2003 b"), "a |<r>\u2003 =2|b");
  EXPECT_EQ(split(matcher, "<r> <l>"), "<r> =2|<l>=1");  // the space is taken once
}

TEST(added_tokens, what_a_token_has_taken_along_is_no_other) {
  added_token line = token("\n", 1);
  line.lstrip = line.rstrip = true;
  const added_token_matcher matcher({line});
  EXPECT_EQ(split(matcher, "a\n\n\nb"), "a|\n\n\n=1|b");
  EXPECT_EQ(split(matcher, "a \n \n b\n"), "a| \n \n =1|b|\n=1");
}

TEST(added_tokens, a_segment_can_stop_the_search) {
  const added_token_matcher matcher({token("a", 1)});
  int calls = 0;
  EXPECT_FALSE(
      matcher.split("xaxa", [&calls](std::string_view, std::optional<std::int32_t>, text_end) { return ++calls < 2; }));
  EXPECT_EQ(calls, 2);
}

}  // namespace added_tokens_test
