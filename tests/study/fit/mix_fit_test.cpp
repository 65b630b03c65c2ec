// SPDX-License-Identifier: Apache-2.0
#include <study/fit/mix_fit.hpp>

#include <offramp/study/temperature.hpp>
#include <offramp/thread_pool.hpp>
#include <study/fit/exit_choice.hpp>
#include <study/fit/head_fit.hpp>

#include <gtest/gtest.h>
#include <Eigen/Core>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace mix_fit_test {

using namespace offramp::study;
using detail::half_rows;
using detail::layered_texts;
using detail::mix_learner;

constexpr std::size_t hidden = 6;
constexpr double penalty = 1e-4;

/// Layer 1 is noise. Layer 2 is the same noise, on which a little of the label is laid: neither tells labels apart,
/// their difference does. Layer 3 is another noise.
layered_texts hidden_labels(std::size_t num_labels, std::size_t texts = 300) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  layered_texts all{{}, {}, num_labels, {}};
  std::vector<int> label_ids;
  for (int layer = 0; layer < 3; ++layer) {
    all.layers.emplace_back(texts, std::vector<detail::column_range>(hidden, {0, 40}));
  }
  for (std::size_t text = 0; text < texts; ++text) {
    const std::size_t label = text % num_labels;
    label_ids.push_back(static_cast<int>(label));
    std::vector<std::vector<float>> states(3, std::vector<float>(hidden));
    for (std::size_t i = 0; i < hidden; ++i) {
      states[0][i] = 5 * normal(random);
      states[1][i] = states[0][i] + (i == label ? 1.0F : 0.0F) + 0.1F * normal(random);
      states[2][i] = 5 * normal(random);
    }
    for (std::size_t layer = 0; layer < 3; ++layer) {
      EXPECT_TRUE(all.layers[layer].set(text, states[layer]));
    }
  }
  all.targets = detail::one_hot(label_ids, num_labels);
  return all;
}

/// The mixed states of all texts.
std::vector<float> mixed(const layered_texts& texts, const std::vector<float>& mix) {
  std::vector<float> sum(texts.targets.size() / texts.num_labels * hidden);
  for (std::size_t layer = 0; layer < mix.size(); ++layer) {
    const std::vector<float> states = texts.layers[layer].widen();
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += mix[layer] * states[i];
    }
  }
  return sum;
}

/// The share of texts that the best head gets right.
double share_right(const layered_texts& texts, const std::vector<float>& mix) {
  const std::vector<float> values = mixed(texts, mix);
  const double strength = static_cast<double>(texts.num_labels) / (penalty * static_cast<double>(texts.targets.size()));
  const linear_head head = fit_heads_to_targets({values, texts.targets, texts.num_labels}, std::vector{strength})[0];
  return detail::share_right(head_logits(head, values), texts.targets, texts.num_labels);
}

TEST(LearnMix, FindsTheDifferenceOfLayersThatTellsLabelsApart) {
  for (const std::size_t labels : {2U, 3U}) {
    const layered_texts texts = hidden_labels(labels);
    const std::vector<float> two = mix_learner(texts, {}).learn(2, penalty);
    ASSERT_EQ(two.size(), 2U);
    EXPECT_NEAR(two[0] / two[1], -1, 0.02);
    EXPECT_LT(share_right(texts, {1}), 0.65);
    EXPECT_LT(share_right(texts, {0, 1}), 0.8);
    EXPECT_GT(share_right(texts, two), 0.98);
    const std::vector<float> three = mix_learner(texts, {}).learn(3, penalty);
    ASSERT_EQ(three.size(), 3U);
    EXPECT_NEAR(three[0] * three[0] + three[1] * three[1] + three[2] * three[2], 1, 1e-6);
  }
}

TEST(LearnMix, OfOneLayerIsThatLayer) {
  EXPECT_EQ(mix_learner(hidden_labels(2), {}).learn(1, penalty), std::vector<float>{1});
}

/// What mix and head minimise together, at the best head.
double objective(const layered_texts& texts, const std::vector<float>& mix) {
  const std::vector<float> values = mixed(texts, mix);
  const offramp::runner alone;
  const detail::logistic_loss loss({values, texts.targets, texts.num_labels}, texts.class_weights, alone);
  detail::head_curvature curvature(loss, alone);
  return detail::fit_one(loss, curvature, penalty, loss.start()).value;
}

