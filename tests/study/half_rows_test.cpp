// SPDX-License-Identifier: Apache-2.0
#include <offramp/detail/study/half_rows.hpp>

#include <offramp/model/dtype.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace offramp::study::detail;

bool is_finite(std::uint16_t half) { return (half & 0x7c00U) != 0x7c00U; }

TEST(HalfRows, EveryHalfSurvives) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if (is_finite(half)) {
      const float value = offramp::model::float_from_f16(half);
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

TEST(HalfRows, SaysWhatDoesNotFit) {
  half_rows rows(2, 2);
  EXPECT_TRUE(rows.set(0, std::vector{65519.0F, -65519.0F}));
  EXPECT_TRUE(rows.set(1, std::vector{1e-9F, 0.1F}));
  EXPECT_EQ(rows.widen(), (std::vector<float>{65504, -65504, 0, 0.0999755859375F}));
  for (const float value : {65520.0F, 1e30F, std::numeric_limits<float>::infinity(), -INFINITY, NAN}) {
    EXPECT_FALSE(rows.set(0, std::vector{0.0F, value})) << value;
  }
}

}  // namespace
