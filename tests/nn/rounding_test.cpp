// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/rounding.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace rounding_test {

using offramp::nn::int8_scale;
using offramp::nn::largest_magnitude;

TEST(int8_scale, rounds_to_nearest_and_ties_to_even) {
  const int8_scale whole{.step = 1.0F, .inverse = 1.0F};
  for (int eighth = -130 * 8; eighth <= 130 * 8; ++eighth) {
    const float value = static_cast<float>(eighth) / 8.0F;
    for (const float near : {value, std::nextafter(value, -200.0F), std::nextafter(value, 200.0F)}) {
      EXPECT_EQ(whole.round(near), std::nearbyint(std::clamp(near, -127.0F, 127.0F))) << near;
    }
  }
  EXPECT_EQ(whole.round(-0.0F), 0);
  EXPECT_EQ(whole.round(std::numeric_limits<float>::max()), 127);
  EXPECT_EQ(whole.round(std::numeric_limits<float>::denorm_min()), 0);
}

TEST(int8_scale, takes_every_magnitude_to_127) {
  std::mt19937 random(3);
  for (int exponent = -99; exponent <= 127; ++exponent) {
    const float magnitude = std::ldexp(1.0F + std::generate_canonical<float, 24>(random), exponent);
    if (!std::isfinite(magnitude)) {
      continue;
    }
    const int8_scale scale = offramp::nn::scale_of_magnitude(magnitude);
    EXPECT_EQ(scale.round(magnitude), 127);
    EXPECT_EQ(scale.round(-magnitude), -127);
  }
}

TEST(int8_scale, rounds_a_row_as_its_values) {
  std::mt19937 random(4);
  for (std::size_t size = 1; size <= 70; ++size) {
    std::vector<float> values(size);
    std::ranges::generate(values, [&] { return std::generate_canonical<float, 24>(random) - 0.5F; });
    values[size / 2] = size % 2 == 0 ? 3.7F : -3.7F;
    for (const int8_scale& scale : {offramp::nn::symmetric_scale(values), int8_scale{}}) {
      std::vector<std::int8_t> rounded(size + 1, 99);
      scale.round_row(values, rounded.data());
      for (std::size_t i = 0; i < size; ++i) {
        EXPECT_EQ(rounded[i], scale.round(values[i])) << "of " << size << " value " << i;
      }
      EXPECT_EQ(rounded[size], 99) << size;
    }
  }
}

TEST(largest_magnitude, is_found_at_every_place) {
  for (std::size_t size = 1; size <= 50; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::vector<float> values(size, 0.5F);
      values[at] = -3.0F;
      EXPECT_EQ(largest_magnitude(values), 3.0F);
      values[at] = -std::numeric_limits<float>::infinity();
      EXPECT_FALSE(std::isfinite(largest_magnitude(values)));
      values[at] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_FALSE(std::isfinite(largest_magnitude(values)));
    }
  }
  EXPECT_EQ(largest_magnitude({}), 0.0F);
}

}  // namespace rounding_test
