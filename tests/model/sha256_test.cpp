// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/sha256.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace sha256_test {

using offramp::model::sha256_hex;

// The examples that NIST publishes for FIPS 180-4.
TEST(sha256, agrees_with_the_published_examples) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(
      sha256_hex("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
                 "mnopqrstnopqrstu"),
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256, does_not_depend_on_how_the_message_is_cut) {
  for (std::size_t size = 0; size <= 200; ++size) {
    std::string message;
    for (std::size_t i = 0; i < size; ++i) {
      message += static_cast<char>(i * 7 + 3);
    }
    for (std::size_t piece = 1; piece <= 130; piece += 43) {
      offramp::model::sha256 digest;
      for (std::size_t begin = 0; begin < size; begin += piece) {
        digest.update(std::as_bytes(std::span(message)).subspan(begin, std::min(piece, size - begin)));
      }
      EXPECT_EQ(digest.finish(), sha256_hex(message)) << size << " bytes in pieces of " << piece;
    }
  }
}

TEST(sha256, is_the_same_by_the_instructions_for_it) {
#if defined(__x86_64__)
  namespace blocks = offramp::model::sha256_blocks;
  if (!blocks::has_sha_extensions()) {
    GTEST_SKIP() << "this CPU has none";
  }
  std::mt19937 random(1);
  std::vector<std::byte> message(50 * blocks::block_bytes + 1);
  std::ranges::generate(message, [&] { return static_cast<std::byte>(random()); });
  for (std::size_t count = 0; count <= 50; ++count) {
    blocks::state expected;
    std::ranges::generate(expected, [&] { return static_cast<std::uint32_t>(random()); });
    blocks::state found = expected;
    blocks::compress_portably(expected, message.data() + 1, count);
    blocks::compress_by_sha_extensions(found, message.data() + 1, count);
    ASSERT_EQ(found, expected) << count << " blocks";
  }
#else
  GTEST_SKIP() << "of another architecture";
#endif
}

TEST(sha256, of_a_file_is_that_of_its_content) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{1} << 18, (std::size_t{1} << 18) + 77}) {
    const std::string content(size, 'q');
    EXPECT_EQ(sha256_hex(offramp_tests::memory_file("a", content)), sha256_hex(content));
  }
}

}  // namespace sha256_test
