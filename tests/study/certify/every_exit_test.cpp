// SPDX-License-Identifier: Apache-2.0
// The promise at every exit, and that it holds: by simulation, where the true risks are known.
#include <offramp/study/certification.hpp>

#include <offramp/error.hpp>

#include "study/certify/known_texts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace every_exit_test {

namespace study = offramp::study;
using offramp::certified_loss;
using offramp::certified_scope;
using offramp::exit_policy;
using offramp_tests::kind_of_text;
using offramp_tests::replay_of;
using study::closed_exit;

void append(std::vector<kind_of_text>& texts, int count, const kind_of_text& kind) {
  texts.insert(texts.end(), static_cast<std::size_t>(count), kind);
}

/// The first exit is sure of a tenth, of which `bad` in a hundred disagree with the last exit, and not sure of the
/// rest, all of which would; the second exit is sure of all, and agrees but for the bad ones.
std::vector<kind_of_text> first_leavers_bad(int bad) {
  std::vector<kind_of_text> texts;
  append(texts, 100 - bad, {{0.9, 0.95, 0.9}, 1});
  append(texts, bad, {{0.9, 0.95, 0.1}, 0});
  append(texts, 900, {{0.4, 0.95, 0.9}, 1});
  return texts;
}

TEST(CertifyEveryExit, ClosesAnExitWhoseLeaversAreWorse) {
  const study::replay texts = replay_of(first_leavers_bad(20));
  const std::vector<exit_policy> path{1.0F, 0.85F, 0.5F};
  const auto overall = study::certify(texts, path, certified_loss::disagreement, 0.05, 0.05);
  EXPECT_EQ(overall.certified->policy, exit_policy(0.85F)) << "2 % of all pass";
  const auto found = study::certify_every_exit(texts, texts, certified_loss::disagreement, 0.05, 0.05);
  EXPECT_EQ(found.scope, certified_scope::every_exit);
  ASSERT_TRUE(found.certified);
  ASSERT_EQ(found.depths.size(), 3U);
  EXPECT_EQ(found.certified->policy.thresholds()[0][0], closed_exit);
  EXPECT_EQ(found.depths[0].threshold, std::nullopt);
  EXPECT_EQ(found.depths[0].texts, 0);
  EXPECT_EQ(found.depths[0].bound, 1.0);
  EXPECT_NEAR(found.depths[1].threshold.value(), 0.95, 0.002);
  EXPECT_EQ(found.depths[1].texts, 1000);
  EXPECT_EQ(found.depths[1].losses, 20);
  EXPECT_LE(found.depths[1].bound, 0.05);
  EXPECT_EQ(found.depths[2].texts, 1000);
  EXPECT_FLOAT_EQ(static_cast<float>(found.certified->mean_layer), 2.0F);
}

TEST(CertifyEveryExit, OpensAnExitWhoseLeaversAreGood) {
  const study::replay texts = replay_of(first_leavers_bad(0));
  const auto found = study::certify_every_exit(texts, texts, certified_loss::disagreement, 0.1, 0.05);
  EXPECT_EQ(found.depths[0].texts, 100);
  EXPECT_NEAR(found.depths[0].threshold.value(), 0.9, 0.002);
  EXPECT_FALSE(found.failed);
  EXPECT_FLOAT_EQ(static_cast<float>(found.certified->mean_layer), 1.9F);
}

TEST(CertifyEveryExit, AnExitThatFewLeaveByStaysClosed) {
  const study::replay texts = replay_of(first_leavers_bad(0));
  const auto found = study::certify_every_exit(texts, texts, certified_loss::disagreement, 0.01, 0.05);
  EXPECT_EQ(found.depths[0].threshold, std::nullopt) << "100 without a loss are too few for 1 %";
  EXPECT_EQ(found.depths[1].texts, 1000);
}

TEST(CertifyEveryExit, ACandidateThatFailsOnOtherTextsIsNotTaken) {
  const auto found = study::certify_every_exit(replay_of(first_leavers_bad(0)), replay_of(first_leavers_bad(20)),
                                               certified_loss::disagreement, 0.1, 0.05);
  ASSERT_TRUE(found.certified && found.failed);
  EXPECT_EQ(found.depths[0].threshold, std::nullopt);
  EXPECT_NEAR(found.failed->policy.thresholds()[0][0], 0.9, 0.002);
}

TEST(CertifyEveryExit, WithoutAPassingExitFullDepthStaysWhereItIsFree) {
  const std::vector<kind_of_text> few(20, {{0.6, 0.7, 0.8}, 0});
  const study::replay texts = replay_of(few);
  const auto free = study::certify_every_exit(texts, texts, certified_loss::disagreement, 0.01, 0.05);
  ASSERT_TRUE(free.certified);
  EXPECT_EQ(free.certified->policy, exit_policy::full_depth());
  const auto none = study::certify_every_exit(texts, texts, certified_loss::error, 0.01, 0.05);
  EXPECT_FALSE(none.certified);
  ASSERT_TRUE(none.failed);
  EXPECT_EQ(none.failed->losses, 20);
}

