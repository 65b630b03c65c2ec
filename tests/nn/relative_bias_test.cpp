// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/relative_bias.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

namespace relative_bias_test {

using offramp::nn::relative_bias;
using offramp::nn::relative_bucket;

/// As T5 has it: half of the buckets for each direction, half of those for a distance each, and the others for
/// logarithms up to 128. A little more than the logarithm: those of the whole powers must not fall below.
std::size_t bucket_on_paper(std::ptrdiff_t distance) {
  const std::size_t first = distance > 0 ? 16 : 0;
  const double length = std::abs(static_cast<double>(distance));
  if (length < 8) {
    return first + static_cast<std::size_t>(length);
  }
  const double logarithm = std::log(length / 8) / std::log(128.0 / 8) * 8;
  return first + std::min<std::size_t>(15, static_cast<std::size_t>(8 + logarithm + 1e-12));
}

TEST(relative_bias, has_the_buckets_of_the_paper) {
  for (std::ptrdiff_t distance = -2000; distance <= 2000; ++distance) {
    ASSERT_EQ(relative_bucket(distance), bucket_on_paper(distance)) << distance;
  }
  EXPECT_EQ(relative_bucket(-90), 14U);
  EXPECT_EQ(relative_bucket(-91), 15U);
  EXPECT_EQ(relative_bucket(1 << 20), 31U);
}

TEST(relative_bias, is_there_for_every_distance_within_a_text) {
  std::vector<float> table(40 * 3);  // more buckets than are looked up
  std::iota(table.begin(), table.end(), 0.0F);
  for (const std::size_t tokens : {1UL, 2UL, 9UL, 300UL}) {
    const relative_bias bias(table, 3, tokens);
    EXPECT_EQ(bias.bytes(), 3 * (2 * tokens - 1) * sizeof(float));
    const auto last = static_cast<std::ptrdiff_t>(tokens) - 1;
    for (std::size_t head = 0; head < 3; ++head) {
      for (std::ptrdiff_t distance = -last; distance <= last; ++distance) {
        ASSERT_EQ(bias.of_head(head)[distance], table[relative_bucket(distance) * 3 + head]) << distance;
      }
    }
  }
}

TEST(relative_bias, is_null_where_there_is_none) {
  EXPECT_EQ(relative_bias().of_head(0), nullptr);
  EXPECT_EQ(relative_bias().bytes(), 0U);
}

}  // namespace relative_bias_test
