// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/pick.hpp>

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <cstddef>
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

timed_point timed(std::size_t point, double mean, double p95) { return {point, {{mean, mean, p95, p95}, {}}}; }

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

TEST(pick, takes_the_most_accurate_that_is_fast_enough) {
  const curve found = curve_of({{80, 1}, {88, 2}, {88, 2.5}, {86, 3}, {91, 5}, {90, 6}});
  EXPECT_EQ(pick_layer_speedup(found, 1), 4U);
  EXPECT_EQ(pick_layer_speedup(found, 1.2), 4U);
  EXPECT_EQ(pick_layer_speedup(found, 1.21), 1U);
  EXPECT_EQ(pick_layer_speedup(found, 2), 1U);
  EXPECT_EQ(pick_layer_speedup(found, 3), 1U);
  EXPECT_EQ(pick_layer_speedup(found, 3.01), 0U);
  EXPECT_EQ(pick_layer_speedup(found, 6), 0U);
  EXPECT_EQ(pick_layer_speedup(found, 6.01), std::nullopt);
}

TEST(pick, looks_at_measured_time) {
  const curve found = curve_of({{80, 1}, {88, 2}, {87, 3}, {90, 6}});
  const std::vector<timed_point> times = {timed(0, 1, 2), timed(2, 2.5, 7), timed(3, 6, 6.5)};
  EXPECT_EQ(pick_time_speedup(found, times, 1), 3U);
  EXPECT_EQ(pick_time_speedup(found, times, 2), 2U);
  EXPECT_EQ(pick_time_speedup(found, times, 2.5), 0U);
  EXPECT_EQ(pick_time_speedup(found, times, 6.5), std::nullopt);
  EXPECT_EQ(pick_p95(found, times, 6.5), 3U);
  EXPECT_EQ(pick_p95(found, times, 6.4), 0U);
  EXPECT_EQ(pick_p95(found, times, 1.9), std::nullopt);
  const std::vector<timed_point> without_full_depth = {times[0]};
  EXPECT_THROW(static_cast<void>(pick_time_speedup(found, without_full_depth, 2)), offramp::error);
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
  EXPECT_EQ(describe(parse_pick_goal("speedup:2.5")), "at least 2.5x faster");
  EXPECT_EQ(describe(parse_pick_goal("p95:5ms")), "95 % of texts within 5 ms");
}

}  // namespace pick_test
