// SPDX-License-Identifier: Apache-2.0
#include <offramp/exits/schedule.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace schedule_test {

using offramp::schedule;
using offramp::exits::choose_row_order;
using offramp::exits::exit_rate;
using offramp::exits::row_order;

TEST(ScheduleTest, RatesFollowWhatTextsDo) {
  exit_rate rate;
  const double before = rate.value();
  EXPECT_GT(before, 0.0);
  EXPECT_LT(before, 1.0);
  for (int i = 0; i < 500; ++i) {
    const double last = rate.value();
    rate.count(true);
    ASSERT_GE(rate.value(), last);
    ASSERT_LE(rate.value(), 1.0);
  }
  EXPECT_GT(rate.value(), 0.95);
  for (int i = 0; i < 1000; ++i) {  // older visits fade
    rate.count(false);
  }
  EXPECT_LT(rate.value(), 0.1);
  EXPECT_GE(rate.value(), 0.0);
}

TEST(ScheduleTest, RatesOfMixedTextsSettle) {
  exit_rate rate;
  for (int i = 0; i < 10'000; ++i) {
    rate.count(i % 4 == 0);
  }
  EXPECT_NEAR(rate.value(), 0.25, 0.02);
}

TEST(ScheduleTest, FirstRowsGoFirstWhereItPays) {
  const auto by_cost = [](double likelihood, std::size_t texts, std::size_t rows) {
    return choose_row_order(schedule::by_cost, likelihood, texts, rows);
  };
  EXPECT_EQ(by_cost(0.0, 1, 512), row_order::together) << "nobody leaves";
  EXPECT_EQ(by_cost(0.9, 1, 512), row_order::first_rows_first);
  EXPECT_EQ(by_cost(0.9, 1, 2), row_order::together) << "little to save";
  EXPECT_EQ(by_cost(1.0, 1, 8), row_order::together) << "7 rows saved, as many spent";
  EXPECT_EQ(by_cost(1.0, 1, 9), row_order::first_rows_first);
  EXPECT_EQ(by_cost(1.0, 20, 20), row_order::together) << "texts of one token have no other rows";
}

TEST(ScheduleTest, OptionsDecideWithoutCosts) {
  for (const double likelihood : {0.0, 1.0}) {
    for (const std::size_t rows : {1U, 512U}) {
      EXPECT_EQ(choose_row_order(schedule::together, likelihood, 1, rows), row_order::together);
      EXPECT_EQ(choose_row_order(schedule::cls_first, likelihood, 1, rows), row_order::first_rows_first);
    }
  }
}

}  // namespace schedule_test
