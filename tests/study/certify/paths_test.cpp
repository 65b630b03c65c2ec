// SPDX-License-Identifier: Apache-2.0
// The policies that certification walks over, and replaying them.
#include <offramp/study/certification.hpp>

#include <offramp/error.hpp>

#include "study/certify/known_texts.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

namespace paths_test {

namespace study = offramp::study;
using offramp::certified_loss;
using offramp::exit_policy;
using offramp_tests::replay_of;
using offramp_tests::thousand;

TEST(Paths, OfADecliningThresholdBeginWhereNoExitAsksForLessThanOne) {
  const auto path = study::declining_path(0.25F, 4);
  EXPECT_EQ(path.front(), exit_policy::declining(1.5F, 0.25F)) << "1.5, 1.25 and 1 at the exits that ask";
  EXPECT_EQ(path[500], exit_policy::declining(1.0F, 0.25F));
  EXPECT_EQ(path.back(), exit_policy::declining(0.0F, 0.25F));
  EXPECT_EQ(path.size(), 1501U);
  EXPECT_EQ(study::declining_path(0.25F, 1).front(), exit_policy::declining(1.0F, 0.25F));
  EXPECT_THROW(static_cast<void>(study::declining_path(-0.1F, 4)), offramp::error);
  EXPECT_THROW(static_cast<void>(study::declining_path(std::nanf(""), 4)), offramp::error);
}

TEST(Paths, LeadFromOnesOverTheShapeToZeros) {
  const auto path = study::per_exit_path(std::vector<float>{0.6F, 1.0F, 0.0F});
  EXPECT_EQ(path.front(), exit_policy::per_exit({1.0F, 1.0F, 1.0F}));
  EXPECT_EQ(path[500], exit_policy::per_exit({0.6F, 1.0F, 0.0F}));
  EXPECT_EQ(path.back(), exit_policy::per_exit({0.0F, 0.0F, 0.0F}));
  for (std::size_t step = 1; step < path.size(); ++step) {
    for (std::size_t exit = 0; exit < 3; ++exit) {
      EXPECT_LE(path[step].thresholds()[0][exit], path[step - 1].thresholds()[0][exit]);
    }
  }
  const auto labels = study::per_label_path(std::vector<float>{0.5F, 0.9F}, 3);
  EXPECT_EQ(labels[500], exit_policy::per_class({{0.5F, 0.9F}, {0.5F, 0.9F}, {0.5F, 0.9F}}));
  EXPECT_THROW(static_cast<void>(study::per_exit_path(std::vector<float>{1.5F})), offramp::error);
  EXPECT_THROW(static_cast<void>(study::per_exit_path(std::vector<float>{std::nanf("")})), offramp::error);
  EXPECT_THROW(static_cast<void>(study::per_exit_path({})), offramp::error);
}

TEST(Shapes, AreTheLowestThresholdsWithinEpsilon) {
  const study::replay texts = replay_of(thousand());
  const std::vector<float> exits = study::per_exit_shape(texts, certified_loss::disagreement, 0.02);
  // Exit 1: down to 0.95 1 % disagree, from 0.75 on more than 2 %. Exit 2: 0.97 has 1 % of 300, 0.9 adds 60 of 300
  // with the label 0 that agree. The last exit agrees with itself.
  EXPECT_FLOAT_EQ(exits[0], 0.751F);
  EXPECT_FLOAT_EQ(exits[1], 0.601F);
  EXPECT_FLOAT_EQ(exits[2], 0.0F);
  const std::vector<float> labels = study::per_label_shape(texts, certified_loss::disagreement, 0.02);
  EXPECT_FLOAT_EQ(labels[0], 0.0F);  // 60 answers at exit 2, all as the last exit
  EXPECT_GT(labels[1], 0.7F);
}

TEST(Replay, FollowsLayerLimitsAndRefusesDeadlines) {
  const study::replay texts = replay_of({{{0.6, 0.7, 0.2}, 0}});
  EXPECT_EQ(texts.decide(exit_policy::full_depth()), (std::vector{texts.answer(2, 0)}));
  EXPECT_EQ(texts.decide(exit_policy::full_depth().with_max_layer(2)), (std::vector{texts.answer(1, 0)}));
  EXPECT_EQ(texts.decide(exit_policy::patience(1)), (std::vector{texts.answer(1, 0)}));
  EXPECT_THROW(static_cast<void>(texts.decide(exit_policy(0.5F).with_deadline({}))), offramp::error);
  EXPECT_THROW(static_cast<void>(texts.decide(exit_policy::per_exit({0.5F}))), offramp::error);
}

}  // namespace paths_test
