// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/pick.hpp>

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace pick_test {

using offramp::study::curve;
using offramp::study::operating_point;
using offramp::study::parse_pick_goal;
using offramp::study::pick_goal;
using offramp::study::timed_point;
using kind = pick_goal::kind;

/// A curve of 100 texts with these numbers of right answers at these mean layers; the last is full depth.
curve curve_of(const std::vector<std::pair<std::size_t, double>>& points) {
  curve made;
  for (const auto& [correct, layer] : points) {
    operating_point point;
    point.texts = 100;
    point.correct = correct;
    point.accuracy = static_cast<double>(correct) / 100;
    point.mean_layer = layer;
    point.layer_speedup = points.back().second / layer;
    made.points.push_back(point);
  }
  return made;
}

/// So many times faster than full depth, at least, and 95 % of texts within so many milliseconds, at most.
timed_point timed(std::size_t point, double faster, double p95) {
  offramp::study::latency single;
  single.speedup = {faster + 1, {faster, faster + 2}};
  single.p95_likely = {p95 - 1, p95};
  return {point, {single, {}}};
}

TEST(pick, takes_the_cheapest_within_the_loss) {
  const curve found = curve_of({{80, 1}, {87, 2}, {86, 3}, {89, 4}, {91, 5}, {90, 6}});
  EXPECT_EQ(pick_loss(found, 0), 4U);
  EXPECT_EQ(pick_loss(found, 0.99), 4U);
  EXPECT_EQ(pick_loss(found, 1), 3U);
  EXPECT_EQ(pick_loss(found, 3), 1U);
  EXPECT_EQ(pick_loss(found, 10), 0U);
  EXPECT_EQ(pick_loss(found, 100), 0U);
}

TEST(pick, falls_back_to_full_depth) { EXPECT_EQ(pick_loss(curve_of({{1, 1}, {2, 2}, {90, 3}}), 50), 2U); }

TEST(pick, refuses_less_loss_than_none) {
  for (const double points : {-1e-9, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW((void)pick_loss(curve_of({{1, 1}, {2, 2}}), points), offramp::error) << points;
  }
}

TEST(pick, takes_the_deepest_that_is_fast_enough) {
  const curve found = curve_of({{80, 1}, {88, 2}, {88, 2.5}, {86, 3}, {91, 5}, {90, 6}});
  EXPECT_EQ(pick_layer_speedup(found, 1), 5U);
  EXPECT_EQ(pick_layer_speedup(found, 1.2), 4U);
  EXPECT_EQ(pick_layer_speedup(found, 1.21), 3U);
  EXPECT_EQ(pick_layer_speedup(found, 2), 3U);
  EXPECT_EQ(pick_layer_speedup(found, 3), 1U);
  EXPECT_EQ(pick_layer_speedup(found, 3.01), 0U);
  EXPECT_EQ(pick_layer_speedup(found, 6), 0U);
  EXPECT_EQ(pick_layer_speedup(found, 6.01), std::nullopt);
}

TEST(pick, looks_at_the_worse_end_of_measured_time) {
  const std::vector<timed_point> times = {timed(0, 6, 2), timed(2, 2.4, 7), timed(3, 1, 6.5)};
  EXPECT_EQ(pick_time_speedup(times, 1), 3U);
  EXPECT_EQ(pick_time_speedup(times, 2.4), 2U);
  EXPECT_EQ(pick_time_speedup(times, 2.5), 0U);
  EXPECT_EQ(pick_time_speedup(times, 6.5), std::nullopt);
  EXPECT_EQ(pick_p95(times, 7), 3U);
  EXPECT_EQ(pick_p95(times, 6.9), 0U) << "one that happens to be fast behind a slower one is no pick";
  EXPECT_EQ(pick_p95(times, 1.9), std::nullopt);
}

TEST(pick, reads_goals) {
  EXPECT_EQ(parse_pick_goal("loss:1"), (pick_goal{kind::loss, 1}));
  EXPECT_EQ(parse_pick_goal("loss:0"), (pick_goal{kind::loss, 0}));
  EXPECT_EQ(parse_pick_goal("loss:0.25"), (pick_goal{kind::loss, 0.25}));
  EXPECT_EQ(parse_pick_goal("loss:1@95"), (pick_goal{kind::loss, 1, 0.95}));
  EXPECT_EQ(parse_pick_goal("loss:0.5@97.5"), (pick_goal{kind::loss, 0.5, 0.975}));
  EXPECT_EQ(parse_pick_goal("speedup:3"), (pick_goal{kind::speedup, 3}));
  EXPECT_EQ(parse_pick_goal("speedup:2.5x"), (pick_goal{kind::speedup, 2.5}));
  EXPECT_EQ(parse_pick_goal("p95:5ms"), (pick_goal{kind::p95, 5}));
  EXPECT_EQ(parse_pick_goal("p95:.5"), (pick_goal{kind::p95, 0.5}));
  for (const char* text :
       {"",         ":",           "loss",     "loss:",      "loss:-1",     "loss:101",    "loss:1x",     "loss:1 ",
        "loss: 1",  "loss:nan",    "loss:1e1", "loss:1.1.1", "speedup:0.9", "speedup:3ms", "speedup:inf", "p95:0",
        "p95:5x",   "p95:ms",      "p99:5",    "LOSS:1",     "loss:1,2",    "loss:1@",     "loss:1@50",   "loss:1@100",
        "loss:@95", "speedup:3@95"}) {
    EXPECT_THROW(static_cast<void>(parse_pick_goal(text)), offramp::error) << text;
  }
}

TEST(pick, describes_goals) {
  EXPECT_EQ(describe(parse_pick_goal("loss:0")), "no loss of accuracy on these texts");
  EXPECT_EQ(describe(parse_pick_goal("loss:1")), "at most 1 point of loss on these texts");
  EXPECT_EQ(describe(parse_pick_goal("loss:0.5")), "at most 0.5 points of loss on these texts");
  EXPECT_EQ(describe(parse_pick_goal("loss:1@95")), "at most 1 point of loss, 95 % sure");
  EXPECT_EQ(describe(parse_pick_goal("loss:1@57")), "at most 1 point of loss, 57 % sure");
  EXPECT_EQ(describe(parse_pick_goal("speedup:2.5")), "at least 2.5x faster");
  EXPECT_EQ(describe(parse_pick_goal("p95:5ms")), "95 % of texts within 5 ms");
}

}  // namespace pick_test
