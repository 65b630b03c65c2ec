// SPDX-License-Identifier: Apache-2.0
#include <offramp/text/pretokenizers/byte_level.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace byte_level_test {

using parts = std::vector<std::string>;

parts split(std::string_view text) {
  parts result;
  offramp::text::gpt2_splitter splitter(text, offramp::text::text_end::closed, std::nullopt);
  while (const auto part = splitter.next()) {
    result.emplace_back(part->bytes);
  }
  return result;
}

TEST(gpt2_splitter, one_space_belongs_to_what_follows) {
  EXPECT_EQ(split("Hello, world 42!"), (parts{"Hello", ",", " world", " 42", "!"}));
  EXPECT_EQ(split("a  b"), (parts{"a", " ", " b"}));
  EXPECT_EQ(split("a \n b"), (parts{"a", " \n", " b"}));
  EXPECT_EQ(split("a\n\nb"), (parts{"a", "\n", "\n", "b"}));
  EXPECT_EQ(split("a\nb"), (parts{"a", "\n", "b"}));
  EXPECT_EQ(split("a  "), (parts{"a", "  "}));
  EXPECT_EQ(split(" "), (parts{" "}));
  EXPECT_EQ(split(""), (parts{}));
}

TEST(gpt2_splitter, english_endings_stand_alone) {
  EXPECT_EQ(split("it's I'll we've"), (parts{"it", "'s", " I", "'ll", " we", "'ve"}));
  EXPECT_EQ(split("'tis 'S"), (parts{"'t", "is", " '", "S"}));
  EXPECT_EQ(split("a ''s"), (parts{"a", " ''", "s"}));
}

TEST(gpt2_splitter, letters_and_numbers_of_all_scripts) {
  EXPECT_EQ(split("\uac00\u00e9\u0663\u00bdx"), (parts{"\uac00\u00e9", "\u0663\u00bd", "x"}));
  EXPECT_EQ(split("e\u0301"), (parts{"e", "\u0301"}));
  EXPECT_EQ(split("a\u3000b\u00a0\u00a0c"), (parts{"a", "\u3000", "b", "\u00a0", "\u00a0", "c"}));
}

TEST(byte_characters, are_printable) {
  std::string result;
  offramp::text::append_byte_characters(std::string_view("a \n\0\xAD\xFF", 6), result);
  EXPECT_EQ(result, "a\u0120\u010a\u0100\u0143\u00ff");
}

}  // namespace byte_level_test