TEST(CertifyEveryExit, RefusesWhatCertifyRefuses) {
  const study::replay texts = replay_of(first_leavers_bad(0));
  for (const double wrong : {0.0, 1.0, std::nan("")}) {
    EXPECT_THROW(static_cast<void>(study::certify_every_exit(texts, texts, certified_loss::disagreement, wrong, 0.05)),
                 offramp::error);
    EXPECT_THROW(static_cast<void>(study::certify_every_exit(texts, texts, certified_loss::disagreement, 0.05, wrong)),
                 offramp::error);
  }
}

/// Kinds of text with known shares, from which texts are drawn.
struct population {
  std::vector<kind_of_text> kinds;
  std::vector<double> shares;

  [[nodiscard]] study::replay draw(std::size_t n, std::mt19937_64& random) const {
    std::discrete_distribution<std::size_t> choose(shares.begin(), shares.end());
    std::vector<kind_of_text> texts;
    for (std::size_t i = 0; i < n; ++i) {
      texts.push_back(kinds[choose(random)]);
    }
    return replay_of(texts);
  }

  /// The highest true risk, over the exits, of those that have left by then.
  [[nodiscard]] double highest_risk(const exit_policy& policy) const {
    const study::replay all = replay_of(kinds);
    const std::vector<study::exit_answer> answers = all.decide(policy);
    const std::vector<std::uint8_t> losses = study::losses_of(all, answers, certified_loss::disagreement);
    double highest = 0.0;
    for (std::size_t exit = 0; exit < all.num_exits(); ++exit) {
      double left = 0.0;
      double lost = 0.0;
      for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        if (answers[kind].exit <= exit) {
          left += shares[kind];
          lost += shares[kind] * losses[kind];
        }
      }
      highest = std::max(highest, left > 0.0 ? lost / left : 0.0);
    }
    return highest;
  }
};

/// The less sure the first exit is, the more often it is wrong; the second one knows better.
population unsure() {
  population all;
  for (int i = 0; i < 10; ++i) {
    const double confidence = 0.97 - 0.04 * i;
    const double wrong = 0.005 + 0.012 * i;
    all.kinds.push_back({{confidence, 0.98, 0.99}, 1});
    all.shares.push_back((1.0 - wrong) / 10);
    all.kinds.push_back({{confidence, i % 2 == 0 ? 0.9 : 0.2, 0.01}, 0});
    all.shares.push_back(wrong / 10);
  }
  return all;
}

/// Of the tenth that leaves first, `wrong` disagree.
population with_bad_first_leavers(double wrong) {
  return {{{{0.9, 0.95, 0.9}, 1}, {{0.9, 0.95, 0.1}, 0}, {{0.4, 0.95, 0.9}, 1}},
          {0.1 * (1.0 - wrong), 0.1 * wrong, 0.9}};
}

constexpr double epsilon = 0.05;
constexpr double delta = 0.1;
constexpr int draws = 2000;
// delta + 3 standard errors
const double limit = delta + 3 * std::sqrt(delta * (1 - delta) / draws);

using certifier = std::function<study::certification(const population&, std::mt19937_64&)>;

/// How often a certificate lets the leavers of some exit have a risk above epsilon, and how often one lets any leave.
struct rates {
  double violated = 0.0;
  double early = 0.0;
};

rates simulate(const population& texts, const certifier& certify) {
  std::mt19937_64 random(20200707);
  int violations = 0;
  int early = 0;
  for (int i = 0; i < draws; ++i) {
    const study::certification found = certify(texts, random);
    violations += texts.highest_risk(found.certified->policy) > epsilon ? 1 : 0;
    early += found.certified->mean_layer < 3.0 ? 1 : 0;
  }
  return {static_cast<double>(violations) / draws, static_cast<double>(early) / draws};
}

study::certification at_every_exit(const population& texts, std::mt19937_64& random) {
  const study::replay choosing = texts.draw(400, random);
  return study::certify_every_exit(choosing, texts.draw(400, random), certified_loss::disagreement, epsilon, delta);
}

study::certification overall(const population& texts, std::mt19937_64& random) {
  static const std::vector<exit_policy> path{1.0F, 0.85F, 0.5F};
  return study::certify(texts.draw(400, random), path, certified_loss::disagreement, epsilon, delta);
}

TEST(CertifyEveryExit, KeepsItsPromise) {
  for (const population& texts : {unsure(), with_bad_first_leavers(0.055), with_bad_first_leavers(0.2)}) {
    const rates found = simulate(texts, at_every_exit);
    EXPECT_LE(found.violated, limit);
    EXPECT_GT(found.early, 0.5) << "the promise is of something";
  }
}

TEST(CertifyEveryExit, TheSimulationSeesThatAnOverallCertificateDoesNot) {
  EXPECT_GT(simulate(with_bad_first_leavers(0.2), overall).violated, limit);
}

}  // namespace every_exit_test
