// SPDX-License-Identifier: Apache-2.0
#include <study/fit/half_rows.hpp>

#include <offramp/model/dtype.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace half_rows_test {

using namespace offramp::study::detail;

bool is_finite(std::uint16_t half) { return (half & 0x7c00U) != 0x7c00U; }

TEST(HalfRows, EveryHalfSurvives) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if (is_finite(half)) {
      const float value = offramp::nn::from_float16(half);
      EXPECT_EQ(from_half(half), value);
      EXPECT_EQ(std::signbit(from_half(half)), std::signbit(value));
      EXPECT_EQ(to_half(value), half);
    }
  }
}

TEST(HalfRows, RoundsToTheNearestAndTiesToEven) {
  for (std::uint16_t half = 0; half < 0x7bffU; ++half) {
    const float low = from_half(half);
    const float high = from_half(static_cast<std::uint16_t>(half + 1));
    const float middle = low + (high - low) / 2;
    EXPECT_EQ(to_half(middle), half % 2 == 0 ? half : half + 1) << half;
    EXPECT_EQ(to_half(std::nextafter(middle, low)), half);
    EXPECT_EQ(to_half(std::nextafter(middle, high)), half + 1);
    EXPECT_EQ(to_half(-middle), to_half(middle) | 0x8000U);
  }
}

TEST(HalfRows, KeepsTheDistanceFromTheCenter) {
  const std::vector<column_range> ranges{{0, 1}, {3, 2}, {-1e-32F, 1e-31F}, {0.5F, 0}, {0, 1e30F}};
  half_rows rows(2, ranges);
  const std::vector<float> values{0.1F, 4.5F, 5e-32F, 0.5F, -1e30F};
  EXPECT_TRUE(rows.set(1, values));
  const std::vector<float> wide = rows.widen();
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(wide[5 + i], values[i], std::abs(values[i] - ranges[i].center) / 2048) << i;
    EXPECT_EQ(wide[i], ranges[i].center) << "not set yet";
  }
}

TEST(HalfRows, SaysWhatDoesNotFit) {
  half_rows rows(1, std::vector<column_range>{{0, 1}, {0, 1e-30F}, {0, 0}});
  EXPECT_TRUE(rows.set(0, std::vector{1.9F, -1e-30F, 0.0F}));
  EXPECT_FALSE(rows.set(0, std::vector{4.0F, 0.0F, 0.0F}));
  EXPECT_FALSE(rows.set(0, std::vector{0.0F, 1.0F, 0.0F}));
  for (const float value : {std::numeric_limits<float>::infinity(), -INFINITY, NAN}) {
    EXPECT_FALSE(rows.set(0, std::vector{0.0F, 0.0F, value})) << value;
  }
}

}  // namespace half_rows_test
