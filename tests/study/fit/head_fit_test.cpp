// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/head_fit.hpp>

#include <study/fit/head_fit.hpp>

#include <offramp/error.hpp>
#include <offramp/thread_pool.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace head_fit_test {

using namespace offramp::study;

/// What tests/generators/head_fits.py wrote: features, and what scikit-learn fits to them.
struct golden_case {
  std::string name;
  std::size_t labels = 0;
  bool is_balanced = false;
  std::vector<int> label_ids;
  std::vector<float> values;
  nlohmann::json fits;

  [[nodiscard]] labelled_features features() const { return {values, label_ids, labels}; }
  [[nodiscard]] std::vector<double> class_weights() const {
    return is_balanced ? balanced_weights(label_ids, labels) : std::vector<double>{};
  }
};

std::vector<golden_case> golden_cases() {
  std::ifstream in(std::string(OFFRAMP_TEST_DATA) + "/study/head_fits.json");
  std::vector<golden_case> cases;
  for (const auto& entry : nlohmann::json::parse(in)) {
    golden_case one{entry["name"], entry["labels"], entry["balanced"], entry["label_ids"], {}, entry["fits"]};
    for (const auto& row : entry["values"]) {
      for (const float value : row.get<std::vector<float>>()) {
        one.values.push_back(value);
      }
    }
    cases.push_back(std::move(one));
  }
  return cases;
}

/// softmax, the short way.
double probability(const float* logits, std::size_t labels, std::size_t label) {
  double sum = 0;
  for (std::size_t other = 0; other < labels; ++other) {
    sum += std::exp(static_cast<double>(logits[other] - logits[label]));
  }
  return 1 / sum;
}

/// The largest distance between two heads' weights over the largest weight.
double relative_distance(const linear_head& head, const nlohmann::json& expected) {
  const auto rows = expected.get<std::vector<std::vector<double>>>();
  const std::size_t width = rows.front().size();
  double largest = 0;
  double distance = 0;
  for (std::size_t i = 0; i < head.weights.size(); ++i) {
    const double value = rows[i / width][i % width];
    largest = std::max(largest, std::abs(value));
    distance = std::max(distance, std::abs(value - static_cast<double>(head.weights[i])));
  }
  return distance / largest;
}

TEST(FitHeads, AgreesWithScikitLearn) {
  for (const golden_case& one : golden_cases()) {
    // Not in order: the result may not depend on it.
    const std::vector<double> strengths{1.0, 0.01, 30.0};
    const std::vector<linear_head> heads = fit_heads(one.features(), strengths, one.class_weights());
    for (const auto& fit : one.fits) {
      const auto index = std::ranges::find(strengths, fit["strength"].get<double>()) - strengths.begin();
      const linear_head& head = heads[static_cast<std::size_t>(index)];
      EXPECT_LT(relative_distance(head, fit["weights"]), 1e-3) << one.name << ' ' << fit["strength"];
      const std::vector<float> logits = head_logits(head, one.values);
      for (std::size_t text = 0; text < fit["probabilities"].size(); ++text) {
        for (std::size_t label = 0; label < one.labels; ++label) {
          EXPECT_NEAR(probability(logits.data() + text * one.labels, one.labels, label),
                      fit["probabilities"][text][label].get<double>(), 1e-4)
              << one.name << ' ' << fit["strength"];
        }
      }
    }
  }
}

TEST(FitHeads, DuplicatingEveryTextAtHalfTheStrengthChangesNothing) {
  const golden_case one = golden_cases()[1];
  std::vector<float> values = one.values;
  values.insert(values.end(), one.values.begin(), one.values.end());
  std::vector<int> label_ids = one.label_ids;
  label_ids.insert(label_ids.end(), one.label_ids.begin(), one.label_ids.end());
  const linear_head once = fit_heads(one.features(), std::vector{1.0})[0];
  const linear_head twice = fit_heads({values, label_ids, one.labels}, std::vector{0.5})[0];
  for (std::size_t i = 0; i < once.weights.size(); ++i) {
    EXPECT_NEAR(once.weights[i], twice.weights[i], 1e-4F);
  }
}

TEST(FitHeads, ClassWeightsCountAsCopies) {
  const golden_case one = golden_cases()[0];
  std::vector<float> values = one.values;
  std::vector<int> label_ids = one.label_ids;
  const std::size_t width = values.size() / label_ids.size();
  for (std::size_t text = 0; text < one.label_ids.size(); ++text) {
    if (one.label_ids[text] == 1) {
      values.insert(values.end(), one.values.begin() + static_cast<std::ptrdiff_t>(text * width),
                    one.values.begin() + static_cast<std::ptrdiff_t>((text + 1) * width));
      label_ids.push_back(1);
    }
  }
  // Copies also move the mean and variance that features are standardised with; a weak penalty hardly sees that.
  const linear_head weighted = fit_heads(one.features(), std::vector{1e4}, std::vector{1.0, 2.0})[0];
  const linear_head copied = fit_heads({values, label_ids, 2}, std::vector{1e4})[0];
  const std::vector<float> a = head_logits(weighted, one.values);
  const std::vector<float> b = head_logits(copied, one.values);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], b[i], 1e-2F);
  }
}

