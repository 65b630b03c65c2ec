// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/certification.hpp>

#include <offramp/error.hpp>
#include <offramp/study/replay.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace {

namespace study = offramp::study;
using offramp::certified_loss;
using offramp::exit_policy;

/// A text of two classes as three exits see it: the probability of class 1 at each, and the right answer.
struct kind_of_text {
  std::array<double, 3> of_one;
  int label_id;
};

study::exit_logits logits_of(const std::vector<kind_of_text>& texts) {
  study::exit_logits logits{.num_texts = texts.size(),
                            .num_labels = 2,
                            .exits = {{1, 1.0F}, {2, 1.0F}, {3, 1.0F}},
                            .label_ids = {},
                            .tokens = {},
                            .values = {}};
  for (std::size_t exit = 0; exit < 3; ++exit) {
    for (const kind_of_text& text : texts) {
      logits.values.push_back(0.0F);
      logits.values.push_back(static_cast<float>(std::log(text.of_one[exit] / (1.0 - text.of_one[exit]))));
    }
  }
  for (const kind_of_text& text : texts) {
    logits.label_ids.push_back(text.label_id);
    logits.tokens.push_back(5);
  }
  return logits;
}

study::replay replay_of(const std::vector<kind_of_text>& texts) { return study::replay(logits_of(texts)); }

TEST(FixedSequence, AllowsWhatTheExactBinomialAllows) {
  struct allowed {
    std::int64_t n;
    double epsilon;
    std::int64_t losses;
  };
  // scipy.stats.binom.cdf(losses, n, epsilon) <= 0.05 < cdf(losses + 1, n, epsilon)
  for (const allowed& a : {allowed{872, 0.01, 3},
                           {872, 0.02, 10},
                           {872, 0.05, 32},
                           {2000, 0.01, 12},
                           {2000, 0.02, 29},
                           {5000, 0.01, 38},
                           {5000, 0.02, 83},
                           {10000, 0.01, 83},
                           {10000, 0.05, 463},
                           {299, 0.01, 0},
                           {598, 0.005, 0}}) {
    const std::array<std::int64_t, 2> losses{a.losses, a.losses + 1};
    EXPECT_EQ(study::fixed_sequence_test(losses, a.n, a.epsilon, 0.05), 1U) << a.n << ' ' << a.epsilon;
  }
  const std::array<std::int64_t, 1> none{0};
  EXPECT_EQ(study::fixed_sequence_test(none, 298, 0.01, 0.05), 0U);
}

TEST(FixedSequence, EndsAtTheFirstFailure) {
  const std::array<std::int64_t, 5> losses{0, 1, 50, 0, 0};
  EXPECT_EQ(study::fixed_sequence_test(losses, 1000, 0.01, 0.05), 2U);
}

TEST(FixedSequence, RefusesWhatIsNoProbability) {
  const std::array<std::int64_t, 1> losses{0};
  for (const double wrong : {0.0, 1.0, -0.1, std::nan("")}) {
    EXPECT_THROW(static_cast<void>(study::fixed_sequence_test(losses, 10, wrong, 0.05)), offramp::error);
    EXPECT_THROW(static_cast<void>(study::fixed_sequence_test(losses, 10, 0.05, wrong)), offramp::error);
  }
  EXPECT_THROW(static_cast<void>(study::fixed_sequence_test(losses, -1, 0.05, 0.05)), offramp::error);
}

/// A population of kinds of text with known shares, from which texts are drawn; the true risk of each step of a path is
/// known exactly.
class population {
 public:
  population(const std::vector<kind_of_text>& kinds, std::vector<double> shares, const std::vector<exit_policy>& path,
             certified_loss loss)
      : shares_(std::move(shares)) {
    const study::replay texts = replay_of(kinds);
    for (const exit_policy& policy : path) {
      losses_.push_back(study::losses_of(texts, texts.decide(policy), loss));
      double risk = 0.0;
      for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        risk += shares_[kind] * losses_.back()[kind];
      }
      risks_.push_back(risk);
    }
  }

  [[nodiscard]] const std::vector<double>& risks() const { return risks_; }

  /// The losses of every step over n texts drawn at random.
  [[nodiscard]] std::vector<std::int64_t> draw(std::int64_t n, std::mt19937_64& random) const {
    std::vector<std::int64_t> counts(shares_.size());
    double left = 1.0;
    std::int64_t texts = n;
    for (std::size_t kind = 0; kind + 1 < shares_.size(); ++kind) {
      counts[kind] = std::binomial_distribution<std::int64_t>(texts, std::min(1.0, shares_[kind] / left))(random);
      texts -= counts[kind];
      left -= shares_[kind];
    }
    counts.back() = texts;
    std::vector<std::int64_t> sums;
    for (const std::vector<std::uint8_t>& losses : losses_) {
      std::int64_t sum = 0;
      for (std::size_t kind = 0; kind < counts.size(); ++kind) {
        sum += counts[kind] * losses[kind];
      }
      sums.push_back(sum);
    }
    return sums;
  }

 private:
  std::vector<double> shares_;
  std::vector<std::vector<std::uint8_t>> losses_;  // [steps][kinds]
  std::vector<double> risks_;                      // [steps]
};

