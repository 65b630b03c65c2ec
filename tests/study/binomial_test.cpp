// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/binomial.hpp>

#include <offramp/error.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <random>
#include <vector>

namespace binomial_test {

namespace study = offramp::study;

nlohmann::json goldens() {
  std::ifstream file(OFFRAMP_TEST_DATA "/study/binomial.json");
  return nlohmann::json::parse(file);
}

void expect_close(double found, double expected, double relative) {
  EXPECT_NEAR(found, expected, relative * std::abs(expected));
}

void expect_close(const study::interval& found, const nlohmann::json& expected, double relative) {
  expect_close(found.lower, expected[0].get<double>(), relative);
  expect_close(found.upper, expected[1].get<double>(), relative);
}

TEST(binomial, tails_equal_scipys) {
  const nlohmann::json expected = goldens()["tails"];
  ASSERT_EQ(expected.size(), 14U);
  for (const nlohmann::json& golden : expected) {
    SCOPED_TRACE(golden.dump());
    expect_close(study::binomial_tail_at_most(golden["k"], golden["n"], golden["p"]), golden["at_most"], 1e-10);
  }
}

TEST(binomial, bounds_equal_scipys) {
  const nlohmann::json expected = goldens()["bounds"];
  ASSERT_EQ(expected.size(), 32U);
  for (const nlohmann::json& golden : expected) {
    SCOPED_TRACE(golden.dump());
    const std::int64_t k = golden["k"];
    const std::int64_t n = golden["n"];
    const double confidence = golden["confidence"];
    expect_close(study::clopper_pearson_lower(k, n, 1 - confidence), golden["lower"], 1e-10);
    expect_close(study::clopper_pearson_upper(k, n, 1 - confidence), golden["upper"], 1e-10);
    expect_close(study::clopper_pearson(k, n, confidence), golden["clopper_pearson"], 1e-10);
    expect_close(study::wilson(k, n, confidence), golden["wilson"], 1e-9);
    // scipy subtracts logarithms as large as n
    expect_close(study::confidence_sequence(k, n, confidence), golden["confidence_sequence"], 1e-7);
  }
}

TEST(binomial, a_tail_is_the_sum_of_its_terms) {
  // n = 6, p = 1/2: 1, 6, 15, 20, 15, 6, 1 of 64
  const std::array<double, 7> sums{1, 7, 22, 42, 57, 63, 64};
  for (std::size_t k = 0; k < sums.size(); ++k) {
    EXPECT_NEAR(study::binomial_tail_at_most(static_cast<std::int64_t>(k), 6, 0.5), sums[k] / 64, 1e-14);
  }
}

TEST(binomial, disagreements_that_certify_a_risk) {
  // The largest k whose upper bound at delta = 0.05 is at most the risk, for n texts.
  struct row {
    std::int64_t n;
    double risk;
    std::int64_t allowed;
  };
  for (const row& at : {row{872, 0.01, 3}, row{872, 0.05, 32}, row{2000, 0.02, 29}, row{5000, 0.01, 38},
                        row{10000, 0.05, 463}, row{299, 0.01, 0}, row{598, 0.005, 0}}) {
    SCOPED_TRACE(at.n);
    EXPECT_LE(study::clopper_pearson_upper(at.allowed, at.n, 0.05), at.risk);
    EXPECT_GT(study::clopper_pearson_upper(at.allowed + 1, at.n, 0.05), at.risk);
    EXPECT_LE(study::binomial_tail_at_most(at.allowed, at.n, at.risk), 0.05);
    EXPECT_GT(study::binomial_tail_at_most(at.allowed + 1, at.n, at.risk), 0.05);
  }
  EXPECT_GT(study::clopper_pearson_upper(0, 298, 0.05), 0.01);
}

TEST(binomial, nothing_seen_says_nothing) {
  EXPECT_EQ(study::binomial_tail_at_most(0, 0, 0.5), 1.0);
  for (const study::interval& found : {study::clopper_pearson(0, 0, 0.95), study::confidence_sequence(0, 0, 0.95),
                                       study::wilson(0, 0, 0.95), study::interval{}}) {
    EXPECT_EQ(found, (study::interval{0.0, 1.0}));
  }
}

TEST(binomial, intervals_are_symmetric_and_nested) {
  for (const std::int64_t n : {1, 7, 100}) {
    for (std::int64_t k = 0; k <= n; ++k) {
      const double rate = static_cast<double>(k) / static_cast<double>(n);
      for (const auto& bounds : {study::clopper_pearson, study::confidence_sequence, study::wilson}) {
        const study::interval found = bounds(k, n, 0.9);
        const study::interval mirrored = bounds(n - k, n, 0.9);
        const study::interval wider = bounds(k, n, 0.99);
        EXPECT_NEAR(found.lower, 1.0 - mirrored.upper, 1e-12);
        EXPECT_TRUE(found.contains(rate));
        EXPECT_LE(wider.lower, found.lower);
        EXPECT_GE(wider.upper, found.upper);
      }
    }
  }
}

TEST(binomial, arguments_out_of_range_are_refused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto is_refused = [](const auto& call) {
    try {
      (void)call();
    } catch (const offramp::error& refusal) {
      return refusal.kind() == offramp::error_kind::invalid_argument;
    }
    return false;
  };
  for (const auto& [k, n] : {std::pair<std::int64_t, std::int64_t>{-1, 5}, {6, 5}, {0, -1}, {0, 1'000'000'000'001}}) {
    EXPECT_TRUE(is_refused([&, k = k, n = n] { return study::binomial_tail_at_most(k, n, 0.5); }));
    EXPECT_TRUE(is_refused([&, k = k, n = n] { return study::clopper_pearson_upper(k, n, 0.5); }));
    EXPECT_TRUE(is_refused([&, k = k, n = n] { return study::clopper_pearson_lower(k, n, 0.5); }));
    EXPECT_TRUE(is_refused([&, k = k, n = n] { return study::clopper_pearson(k, n, 0.5); }));
    EXPECT_TRUE(is_refused([&, k = k, n = n] { return study::confidence_sequence(k, n, 0.5); }));
    EXPECT_TRUE(is_refused([&, k = k, n = n] { return study::wilson(k, n, 0.5); }));
  }
  for (const double probability : {nan, -0.1, 1.1}) {
    EXPECT_TRUE(is_refused([&] { return study::binomial_tail_at_most(1, 5, probability); }));
  }
  for (const double outside : {nan, 0.0, 1.0, -0.1, 1.1}) {
    EXPECT_TRUE(is_refused([&] { return study::clopper_pearson_upper(1, 5, outside); }));
    EXPECT_TRUE(is_refused([&] { return study::clopper_pearson_lower(1, 5, outside); }));
    EXPECT_TRUE(is_refused([&] { return study::clopper_pearson(1, 5, outside); }));
    EXPECT_TRUE(is_refused([&] { return study::confidence_sequence(1, 5, outside); }));
    EXPECT_TRUE(is_refused([&] { return study::wilson(1, 5, outside); }));
  }
}

// The engine's output is fixed by the standard, the distributions' is not.
class coin {
 public:
  explicit coin(double probability) : limit_(static_cast<std::uint64_t>(std::ldexp(probability, 64))) {}