/// Targets of 1 for the labels.
std::vector<float> certain(const golden_case& one) {
  std::vector<float> targets(one.label_ids.size() * one.labels);
  for (std::size_t text = 0; text < one.label_ids.size(); ++text) {
    targets[text * one.labels + static_cast<std::size_t>(one.label_ids[text])] = 1.0F;
  }
  return targets;
}

TEST(FitHeads, CertainTargetsAreLabelsBitForBit) {
  const std::vector<double> strengths{0.01, 3};
  for (const golden_case& one : golden_cases()) {
    const std::vector<float> targets = certain(one);
    const auto labelled = fit_heads(one.features(), strengths, one.class_weights());
    const auto taught = fit_heads_to_targets({one.values, targets, one.labels}, strengths, one.class_weights());
    for (std::size_t i = 0; i < strengths.size(); ++i) {
      EXPECT_EQ(taught[i].weights, labelled[i].weights) << one.name;
      EXPECT_EQ(taught[i].bias, labelled[i].bias) << one.name;
    }
  }
}

TEST(FitHeads, TargetsCountAsSharesOfCopies) {
  for (const golden_case& one : golden_cases()) {
    const std::size_t width = one.values.size() / one.label_ids.size();
    golden_case copied{"copies", one.labels, false, {}, {}, {}};
    std::vector<float> targets(one.label_ids.size() * one.labels);
    for (std::size_t text = 0; text < one.label_ids.size(); ++text) {
      for (std::size_t copy = 0; copy < 4; ++copy) {
        // Three say what is right, one the label after it.
        const std::size_t label = (static_cast<std::size_t>(one.label_ids[text]) + copy / 3) % one.labels;
        targets[text * one.labels + label] += 0.25F;
        copied.label_ids.push_back(static_cast<int>(label));
        const auto row = one.values.begin() + static_cast<std::ptrdiff_t>(text * width);
        copied.values.insert(copied.values.end(), row, row + static_cast<std::ptrdiff_t>(width));
      }
    }
    const linear_head taught = fit_heads_to_targets({one.values, targets, one.labels}, std::vector{1.0})[0];
    const linear_head counted = fit_heads(copied.features(), std::vector{0.25})[0];
    const std::vector<float> a = head_logits(taught, one.values);
    const std::vector<float> b = head_logits(counted, one.values);
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_NEAR(a[i], b[i], 1e-3F) << one.name;
    }
  }
}

TEST(FitHeads, RefusesTargetsThatAreNoProbabilities) {
  const std::vector<float> values{1, 2};
  const auto refuses = [&](const std::string& what, std::vector<float> targets) {
    offramp_tests::expect_error(offramp::error_kind::invalid_argument, {what}, [&] {
      static_cast<void>(fit_heads_to_targets({values, targets, 2}, std::vector{1.0}));
    });
  };
  refuses("a target of text 1 is -0.5, expected a probability", {0.5F, 0.5F, 1.5F, -0.5F});
  refuses("the targets of text 0 add up to 1.5, expected 1", {0.5F, 1.0F, 0.5F, 0.5F});
  refuses("3 targets, expected a multiple of the labels, 2", {1, 0, 1});
  refuses("no text has the label id 1", {1, 0, 1, 0});
}

TEST(FitHeads, BalancedWeightsAreScikitLearns) {
  // compute_class_weight("balanced", classes=[0, 1, 2], y=[0, 0, 0, 1]) has no third; its share is 0 here.
  EXPECT_EQ(balanced_weights(std::vector{0, 0, 0, 1}, 2), (std::vector<double>{4.0 / 6, 2}));
  EXPECT_EQ(balanced_weights(std::vector{0, 0, 0, 1}, 3), (std::vector<double>{4.0 / 9, 4.0 / 3, 0}));
}

/// Features of as many texts as make several blocks of different sizes.
golden_case many_texts() {
  golden_case many{"many", 3, false, {}, {}, {}};
  std::mt19937 random(7);
  for (int text = 0; text < 333; ++text) {
    many.label_ids.push_back(text % 3);
    for (int feature = 0; feature < 10; ++feature) {
      const auto bits = static_cast<float>(random() % 4096);
      many.values.push_back(bits / 1024 + (feature == text % 3 ? 1.0F : 0.0F));
    }
  }
  return many;
}

TEST(FitHeads, ThreadsChangeNoBit) {
  const golden_case many = many_texts();
  const std::vector<double> strengths{0.01, 1};
  const std::vector<linear_head> alone = fit_heads(many.features(), strengths);
  for (const int threads : {2, 3}) {
    offramp::thread_pool pool(threads);
    const std::vector<linear_head> shared = fit_heads(many.features(), strengths, {}, pool.lend());
    for (std::size_t i = 0; i < strengths.size(); ++i) {
      EXPECT_EQ(alone[i].weights, shared[i].weights) << threads;
      EXPECT_EQ(alone[i].bias, shared[i].bias) << threads;
    }
    EXPECT_EQ(head_logits(alone[0], many.values), head_logits(alone[0], many.values, pool.lend()));
  }
}