TEST(LearnMix, NothingNearIsBetter) {
  layered_texts texts = hidden_labels(3);
  texts.class_weights = {1, 0.5, 2};
  const std::vector<float> best = mix_learner(texts, {}).learn(3, penalty);
  const double lowest = objective(texts, best);
  EXPECT_LT(lowest, objective(texts, {0, 0, 1}));
  for (std::size_t layer = 0; layer < 3; ++layer) {
    for (const float step : {-0.1F, 0.1F}) {
      std::vector<float> other = best;
      other[layer] += step;
      EXPECT_LT(lowest, objective(texts, other) + 1e-5) << layer << ' ' << step;
    }
  }
}

TEST(LearnMix, ThreadsChangeNoBit) {
  const layered_texts texts = hidden_labels(3, 333);
  const std::vector<float> alone = mix_learner(texts, {}).learn(3, penalty);
  for (const int threads : {2, 3}) {
    offramp::thread_pool pool(threads);
    const offramp::runner run = pool.lend();
    EXPECT_EQ(mix_learner(texts, run).learn(3, penalty), alone) << threads;
  }
}

TEST(MixLoss, GradientIsThatOfFiniteDifferences) {
  constexpr std::size_t texts = 70;
  for (const std::size_t logits : {1U, 4U}) {
    std::mt19937 random(5);
    std::normal_distribution<double> normal;
    detail::layer_shares shares{{}, 3, logits};
    const std::size_t labels = logits == 1 ? 2 : logits;
    std::vector<float> targets;
    std::vector<double> weights;
    for (std::size_t i = 0; i < texts * 3 * logits; ++i) {
      shares.values.push_back(normal(random));
    }
    for (std::size_t text = 0; text < texts; ++text) {
      // Half between two labels.
      std::vector<float> target(labels);
      target[random() % labels] += 0.5F;
      target[random() % labels] += 0.5F;
      targets.insert(targets.end(), target.begin(), target.end());
      weights.push_back(0.5 + static_cast<double>(random() % 4));
    }
    const Eigen::Matrix3d root = Eigen::Matrix3d::NullaryExpr([&] { return normal(random); });
    const offramp::runner alone;
    const detail::mix_loss loss(std::move(shares), targets, weights, root * root.transpose(), alone);
    const auto size = static_cast<Eigen::Index>(3 + logits);
    const Eigen::VectorXd point = Eigen::VectorXd::NullaryExpr(size, [&] { return normal(random); });
    const detail::slope here = loss(point);
    ASSERT_EQ(here.gradient.size(), size);
    for (Eigen::Index i = 0; i < size; ++i) {
      constexpr double step = 1e-5;
      const Eigen::VectorXd shift = step * Eigen::VectorXd::Unit(size, i);
      const double difference = (loss(point + shift).value - loss(point - shift).value) / (2 * step);
      EXPECT_NEAR(here.gradient[i], difference, 1e-7) << logits << ' ' << i;
    }
  }
}

TEST(ThinOut, KeepsEveryLabelInItsShare) {
  std::vector<int> label_ids;
  detail::taught_texts all{{"data", "sha", {}}, {}};
  for (int text = 0; text < 1000; ++text) {
    const int label = text == 999 ? 2 : text % 4 == 0 ? 1 : 0;
    label_ids.push_back(label);
    all.data.texts.push_back({std::to_string(text), {}, label, 0});
  }
  all.targets = detail::one_hot(label_ids, 4);
  const detail::taught_texts thin = detail::thin_out(all, 4, 100);
  EXPECT_EQ(count_labels(thin.data, 4), (std::vector<std::size_t>{75, 25, 1, 0}));
  for (std::size_t text = 0; text < thin.data.texts.size(); ++text) {
    EXPECT_EQ(thin.targets[4 * text + static_cast<std::size_t>(thin.data.texts[text].label_id)], 1.0F);
  }
  EXPECT_LT(std::stoi(thin.data.texts[10].first), 120) << "from the whole file";
  EXPECT_GT(std::stoi(thin.data.texts[90].first), 880);
  EXPECT_EQ(detail::thin_out(all, 4, 1000).data.texts.size(), 1000U);
}

}  // namespace mix_fit_test
