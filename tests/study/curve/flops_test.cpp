// SPDX-License-Identifier: Apache-2.0
#include <offramp/classifier.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/metrics.hpp>
#include <offramp/study/replay.hpp>

#include "model_in_memory.hpp"

#include <offramp/error.hpp>
#include <offramp/study/curve.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace flops_test {

TEST(flops, are_those_of_the_products) {
  const auto model = offramp::classifier::load(std::string(OFFRAMP_SOURCE_DIR) + "/models/sentiment-en");
  // all-MiniLM-L6-v2: 384 hidden, 1,536 intermediate units.
  const std::int64_t layer = 2 * 10 * (4 * 384 * 384 + 2 * 384 * 1536) + 4 * 10 * 10 * 384;
  EXPECT_EQ(model.flops(0, 10), 0);
  EXPECT_EQ(model.flops(1, 10), layer);
  EXPECT_EQ(model.flops(6, 10), 6 * layer);
  for (const auto& [layers, tokens] : {std::pair{-1, 10}, std::pair{7, 10}, std::pair{1, 0}, std::pair{1, 100000}}) {
    EXPECT_THROW(static_cast<void>(model.flops(layers, tokens)), offramp::error) << layers << ' ' << tokens;
  }
}

TEST(flops, are_the_same_whichever_layers_are_loaded) {
  for (const std::string name : {"family-modernbert-exits", "family-deberta-exits", "family-albert-exits"}) {
    const std::filesystem::path directory = offramp_tests::tiny_directory(name);
    const auto all = offramp::classifier::load(directory);
    const auto first = offramp::classifier::load(directory, {.exits = {all.exits().front().layer}});
    for (int layers = 0; layers <= all.num_layers(); ++layers) {
      EXPECT_EQ(first.flops(layers, all.max_tokens()), all.flops(layers, all.max_tokens())) << name << ' ' << layers;
    }
  }
  const std::string news = std::string(OFFRAMP_SOURCE_DIR) + "/models/news-topics-en";
  const auto none = offramp::classifier::load(news, {.exits = {0}});
  EXPECT_EQ(none.flops(none.num_layers(), 10), offramp::classifier::load(news).flops(none.num_layers(), 10));
}

TEST(flops, are_counted_where_texts_leave) {
  const auto model = offramp::classifier::load(offramp_tests::tiny_directory("tiny"));
  const offramp::study::dataset data{
      "made up", std::string(64, '0'), {{"a", {}, 0, 1}, {"a film that is long", {}, 1, 2}}};
  const auto logits = offramp::study::compute_exit_logits(model, data);
  const auto found = offramp::study::compute_curve(logits, {});
  for (const auto& point : found.points) {
    const auto answers =
        offramp::study::replay(logits).decide(offramp::study::policy_at({}, point.thresholds->shortest));
    double sum = 0;
    double full = 0;
    for (std::size_t text = 0; text < answers.size(); ++text) {
      sum += static_cast<double>(model.flops(logits.exits[answers[text].exit].layer, logits.tokens[text]));
      full += static_cast<double>(model.flops(logits.exits.back().layer, logits.tokens[text]));
    }
    EXPECT_DOUBLE_EQ(point.mean_flops, sum / 2);
    EXPECT_DOUBLE_EQ(point.flops_speedup, full / sum);
  }
}

TEST(rank_correlation, is_that_of_spearman) {
  using offramp::study::correlate_ranks;
  EXPECT_DOUBLE_EQ(correlate_ranks(std::vector<float>{1, 2, 3}, std::vector<int>{10, 200, 3000}), 1);
  EXPECT_DOUBLE_EQ(correlate_ranks(std::vector<float>{1, 2, 3}, std::vector<int>{3, 2, 1}), -1);
  EXPECT_DOUBLE_EQ(correlate_ranks(std::vector<float>{1, 2, 3}, std::vector<int>{5, 5, 5}), 0);
  // By hand: ranks 1 2 3 4 and 1.5 1.5 4 3, whose products add up to 3.5 and squares to 5 and 4.5.
  EXPECT_DOUBLE_EQ(correlate_ranks(std::vector<float>{.1F, .2F, .3F, .4F}, std::vector<int>{7, 7, 9, 8}),
                   3.5 / std::sqrt(5 * 4.5));
  EXPECT_THROW(static_cast<void>(correlate_ranks(std::vector<float>{1}, std::vector<int>{})), offramp::error);
  const std::vector<float> unknown = {std::numeric_limits<float>::quiet_NaN()};
  EXPECT_THROW(static_cast<void>(correlate_ranks(unknown, std::vector<int>{1})), offramp::error);
}

}  // namespace flops_test