  bool operator()() { return random_() < limit_; }

 private:
  std::mt19937_64 random_{20260101};
  std::uint64_t limit_;
};

constexpr int runs = 4000;
constexpr double confidence = 0.9;

/// Three standard errors above the 1 - confidence that are promised.
constexpr double most_misses = runs * 0.1 + 3 * 18.98;

TEST(binomial, clopper_pearson_covers_the_truth_for_a_fixed_n) {
  for (const double p : {0.01, 0.1, 0.5}) {
    coin toss(p);
    int misses = 0;
    for (int run = 0; run < runs; ++run) {
      std::int64_t k = 0;
      for (int i = 0; i < 200; ++i) {
        k += toss() ? 1 : 0;
      }
      misses += study::clopper_pearson(k, 200, confidence).contains(p) ? 0 : 1;
    }
    EXPECT_LE(misses, most_misses) << p;
  }
}

/// How many of the runs leave the interval after at least one of the first 300 observations.
template <class Bounds>
int runs_that_ever_miss(double p, const Bounds& bounds) {
  constexpr std::int64_t most = 300;
  std::vector<std::vector<char>> is_inside(most + 1);  // [n][k], so that no interval is solved twice
  for (std::int64_t n = 1; n <= most; ++n) {
    for (std::int64_t k = 0; k <= n; ++k) {
      is_inside[static_cast<std::size_t>(n)].push_back(bounds(k, n, confidence).contains(p) ? 1 : 0);
    }
  }
  coin toss(p);
  int misses = 0;
  for (int run = 0; run < runs; ++run) {
    std::size_t k = 0;
    bool has_missed = false;
    for (std::size_t n = 1; n <= most; ++n) {
      k += toss() ? 1U : 0U;
      has_missed = has_missed || is_inside[n][k] == 0;
    }
    misses += has_missed ? 1 : 0;
  }
  return misses;
}

TEST(binomial, a_confidence_sequence_covers_the_truth_at_every_look) {
  for (const double p : {0.02, 0.1, 0.5}) {
    EXPECT_LE(runs_that_ever_miss(p, study::confidence_sequence), most_misses) << p;
  }
  // Looking at a fixed-n interval after every observation breaks its promise, so the check above can fail.
  EXPECT_GT(runs_that_ever_miss(0.1, study::clopper_pearson), 1.5 * most_misses);
}

}  // namespace binomial_test
