// SPDX-License-Identifier: Apache-2.0
// How often a threshold that was picked for a loss loses more on other texts: by simulation.
#include <offramp/study/curve.hpp>
#include <offramp/study/pick.hpp>

#include "study/random_logits.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <functional>
#include <random>
#include <vector>

namespace sure_loss_test {

using namespace offramp::study;

constexpr int draws = OFFRAMP_TEST_DRAWS;
constexpr std::size_t texts_drawn = 300;

/// `count` of the texts, drawn with replacement.
exit_logits draw(const exit_logits& all, std::size_t count, std::mt19937& random) {
  exit_logits drawn{.num_texts = count,
                    .num_labels = all.num_labels,
                    .exits = all.exits,
                    .label_ids = {},
                    .tokens = {},
                    .values = {}};
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < count; ++i) {
    chosen.push_back(random() % all.num_texts);
    drawn.label_ids.push_back(all.label_ids[chosen.back()]);
    drawn.tokens.push_back(all.tokens[chosen.back()]);
  }
  for (std::size_t exit = 0; exit < all.exits.size(); ++exit) {
    for (const std::size_t text : chosen) {
      const auto row = all.at(exit, text);
      drawn.values.insert(drawn.values.end(), row.begin(), row.end());
    }
  }
  return drawn;
}

/// How often the picked threshold loses more than `points` hundredths over all texts that draws come from.
double violation_rate(double points, const std::function<std::size_t(const curve&)>& pick) {
  const exit_logits all = offramp_tests::random_logits({.texts = 5000, .exits = 2, .labels = 2, .step = 0.0F}, 7);
  const curve truth = compute_curve(all, {});
  const double full = truth.full_depth().accuracy;
  EXPECT_GT(100.0 * (full - truth.points.front().accuracy), 2.0 * points) << "there is something to lose";
  std::mt19937 random(11);
  int violations = 0;
  for (int i = 0; i < draws; ++i) {
    const curve found = compute_curve(draw(all, texts_drawn, random), {});
    const operating_point& picked = truth.at(found.points[pick(found)].thresholds->shortest);
    violations += 100.0 * (full - picked.accuracy) > points ? 1 : 0;
  }
  return static_cast<double>(violations) / draws;
}

TEST(SureLoss, IsBrokenAsSeldomAsItSays) {
  for (const double confidence : {0.95, 0.8}) {
    const double rate = violation_rate(3.0, [&](const curve& found) { return pick_sure_loss(found, 3.0, confidence); });
    const double delta = 1.0 - confidence;
    EXPECT_LE(rate, delta + 3.0 * std::sqrt(delta * confidence / draws));
    EXPECT_GT(rate, 0.0) << "the pick is of something";
  }
}

TEST(SureLoss, ThePlainPickBreaksItHalfOfTheTime) {
  EXPECT_GT(violation_rate(3.0, [](const curve& found) { return pick_loss(found, 3.0); }), 0.3);
}

}  // namespace sure_loss_test
