// SPDX-License-Identifier: Apache-2.0
#include "text/corpus.hpp"

#include <offramp/text/normalizers/base64.hpp>
#include <offramp/text/normalizers/precompiled_charsmap.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace precompiled_charsmap_test {

using offramp::error;
using offramp::text::decode_base64;
using offramp::text::precompiled_charsmap;

void put_number(std::string& bytes, std::size_t position, std::uint32_t number) {
  for (std::size_t index = 0; index < 4; ++index) {
    bytes[position + index] = static_cast<char>(number >> 8 * index & 0xFFU);
  }
}

/// The rule that 'a' becomes "xyz": the root's children are units 256 to 511, those of 'a' are units 512 to 767.
std::string one_rule() {
  constexpr std::uint32_t child = 256 + 'a';
  std::string bytes(4 + 768 * 4, '\0');
  put_number(bytes, 0, 768 * 4);
  put_number(bytes, 4, 256U << 10);
  put_number(bytes, 4 + child * 4, (child ^ 512U) << 10 | 0x100U | 'a');
  put_number(bytes, 4 + 512 * 4, 0x80000000U);
  return bytes + std::string("xyz\0", 4);
}

std::string rewrite(const std::string& charsmap, std::string_view text) {
  std::string result;
  precompiled_charsmap(charsmap, "here").append_rewritten(text, offramp::text::text_end::closed, result);
  return result;
}

void expect_refusal(const std::string& charsmap, const std::string& part) {
  try {
    const precompiled_charsmap accepted(charsmap, "here");
    ADD_FAILURE() << "accepted, expected: " << part;
  } catch (const error& failure) {
    EXPECT_EQ(failure.kind(), offramp::error_kind::bad_model);
    EXPECT_NE(std::string(failure.what()).find(part), std::string::npos) << failure.what() << "\nexpected: " << part;
  }
}

TEST(precompiled_charsmap, short_clusters_are_replaced_as_a_whole) {
  EXPECT_EQ(rewrite(one_rule(), "banb"), "bxyznb");
  EXPECT_EQ(rewrite(one_rule(), "a\u0301b"), "xyzb");
  EXPECT_EQ(rewrite(one_rule(), "a\u0301\u0302\u0303b"), "xyz\u0301\u0302\u0303b");
  EXPECT_EQ(rewrite(one_rule(), "ba\u0301"), "bxyz");
  EXPECT_EQ(rewrite(one_rule(), std::string("a\0a", 3)), std::string("xyz\0xyz", 7));
}

TEST(precompiled_charsmap, every_edge_must_stay_inside) {
  const auto changed = [](std::size_t unit, std::uint32_t value) {
    std::string bytes = one_rule();
    put_number(bytes, 4 + unit * 4, value);
    return bytes;
  };
  constexpr std::size_t child = 256 + 'a';
  expect_refusal("", "has 0 bytes");
  expect_refusal(std::string(4, '\0'), "has a trie of 0 bytes");
  expect_refusal(std::string(3, '\xFF') + '\x7F', "has a trie of");
  expect_refusal(changed(0, 768U << 10), "leads from unit 0 to unit 768 of 768");
  expect_refusal(changed(0, 0x3FFU << 22 | 0x200U), "leads from unit 0 to unit");
  expect_refusal(changed(child, 0x1FFFFFU << 10 | 0x100U | 'a'), "leads from unit 353");
  expect_refusal(changed(512, 0x80000004U), "starts at byte 4 of 4");
  expect_refusal(changed(512, 0xFFFFFFFFU), "starts at byte 2147483647 of 4");
  EXPECT_EQ(rewrite(changed(512, 0x80000003U), "bab"), "bb");
  expect_refusal(one_rule().substr(0, one_rule().size() - 1), "do not end in NUL");
  std::string ill_formed = one_rule();
  ill_formed[ill_formed.size() - 2] = '\xFF';
  expect_refusal(ill_formed, "not UTF-8");
  expect_refusal(one_rule() + std::string(1025, 'x') + '\0', "has a replacement of 1025 bytes");
}

TEST(precompiled_charsmap, a_cycle_ends) {
  std::string bytes = one_rule();  // 'a' leads back to the root's children
  put_number(bytes, 4 + (256 + 'a') * 4, ((256U + 'a') ^ 256U) << 10 | 'a');
  EXPECT_EQ(rewrite(bytes, "aaaaaa"), "aaaaaa");
}

TEST(precompiled_charsmap, changed_bytes_never_do_more_than_throw) {
  const std::string whole = corpus::read_data("charsmap.bin");
  const std::string text = "Caf\u00e9 \ufb01 \u2460 \uff76\uff9e \u1100\u1161 \ufdfa \U0001f468";
  std::uint64_t state = 3;
  for (int round = 0; round < 300; ++round) {
    std::string changed = whole;
    for (int index = 0; index < 1 + round % 40; ++index) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      changed[(state >> 33) % changed.size()] = static_cast<char>(state >> 20 & 0xFFU);
    }
    try {
      EXPECT_LT(rewrite(changed, text).size(), 20000U);
    } catch (const error& failure) {
      EXPECT_EQ(failure.kind(), offramp::error_kind::bad_model);
    }
  }
}

TEST(base64, decodes_the_standard_alphabet) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
  EXPECT_EQ(decode_base64("/+8="), "\xFF\xEF");
  for (const std::string_view wrong : {"Z", "Zg", "Zg=", "Zg===", "Zm9=", "Zh==", "Z-==", "=Zg=", "===="}) {
    EXPECT_EQ(decode_base64(wrong), std::nullopt) << wrong;
  }
}

}  // namespace precompiled_charsmap_test