/// A curvature that is never looked at again.
struct frozen_curvature {
  const detail::head_curvature& first;
  Eigen::VectorXd operator()(const Eigen::VectorXd& vector) const { return first(vector); }
  void update(const Eigen::VectorXd& /*point*/) const {}
};

// Labels far apart in features that tell nearly the same: the minimum lies far down a valley of which the equal
// probabilities of the start know nothing.
TEST(FitHeads, ReachesTheOptimumWithHardlyAnyPenalty) {
  const golden_case alike = golden_cases().back();
  ASSERT_EQ(alike.name, "alike");
  const offramp::runner alone;
  const std::vector<float> targets = certain(alike);
  const detail::logistic_loss loss({alike.values, targets, alike.labels}, {}, alone);
  constexpr double penalty = 1e-7;
  const auto fit = [&](double strength, const Eigen::VectorXd& start) {
    detail::head_curvature curvature(loss, alone);
    return detail::fit_one(loss, curvature, strength, start);
  };
  const detail::minimum cold = fit(penalty, loss.start());
  EXPECT_TRUE(cold.is_reached);
  Eigen::VectorXd warm = loss.start();
  for (const double stronger : {1e-1, 1e-3, 1e-5}) {
    warm = fit(stronger, warm).point;
  }
  EXPECT_NEAR(fit(penalty, warm).value, cold.value, 1e-6);
  const double strength = 1 / (penalty * static_cast<double>(alike.label_ids.size()));
  EXPECT_TRUE(fit_heads(alike.features(), std::vector{strength})[0].is_optimal);

  detail::head_curvature curvature(loss, alone);
  curvature.set_penalty(penalty);
  frozen_curvature frozen{curvature};
  const auto evaluate = [&](const Eigen::VectorXd& point) { return detail::penalised(loss, penalty, point); };
  const detail::minimum stuck = detail::minimize(evaluate, frozen, loss.start(), 1e-11);
  EXPECT_FALSE(stuck.is_reached) << "the case is a hard one";
  EXPECT_GT(stuck.value, cold.value);
}

TEST(FitHeads, OneFeatureOneTextOfEachLabel) {
  // By hand: both texts lie one deviation from the mean, so with weight w the loss is 2 C ln(1 + exp(-w)) + w^2 / 2.
  const linear_head head = fit_heads({std::vector{-3.0F, 5.0F}, std::vector{0, 1}, 2}, std::vector{1.0})[0];
  const auto w = static_cast<double>(head.weights[1] - head.weights[0]) * 4;
  EXPECT_NEAR(w, 2 / (1 + std::exp(w)), 1e-5);
  EXPECT_NEAR(head.bias[1] - head.bias[0], -w / 4, 1e-5) << "the mean is 1";
}

TEST(FitHeads, TinyFeaturesTellAsMuchAsOthers) {
  golden_case many = many_texts();
  const std::vector<float> logits = head_logits(fit_heads(many.features(), std::vector{1.0})[0], many.values);
  for (std::size_t i = 0; i < many.values.size(); i += 10) {
    many.values[i] = many.values[i] * 0x1p-106F;
  }
  const std::vector<float> tiny = head_logits(fit_heads(many.features(), std::vector{1.0})[0], many.values);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    ASSERT_NEAR(tiny[i], logits[i], 1e-4F);
  }
}

TEST(FitHeads, RefusesWhatCannotBeFitted) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<double> strength{1.0};
  const std::vector<float> values{1, 2, 3, 4};
  const std::vector<int> ids{0, 1};
  const auto refuses = [&](const std::string& what, const auto& action) {
    offramp_tests::expect_error(offramp::error_kind::invalid_argument, {what}, [&] { static_cast<void>(action()); });
  };
  refuses("feature 1 of text 1 is nan", [&] {
    return fit_heads({std::vector{1.0F, 2.0F, 3.0F, nan}, ids, 2}, strength);
  });
  refuses("label id 2, expected 0 to 1", [&] { return fit_heads({values, std::vector{0, 2}, 2}, strength); });
  refuses("no text has the label id 1", [&] { return fit_heads({values, std::vector{0, 0}, 2}, strength); });
  refuses("1 labels", [&] { return fit_heads({values, std::vector{0, 0}, 1}, strength); });
  refuses("4 values for 3 texts", [&] { return fit_heads({values, std::vector{0, 1, 0}, 2}, strength); });
  refuses("0 values for 0 texts", [&] { return fit_heads({{}, {}, 2}, strength); });
  refuses("no strengths", [&] { return fit_heads({values, ids, 2}, {}); });
  refuses("strength 0,", [&] { return fit_heads({values, ids, 2}, std::vector{0.0}); });
  refuses("class weight -1", [&] { return fit_heads({values, ids, 2}, strength, std::vector{1.0, -1.0}); });
  refuses("3 class weights", [&] { return fit_heads({values, ids, 2}, strength, std::vector{1.0, 1.0, 1.0}); });
  refuses("head_logits: 3 values", [&] { return head_logits({{1, 2}, {0}}, std::vector{1.0F, 2.0F, 3.0F}); });
}

}  // namespace head_fit_test
