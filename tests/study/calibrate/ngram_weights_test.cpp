// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/ngram_weights.hpp>

#include <offramp/error.hpp>
#include <offramp/study/calibration.hpp>
#include <offramp/study/temperature.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <random>
#include <vector>

namespace ngram_weights_test {

using namespace offramp::study;

/// An exit before the encoder and `own` behind each of the layers 1 and 2.
exit_logits with_exits(const std::vector<float>& ngrams, const std::vector<float>& own,
                       const std::vector<int>& label_ids) {
  exit_logits logits{.num_texts = label_ids.size(),
                     .num_labels = own.size() / label_ids.size(),
                     .exits = {{0, 1.0F}, {1, 1.0F}, {2, 1.0F}},
                     .label_ids = label_ids,
                     .tokens = std::vector<int>(label_ids.size(), 3),
                     .values = ngrams};
  logits.values.insert(logits.values.end(), own.begin(), own.end());
  logits.values.insert(logits.values.end(), own.begin(), own.end());
  return logits;
}

exit_logits with_exits(const nlohmann::json& golden) {
  return with_exits(golden["ngrams"], golden["own"], golden["label_ids"]);
}

std::vector<nlohmann::json> goldens() {
  return nlohmann::json::parse(std::ifstream(OFFRAMP_TEST_DATA "/study/ngram_weights.json"));
}

TEST(NgramWeights, AreThoseThatScipyFinds) {
  std::size_t heard = 0;
  for (const nlohmann::json& golden : goldens()) {
    SCOPED_TRACE(golden["weight"]);
    const exit_logits found = fit_ngram_weights(with_exits(golden));
    EXPECT_EQ(found.exits[0].ngram_weight, 0.0F);
    EXPECT_EQ(found.exits[1].ngram_weight, found.exits[2].ngram_weight);
    if (golden["ratio"].get<double>() < 3.8) {
      EXPECT_EQ(found.exits[1].ngram_weight, 0.0F) << "chance would do as much in one of twenty";
      continue;
    }
    ++heard;
    EXPECT_NEAR(found.exits[1].ngram_weight, golden["weight"].get<double>(), 1e-3);
    const calibration fitted = calibrate(found, 0.5F);
    EXPECT_EQ(fitted.exits[1].ngram_weight, found.exits[1].ngram_weight);
    EXPECT_NEAR(fitted.exits[1].temperature, golden["temperature"].get<double>(), 2e-3);
    EXPECT_NEAR(fitted.exits[1].after.nll, golden["nll"].get<double>(), 1e-7);
  }
  EXPECT_EQ(heard, 3U);
}

TEST(NgramWeights, AreAddedToTheLogits) {
  const exit_logits before = with_exits(goldens().front());
  const exit_logits after = fit_ngram_weights(before);
  const float weight = after.exits[1].ngram_weight;
  ASSERT_GT(weight, 0.0F);
  for (std::size_t i = 0; i < before.of_exit(0).size(); ++i) {
    EXPECT_EQ(after.of_exit(0)[i], before.of_exit(0)[i]);
    EXPECT_FLOAT_EQ(after.of_exit(1)[i], before.of_exit(1)[i] + weight * before.of_exit(0)[i]);
  }
}

TEST(NgramWeights, AreFoundAgainWhereThereAreSome) {
  const exit_logits once = fit_ngram_weights(with_exits(goldens().front()));
  const exit_logits twice = fit_ngram_weights(once);
  EXPECT_NEAR(twice.exits[1].ngram_weight, once.exits[1].ngram_weight, 1e-4);
}

TEST(NgramWeights, LeaveFullDepthAloneWhereTheyMust) {
  const exit_logits logits = with_exits(goldens().front());
  const exit_logits kept = fit_ngram_weights(logits, full_depth_answers::kept);
  EXPECT_GT(kept.exits[1].ngram_weight, 0.0F);
  EXPECT_EQ(kept.exits[2].ngram_weight, 0.0F);
  EXPECT_EQ(std::vector(kept.of_exit(2).begin(), kept.of_exit(2).end()),
            std::vector(logits.of_exit(2).begin(), logits.of_exit(2).end()));
  exit_logits unlabelled = logits;
  unlabelled.is_labelled = false;
  EXPECT_EQ(fit_ngram_weights(unlabelled).exits[2].ngram_weight, 0.0F) << "it would agree with itself";
}

/// The likelihood of each label of its own, with the sigmoid.
TEST(NgramWeights, OfAMultiLabelModelAreFittedToEachDecision) {
  std::mt19937 random(3);
  std::normal_distribution<float> noise;
  exit_logits logits = with_exits(std::vector<float>(400), std::vector<float>(400), std::vector<int>(200));
  logits.label_ids.clear();
  logits.cuts = {0.5F, 0.5F};
  for (std::size_t i = 0; i < 400; ++i) {
    const auto given = static_cast<std::uint8_t>(random() % 2);
    logits.label_sets.push_back(given);
    for (std::size_t exit = 0; exit < 3; ++exit) {
      logits.values[exit * 400 + i] = 2.0F * noise(random) + (given == 1 ? 1.0F : -1.0F);
    }
  }
  const exit_logits found = fit_ngram_weights(logits);
  EXPECT_NEAR(found.exits[1].ngram_weight, 1.0F, 0.5F) << "both know as much";
  EXPECT_LT(calibrate(found, 0.5F).exits[1].after.nll, calibrate(logits, 0.5F).exits[1].after.nll);
}

TEST(NgramWeights, HaveNoGainFromNoise) {
  std::size_t heard = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> noise;
    std::vector<float> ngrams;
    std::vector<float> own;
    std::vector<int> label_ids;
    for (int text = 0; text < 100; ++text) {
      label_ids.push_back(static_cast<int>(random() % 2));
      for (int label = 0; label < 2; ++label) {
        ngrams.push_back(noise(random));
        own.push_back(noise(random) + (label == label_ids.back() ? 1.0F : 0.0F));
      }
    }
    heard += fit_ngram_weights(with_exits(ngrams, own, label_ids)).exits[1].ngram_weight > 0.0F ? 1U : 0U;
  }
  EXPECT_LE(heard, 6U) << "2.5 % are expected: half of the chances are below 0";
}

TEST(NgramWeights, NeedAnExitBeforeTheEncoder) {
  exit_logits logits = with_exits(goldens().front());
  logits.exits.front().layer = 1;
  EXPECT_THROW((void)fit_ngram_weights(logits), offramp::error);
  EXPECT_THROW((void)fit_ngram_weights({}), offramp::error);
}

}  // namespace ngram_weights_test
