// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/rotation.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstddef>
#include <vector>

namespace rotation_test {

using offramp::nn::rotation;
using offramp::nn::rotations;

std::vector<float> numbers(std::size_t size) {
  std::vector<float> row;
  for (std::size_t i = 0; i < size; ++i) {
    row.push_back(std::sin(static_cast<float>(7 * i + 1)));
  }
  return row;
}

TEST(rotation, turns_pairs_by_the_position) {
  for (const std::size_t size : {2UL, 12UL, 16UL, 20UL, 64UL}) {
    for (const std::size_t position : {0UL, 1UL, 17UL, 300UL}) {
      rotation turn(10000.0F, size);
      turn.extend(position + 1);
      std::vector<float> row = numbers(size);
      turn.apply(position, row.data());
      const std::vector<float> before = numbers(size);
      for (std::size_t i = 0; i < size / 2; ++i) {
        const double exponent = static_cast<double>(2 * i) / static_cast<double>(size);
        const double angle = static_cast<double>(position) / std::pow(10000.0, exponent);
        const auto expected = std::complex<double>(before[i], before[i + size / 2]) * std::polar(1.0, angle);
        EXPECT_NEAR(static_cast<double>(row[i]), expected.real(), 3e-5) << size << ' ' << position << ' ' << i;
        EXPECT_NEAR(static_cast<double>(row[i + size / 2]), expected.imag(), 3e-5);
      }
    }
  }
}

TEST(rotation, is_the_same_however_it_was_extended) {
  rotation at_once(160000.0F, 12);
  at_once.extend(40);
  rotation bit_by_bit(160000.0F, 12);
  for (const std::size_t count : {1UL, 7UL, 3UL, 40UL}) {
    bit_by_bit.extend(count);
  }
  for (std::size_t position = 0; position < 40; ++position) {
    std::vector<float> a = numbers(12);
    std::vector<float> b = a;
    at_once.apply(position, a.data());
    bit_by_bit.apply(position, b.data());
    EXPECT_EQ(a, b);
  }
}

TEST(rotations, keep_one_for_each_base_and_size) {
  rotations all;
  EXPECT_EQ(all.bytes(), 0U);
  const auto turned = [&](float base, std::size_t size) {
    std::vector<float> row = numbers(24);
    all.prepare(base, size, 10).apply(9, row.data());
    return row;
  };
  const std::vector<float> first = turned(100.0F, 24);
  EXPECT_NE(turned(200.0F, 24), first);
  EXPECT_NE(turned(100.0F, 12), first);
  const std::size_t bytes = all.bytes();
  EXPECT_EQ(turned(100.0F, 24), first);
  EXPECT_EQ(all.bytes(), bytes);
}

}  // namespace rotation_test
