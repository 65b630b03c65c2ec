// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/certification.hpp>

#include "study/certify/known_texts.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace certification_test {

namespace study = offramp::study;
using offramp::certified_loss;
using offramp::exit_policy;
using offramp_tests::kind_of_text;
using offramp_tests::logits_of;
using offramp_tests::replay_of;
using offramp_tests::thousand;

TEST(Certification, ReportsTheStepBeforeTheFirstFailure) {
  const study::replay texts = replay_of(thousand());
  const auto result = study::certify(texts, study::threshold_path(), certified_loss::disagreement, 0.02, 0.05);
  ASSERT_TRUE(result.certified && result.failed);
  // At 0.75 the 60 leave wrongly; the step before, 0.751, is the last that passes.
  EXPECT_FLOAT_EQ(result.certified->policy.threshold(), 0.751F);
  EXPECT_FLOAT_EQ(result.failed->policy.threshold(), 0.75F);
  EXPECT_EQ(result.certified->losses, 3);
  EXPECT_EQ(result.failed->losses, 63);
  EXPECT_LE(result.certified->bound, 0.02);
  EXPECT_GT(result.failed->bound, 0.02);
  EXPECT_EQ(result.n, 1000);
}

TEST(Certification, WalksTheThresholdsOfAGate) {
  const auto path = study::gate_path();
  ASSERT_EQ(path.size(), 1001U);
  EXPECT_EQ(path.front(), exit_policy::learned(0.0F));
  EXPECT_EQ(path[250], exit_policy::learned(0.25F));
  EXPECT_EQ(path.back(), exit_policy::learned(1.0F));
  // Of 1,000 texts that all agree with the last exit but 100, the gate is sure of those 100 from 0.6 on.
  std::vector<kind_of_text> kinds(900, {{0.9, 0.9, 0.9}, 1});
  kinds.resize(1000, {{0.1, 0.9, 0.9}, 1});
  study::exit_logits logits = logits_of(kinds);
  for (std::size_t i = 0; i < 3 * kinds.size(); ++i) {
    logits.uncertainties.push_back(i % kinds.size() < 900 ? 0.2F : 0.6F);
  }
  const auto result = study::certify(study::replay(logits), path, certified_loss::disagreement, 0.02, 0.05);
  ASSERT_TRUE(result.certified && result.failed);
  EXPECT_EQ(result.certified->policy, exit_policy::learned(0.6F)) << "below 0.6 is still allowed";
  EXPECT_EQ(result.certified->losses, 0);
  EXPECT_EQ(result.failed->losses, 100);
}

TEST(Certification, CountsEachLossAsItSays) {
  const study::replay texts = replay_of(thousand());
  const auto sum = [&](certified_loss loss) {
    int losses = 0;
    for (const std::uint8_t lost : study::losses_of(texts, texts.decide(0.5F), loss)) {
      losses += lost;
    }
    return losses;
  };
  EXPECT_EQ(sum(certified_loss::disagreement), 3 + 60 + 400);
  EXPECT_EQ(sum(certified_loss::accuracy_drop), 3 + 60);  // where the last exit is wrong nothing is lost
  EXPECT_EQ(sum(certified_loss::error), 3 + 60);
}

TEST(Certification, WithoutAPassingStepFullDepthStaysWhereItIsFree) {
  std::vector<kind_of_text> few(20, {{0.6, 0.7, 0.8}, 0});
  const study::replay texts = replay_of(few);
  const auto path = study::threshold_path();
  const auto free = study::certify(texts, path, certified_loss::disagreement, 0.01, 0.05);
  ASSERT_TRUE(free.certified);
  EXPECT_EQ(free.certified->policy, exit_policy::full_depth());
  EXPECT_EQ(free.certified->mean_layer, 3.0);
  const auto none = study::certify(texts, path, certified_loss::error, 0.01, 0.05);
  EXPECT_FALSE(none.certified);
  ASSERT_TRUE(none.failed);
  EXPECT_EQ(none.failed->losses, 20);
  EXPECT_EQ(none.failed->bound, 1.0);
}

}  // namespace certification_test
