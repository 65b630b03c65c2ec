// SPDX-License-Identifier: Apache-2.0
#include <offramp/text/normalizers/bert_normalizer.hpp>

#include <gtest/gtest.h>

#include <string>

namespace normalizer_test {

using namespace std::string_literals;
using offramp::text::normalize;
using offramp::text::normalizer_options;

constexpr normalizer_options nothing{false, false, false, false};
constexpr normalizer_options clean{true, false, false, false};
constexpr normalizer_options chinese{false, true, false, false};
constexpr normalizer_options strip{false, false, true, false};
constexpr normalizer_options lowercase{false, false, false, true};

TEST(normalizer, without_steps_only_replaces_ill_formed_bytes) {
  EXPECT_EQ(normalize(nothing, "\u00c9 a\tb\0c\u4e00"s), "\u00c9 a\tb\0c\u4e00"s);
  EXPECT_EQ(normalize(nothing, "a\xFF"), "a\uFFFD");
}

TEST(normalizer, cleaning_drops_control_characters_and_makes_whitespace_a_space) {
  EXPECT_EQ(normalize(clean, "a\0b\u0007c\u00add\ufffde\u200df"s), "abcdef");
  EXPECT_EQ(normalize(clean, "a\tb\nc\rd\u00a0e\u2028f\u3000g"), "a b c d e f g");
  EXPECT_EQ(normalize(clean, "a\xFFz"), "az");
  EXPECT_EQ(normalize(clean, "\u0378"), "\u0378");  // not assigned, kept
}

TEST(normalizer, ideographs_get_spaces_around_them) {
  EXPECT_EQ(normalize(chinese, "a\u4e00\u9fffb"), "a \u4e00  \u9fff b");
  EXPECT_EQ(normalize(chinese, "\u3042\uac00"), "\u3042\uac00");
  EXPECT_EQ(normalize(chinese, "\U0002b81f"), " \U0002b81f ");
  EXPECT_EQ(normalize(chinese, "\U0002b820\U0002b91f"), "\U0002b820\U0002b91f");  // the gap of the fast tokenizers
  EXPECT_EQ(normalize(chinese, "\U0002b920"), " \U0002b920 ");
}

TEST(normalizer, stripping_decomposes_and_drops_nonspacing_marks) {
  EXPECT_EQ(normalize(strip, "\u00c9t\u00e9"), "Ete");
  EXPECT_EQ(normalize(strip, "e\u0301\u0323"), "e");
  EXPECT_EQ(normalize(strip, "\u01d6"), "u");                   // u, diaeresis, macron
  EXPECT_EQ(normalize(strip, "\u212b"), "A");                   // Angstrom sign
  EXPECT_EQ(normalize(strip, "\u0930\u093f"), "\u0930\u093f");  // a spacing mark stays
  EXPECT_EQ(normalize(strip, "\ufb01"), "\ufb01");              // a compatibility ligature stays
}

TEST(normalizer, hangul_falls_apart_into_jamo) {
  EXPECT_EQ(normalize(strip, "\uac00"), "\u1100\u1161");
  EXPECT_EQ(normalize(strip, "\ud7a3"), "\u1112\u1175\u11c2");
}

TEST(normalizer, spacing_marks_that_stay_come_in_canonical_order) {
  // Combining classes: U+1D165 is 216, U+1D16D is 226, U+302E is 224.
  EXPECT_EQ(normalize(strip, "a\U0001d16d\u302e\U0001d165b"), "a\U0001d165\u302e\U0001d16db");
  EXPECT_EQ(normalize(strip, "a\U0001d16d\u0301\U0001d165"), "a\U0001d165\U0001d16d");
  EXPECT_EQ(normalize(strip, "a\U0001d16db\U0001d165"), "a\U0001d16db\U0001d165");
}

TEST(normalizer, endless_marks_are_all_kept) {
  std::string marks;
  for (int index = 0; index < 5000; ++index) {
    marks += index % 2 == 0 ? "\U0001d16d" : "\U0001d165";
  }
  EXPECT_EQ(normalize(strip, "a" + marks).size(), 1 + marks.size());
}

TEST(normalizer, lower_case_is_full_and_knows_no_context) {
  EXPECT_EQ(normalize(lowercase, "AZ\u00c0\u0178\u0391\u03a3\u0416"), "az\u00e0\u00ff\u03b1\u03c3\u0436");
  EXPECT_EQ(normalize(lowercase, "\u0130"), "i\u0307");
  EXPECT_EQ(normalize(lowercase, "\u1e9e\u2126\U00010400"), "\u00df\u03c9\U00010428");
  EXPECT_EQ(normalize(lowercase, "\u0100\u0101\u0102"), "\u0101\u0101\u0103");
  EXPECT_EQ(normalize({false, false, true, true}, "\u0130"), "i");
}

TEST(normalizer, a_sink_that_has_enough_is_not_called_again) {
  int calls = 0;
  auto sink = [&calls](char32_t) { return ++calls < 3; };
  EXPECT_FALSE(offramp::text::normalize_into(normalizer_options{}, "abcdefgh\u4e00\u00e9", sink));
  EXPECT_EQ(calls, 3);
}

}  // namespace normalizer_test
