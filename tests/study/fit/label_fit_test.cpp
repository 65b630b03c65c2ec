// SPDX-License-Identifier: Apache-2.0
// Heads whose labels are given each for itself: what two-label fits give, label by label.
#include "study/fit/label_fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace label_fit_test {

namespace study = offramp::study;
using namespace offramp::study::detail;

/// Texts of four features, whose sum says each of three labels another way; some targets are soft.
struct texts {
  std::vector<float> values;   // [texts, 4]
  std::vector<float> targets;  // [texts, 3]

  explicit texts(std::size_t count) {
    std::mt19937 bits(7);
    const auto uniform = [&] { return static_cast<float>(bits() >> 8U) / 0x1p24F - 0.5F; };
    for (std::size_t text = 0; text < count; ++text) {
      float sum = 0;
      for (int feature = 0; feature < 4; ++feature) {
        values.push_back(uniform());
        sum += values.back();
      }
      targets.push_back(sum + uniform() > 0.2F ? 1.0F : 0.0F);
      targets.push_back(sum + uniform() < 0.0F ? 1.0F : 0.0F);
      targets.push_back(1.0F / (1.0F + std::exp(-3.0F * sum)));
    }
  }
};

const std::vector<float> cuts{0.5F, 0.5F, 0.5F};
const std::vector<double> strengths{0.1, 1.0};

TEST(label_fit, fits_each_label_as_if_alone) {
  const texts all(120);
  const std::vector<study::linear_head> heads = fit_label_heads({all.values, all.targets, 3}, cuts, strengths, {}, {});
  ASSERT_EQ(heads.size(), 2U);
  for (std::size_t label = 0; label < 3; ++label) {
    std::vector<float> two;
    for (std::size_t text = 0; text < 120; ++text) {
      two.push_back(1.0F - all.targets[text * 3 + label]);
      two.push_back(all.targets[text * 3 + label]);
    }
    const auto alone = study::fit_heads_to_targets({all.values, two, 2}, strengths);
    for (std::size_t i = 0; i < strengths.size(); ++i) {
      EXPECT_EQ(heads[i].bias[label], alone[i].bias[1] - alone[i].bias[0]);
      for (std::size_t feature = 0; feature < 4; ++feature) {
        EXPECT_EQ(heads[i].weights[label * 4 + feature], alone[i].weights[4 + feature] - alone[i].weights[feature]);
      }
    }
  }
}

TEST(label_fit, lowers_the_binary_cross_entropy) {
  const texts all(200);
  const std::vector<study::linear_head> heads = fit_label_heads({all.values, all.targets, 3}, cuts, strengths, {}, {});
  const std::vector<float> zeros(600);
  const double before = mean_nll(zeros, all.targets, 3, cuts, {});
  EXPECT_NEAR(before, std::log(2.0), 1e-7);
  EXPECT_LT(mean_nll(study::head_logits(heads[1], all.values), all.targets, 3, cuts, {}), before - 0.1);
}

TEST(label_fit, measures_binary_cross_entropy_and_whole_answers) {
  const std::vector<float> logits{2.0F, -1.0F, 0.0F, 1.0F};
  const std::vector<float> targets{1.0F, 0.25F, 0.0F, 1.0F};
  const std::vector<float> two_cuts{0.5F, 0.6F};
  double expected = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const double p = 1 / (1 + std::exp(-static_cast<double>(logits[i])));
    const auto t = static_cast<double>(targets[i]);
    expected -= (t * std::log(p) + (1 - t) * std::log(1 - p)) / 4;
  }
  EXPECT_NEAR(mean_nll(logits, targets, 2, two_cuts, {}), expected, 1e-7);
  EXPECT_EQ(share_answered_right(logits, targets, 2, two_cuts), 1.0);
  EXPECT_EQ(share_answered_right(std::vector<float>{2.0F, -1.0F, 0.1F, 1.0F}, targets, 2, two_cuts), 0.5);
}

TEST(label_fit, fits_ngrams_of_each_label_as_if_alone) {
  ngram_examples examples({.longest = 1, .bucket_bits = 4}, 2);
  const std::vector<std::int32_t> special{0};
  for (std::int32_t text = 0; text < 12; ++text) {
    const std::vector<std::int32_t> ids{0, 5 + text % 3, 9 + text % 4, 0};
    const std::vector<float> target{text % 3 == 0 ? 1.0F : 0.0F, text % 4 < 2 ? 0.75F : 0.0F};
    examples.add({ids, {}, special, 0}, target);
  }
  const std::vector<float> two_cuts{0.5F, 0.5F};
  const auto joined = fit_label_ngrams(examples, two_cuts, strengths, {}, {});
  const ngram_examples second = examples.with_targets(targets_of_label(examples.targets(), 2, 1), 2);
  const auto alone = fit_ngrams(second, strengths, {}, {});
  EXPECT_EQ(joined[1].bias[1], alone[1].bias[1] - alone[1].bias[0]);
  for (std::size_t bucket = 0; bucket < 16; ++bucket) {
    EXPECT_EQ(joined[1].weights[2 * bucket + 1], alone[1].weights[2 * bucket + 1] - alone[1].weights[2 * bucket]);
  }
}

}  // namespace label_fit_test
