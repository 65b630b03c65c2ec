// SPDX-License-Identifier: Apache-2.0
// What fixed-sequence testing lets pass, and that the promise holds: by simulation, where the true risks are known.
#include <offramp/study/certification.hpp>

#include <offramp/error.hpp>

#include "study/certify/known_texts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace fixed_sequence_test {

namespace study = offramp::study;
using offramp::certified_loss;
using offramp::exit_policy;
using offramp_tests::kind_of_text;
using offramp_tests::replay_of;

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
    EXPECT_EQ(study::losses_allowed(a.n, a.epsilon, 0.05), a.losses);
  }
  const std::array<std::int64_t, 1> none{0};
  EXPECT_EQ(study::fixed_sequence_test(none, 298, 0.01, 0.05), 0U);
}

TEST(FixedSequence, SaysHowManyTextsItTakes) {
  EXPECT_EQ(study::texts_needed(0.01, 0.05), 299);
  EXPECT_EQ(study::texts_needed(0.005, 0.05), 598);
  EXPECT_EQ(study::texts_needed(0.5, 0.5), 1);
  EXPECT_EQ(study::losses_allowed(298, 0.01, 0.05), std::nullopt);
  EXPECT_EQ(study::losses_allowed(299, 0.01, 0.05), 0);
  EXPECT_THROW(static_cast<void>(study::losses_allowed(0, 0.01, 0.05)), offramp::error);
  EXPECT_THROW(static_cast<void>(study::texts_needed(0.0, 0.05)), offramp::error);
  EXPECT_THROW(static_cast<void>(study::texts_needed(1e-20, 0.05)), offramp::error);
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

}  // namespace fixed_sequence_test