using chooser = std::function<std::size_t(const std::vector<std::int64_t>& losses, std::int64_t n)>;  // steps passed

/// How often the last step that `choose` lets pass has a risk above epsilon.
double violation_rate(const population& texts, double epsilon, std::int64_t n, const chooser& choose) {
  constexpr int draws = 4000;
  std::mt19937_64 random(20200707);
  int violations = 0;
  for (int i = 0; i < draws; ++i) {
    const std::size_t passed = choose(texts.draw(n, random), n);
    violations += passed > 0 && texts.risks()[passed - 1] > epsilon ? 1 : 0;
  }
  return static_cast<double>(violations) / draws;
}

constexpr double epsilon = 0.05;
constexpr double delta = 0.1;
// delta + 3 standard errors of 4,000 draws
const double limit = delta + 3 * std::sqrt(delta * (1 - delta) / 4000);

std::size_t by_the_method(const std::vector<std::int64_t>& losses, std::int64_t n) {
  return study::fixed_sequence_test(losses, n, epsilon, delta);
}

/// As a public implementation does it: the first threshold that fails.
std::size_t one_too_far(const std::vector<std::int64_t>& losses, std::int64_t n) {
  return std::min(by_the_method(losses, n) + 1, losses.size());
}

std::vector<exit_policy> short_path() {
  std::vector<exit_policy> path;
  for (int step = 0; step <= 50; ++step) {
    path.emplace_back(1.0F - static_cast<float>(step) * 0.01F);
  }
  return path;
}

/// Risk grows as the threshold falls: each kind disagrees at its confidence more often the less sure it is.
population monotone() {
  std::vector<kind_of_text> kinds;
  std::vector<double> shares;
  for (int i = 0; i < 40; ++i) {
    const double confidence = 0.985 - 0.012 * i;
    const double wrong = 0.002 + 0.004 * i;
    kinds.push_back({{confidence, 0.999, 0.9}, 1});
    shares.push_back((1.0 - wrong) / 40);
    kinds.push_back({{confidence, 0.999, 0.1}, 1});
    shares.push_back(wrong / 40);
  }
  return {kinds, shares, short_path(), certified_loss::disagreement};
}

/// Risk rises above epsilon and falls again: texts whose second exit is wrong leave at the first, which is right, once
/// the threshold is low enough.
population not_monotone() {
  return {{{{0.62, 0.10, 0.9}, 1}, {{0.62, 0.99, 0.9}, 1}, {{0.55, 0.30, 0.9}, 1}},
          {0.055, 0.90, 0.045},
          short_path(),
          certified_loss::disagreement};
}

TEST(Certification, KeepsItsPromiseWhereRiskIsMonotone) {
  const population texts = monotone();
  EXPECT_TRUE(std::is_sorted(texts.risks().begin(), texts.risks().end()));
  EXPECT_GT(texts.risks().back(), epsilon);
  EXPECT_LE(violation_rate(texts, epsilon, 1000, by_the_method), limit);
}

TEST(Certification, KeepsItsPromiseWhereRiskIsNotMonotone) {
  const population texts = not_monotone();
  EXPECT_FALSE(std::is_sorted(texts.risks().begin(), texts.risks().end()));
  EXPECT_LE(violation_rate(texts, epsilon, 1000, by_the_method), limit);
}

TEST(Certification, TheSimulationSeesAnOffByOne) {
  // One step from a risk of 0 to one just above epsilon, so that returning the failing step breaks the promise.
  const population texts({{{0.75, 0.75, 0.2}, 0}, {{0.6, 0.6, 0.9}, 1}}, {0.055, 0.945}, short_path(),
                         certified_loss::disagreement);
  EXPECT_LE(violation_rate(texts, epsilon, 1000, by_the_method), limit);
  EXPECT_GT(violation_rate(texts, epsilon, 1000, one_too_far), limit);
}

/// 1,000 texts: exit 1 answers 30 % with 0.95, of which 1 % disagree, and 30 % with 0.75, of which 20 % disagree.
std::vector<kind_of_text> thousand() {
  std::vector<kind_of_text> texts;
  const auto add = [&](int count, kind_of_text kind) {
    texts.insert(texts.end(), static_cast<std::size_t>(count), kind);
  };
  add(297, {{0.95, 0.97, 0.99}, 1});
  add(3, {{0.95, 0.97, 0.01}, 0});
  add(240, {{0.75, 0.9, 0.99}, 1});
  add(60, {{0.75, 0.1, 0.01}, 0});
  add(400, {{0.55, 0.6, 0.01}, 1});  // the last exit is wrong
  return texts;
}

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

}  // namespace
