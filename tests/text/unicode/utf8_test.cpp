// SPDX-License-Identifier: Apache-2.0
#include <offramp/text/unicode/utf8.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace utf8_test {

using namespace std::string_literals;
using offramp::text::decode;
using offramp::text::decode_before;
using offramp::text::decoded;

std::u32string decode_all(std::string_view bytes) {
  std::u32string result;
  for (std::size_t position = 0; position < bytes.size();) {
    const decoded next = decode(bytes, position);
    position += next.length;
    EXPECT_LE(position, bytes.size());
    result += next.code_point;
  }
  return result;
}

TEST(utf8, every_scalar_value_survives_a_round_trip) {
  for (char32_t code_point = 0; code_point < 0x110000; ++code_point) {
    if (code_point >= 0xD800 && code_point <= 0xDFFF) {
      continue;
    }
    std::string bytes;
    offramp::text::append_utf8(bytes, code_point);
    const decoded next = decode(bytes, 0);
    ASSERT_EQ(next.code_point, code_point);
    ASSERT_EQ(next.length, bytes.size());
    ASSERT_TRUE(next.well_formed);
    ASSERT_EQ(decode_before("a" + bytes, bytes.size() + 1).code_point, code_point);
  }
}

struct ill_formed {
  std::string bytes;
  std::u32string expected;
};

TEST(utf8, ill_formed_sequences_are_replaced_by_maximal_parts) {
  const ill_formed cases[] = {
      {"\x80", U"\uFFFD"},
      {"\xBF\x80", U"\uFFFD\uFFFD"},
      {"\xFE\xFF", U"\uFFFD\uFFFD"},
      {"\xC0\x80", U"\uFFFD\uFFFD"},  // overlong NUL
      {"\xC1\xBF", U"\uFFFD\uFFFD"},
      {"\xE0\x80\xAF", U"\uFFFD\uFFFD\uFFFD"},  // overlong slash
      {"\xE0\x9F\xBF", U"\uFFFD\uFFFD\uFFFD"},
      {"\xED\xA0\x80", U"\uFFFD\uFFFD\uFFFD"},  // first surrogate
      {"\xED\xBF\xBF", U"\uFFFD\uFFFD\uFFFD"},  // last surrogate
      {"\xF0\x80\x80\xAF", U"\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xF0\x8F\xBF\xBF", U"\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xF4\x90\x80\x80", U"\uFFFD\uFFFD\uFFFD\uFFFD"},  // above the last code point
      {"\xF5\x80\x80\x80", U"\uFFFD\uFFFD\uFFFD\uFFFD"},
      {"\xC3", U"\uFFFD"},  // cut short
      {"\xE2\x82", U"\uFFFD"},
      {"\xF0\x9F\x98", U"\uFFFD"},
      {"\xF0\x9F", U"\uFFFD"},
      {"\xE2\x82z", U"\uFFFDz"},
      {"\xF0\x9F\x98z", U"\uFFFDz"},
      {"\xE2\xE2\x82\xAC", U"\uFFFD\u20AC"},
      {"a\xF1\x80\x80\xE1\x80\xC2z\x80y\x80\xBFx", U"a\uFFFD\uFFFD\uFFFDz\uFFFDy\uFFFD\uFFFDx"},
  };
  for (const ill_formed& example : cases) {
    EXPECT_EQ(decode_all(example.bytes), example.expected) << testing::PrintToString(example.bytes);
    EXPECT_FALSE(offramp::text::is_well_formed_utf8(example.bytes));
  }
}

TEST(utf8, borders_of_each_length_are_well_formed) {
  EXPECT_EQ(decode_all("\x00\x7F\xC2\x80\xDF\xBF"s), U"\x00\x7F\u0080\u07FF"s);
  EXPECT_EQ(decode_all("\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"), U"\u0800\uD7FF\uE000\uFFFF");
  EXPECT_EQ(decode_all("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), U"\U00010000\U0010FFFF");
  EXPECT_TRUE(offramp::text::is_well_formed_utf8(""));
}

TEST(utf8, decoding_backwards_takes_one_byte_of_ill_formed_text) {
  EXPECT_EQ(decode_before("a\x80", 2).code_point, 0xFFFDU);
  EXPECT_EQ(decode_before("a\x80", 2).length, 1U);
  EXPECT_EQ(decode_before("\xE2\x82", 2).length, 1U);
  EXPECT_EQ(decode_before("ab", 1).code_point, U'a');
}

}  // namespace utf8_test
