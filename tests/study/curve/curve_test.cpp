// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/curve.hpp>

#include <offramp/study/sweep_rule.hpp>

#include "model_in_memory.hpp"
#include "ngram_model.hpp"
#include "study/random_logits.hpp"

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace curve_test {

using offramp::exit_policy;
using offramp::study::compute_curve;
using offramp::study::curve;
using offramp::study::exit_answer;
using offramp::study::exit_logits;
using offramp::study::operating_point;
using offramp::study::replay;
using offramp::study::sweep_rule;
using offramp_tests::logits_shape;
using offramp_tests::random_logits;
using rule = exit_policy::rule;

constexpr float infinity = std::numeric_limits<float>::infinity();

const std::vector<sweep_rule> rules = {{rule::confidence},
                                       {.kind = rule::declining, .decline = 0.06F},
                                       {.kind = rule::declining, .decline = 1.0F},
                                       {rule::entropy},
                                       {rule::normalized_entropy},
                                       {rule::margin},
                                       {rule::patience},
                                       {rule::patience_entropy, 1},
                                       {rule::patience_entropy, 2},
                                       {rule::learned}};

/// Every number at which the answers of a rule could change, and its neighbours.
std::set<float> critical_thresholds(const curve& found) {
  std::set<float> thresholds = {-infinity, -1.0F, 0.0F, 0.3F, 0.5F, 0.75F, 1.0F, 1.5F, 2.0F, 3.0F, 100.0F, infinity};
  for (const operating_point& point : found.points) {
    for (const float end : {point.thresholds->lowest, point.thresholds->highest, point.thresholds->shortest}) {
      thresholds.insert({end, std::nextafter(end, infinity), std::nextafter(end, -infinity)});
    }
  }
  return thresholds;
}

/// Without the thresholds.
operating_point result_of(operating_point point) {
  point.thresholds.reset();
  return point;
}

/// The same numbers by another way: straight from the definitions.
void expect_summary(const exit_logits& logits, const std::vector<exit_answer>& answers, const operating_point& found) {
  const auto full = replay(logits).decide(exit_policy::full_depth());
  double correct = 0;
  double layers = 0;
  double disagreeing = 0;
  double early = 0;
  double early_correct = 0;
  double early_confidence = 0;
  double f1 = 0;
  std::set<int> occurring;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const bool right = answers[i].label_id == logits.label_ids[i];
    correct += right;
    layers += logits.exits[answers[i].exit].layer;
    disagreeing += answers[i].label_id != full[i].label_id;
    if (answers[i].exit + 1 < logits.exits.size()) {
      early += 1;
      early_correct += right;
      early_confidence += static_cast<double>(answers[i].confidence);
    }
    occurring.insert({answers[i].label_id, logits.label_ids[i]});
  }
  for (const int label : occurring) {
    double both = 0;
    double either = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      both += answers[i].label_id == label && logits.label_ids[i] == label;
      either += (answers[i].label_id == label) + (logits.label_ids[i] == label);
    }
    f1 += 2 * both / either;
  }
  const auto n = static_cast<double>(answers.size());
  EXPECT_DOUBLE_EQ(found.accuracy, correct / n);
  EXPECT_DOUBLE_EQ(found.mean_layer, layers / n);
  EXPECT_DOUBLE_EQ(found.layer_speedup, logits.exits.back().layer * n / layers);
  EXPECT_DOUBLE_EQ(found.disagreement, disagreeing / n);
  EXPECT_NEAR(found.macro_f1, f1 / static_cast<double>(occurring.size()), 1e-12);
  EXPECT_EQ(found.early().texts, early);
  EXPECT_EQ(found.early().correct, early_correct);
  EXPECT_NEAR(found.early().mean_confidence, early > 0 ? early_confidence / early : 0, 1e-9);
  EXPECT_TRUE(found.accuracy_95.contains(found.accuracy));
}

void expect_exact(const exit_logits& logits, const sweep_rule& swept) {
  const curve found = compute_curve(logits, swept);
  for (const float threshold : critical_thresholds(found)) {
    const auto answers = replay(logits).decide(offramp::study::policy_at(swept, threshold));
    const operating_point expected = summarise(logits, answers);
    ASSERT_EQ(result_of(found.at(threshold)), expected)
        << "rule " << static_cast<int>(swept.kind) << " at " << threshold;
  }
  for (const operating_point& point : found.points) {
    expect_summary(logits, replay(logits).decide(offramp::study::policy_at(swept, point.thresholds->shortest)), point);
    EXPECT_LE(point.thresholds->lowest, point.thresholds->shortest);
    EXPECT_LE(point.thresholds->shortest, point.thresholds->highest);
  }
  for (std::size_t i = 1; i < found.points.size(); ++i) {
    EXPECT_LT(found.points[i - 1].mean_layer, found.points[i].mean_layer);
  }
  EXPECT_EQ(result_of(found.full_depth()), found.fixed_exits.back());
}

TEST(curve, equals_brute_force_at_every_threshold) {
  std::uint32_t seed = 0;
  for (const std::size_t labels : {2U, 3U, 6U}) {
    for (const std::size_t exits : {1U, 2U, 5U}) {
      for (const std::size_t texts : {1U, 2U, 60U}) {
        for (const float step : {0.0F, 1.0F}) {
          const exit_logits logits = random_logits({texts, exits, labels, step}, ++seed);
          for (const sweep_rule& swept : rules) {
            expect_exact(logits, swept);
          }
        }
      }
    }
  }
}

TEST(curve, has_one_point_per_behaviour) {
  const exit_logits logits = random_logits({40, 4, 3}, 5);
  const curve found = compute_curve(logits, {rule::confidence});
  std::set<std::vector<std::size_t>> behaviours;
  for (const float threshold : critical_thresholds(found)) {
    std::vector<std::size_t> exits;
    for (const exit_answer& answer : replay(logits).decide(offramp::study::policy_at({rule::confidence}, threshold))) {
      exits.push_back(answer.exit);
    }
    behaviours.insert(exits);
  }
  EXPECT_EQ(found.points.size(), behaviours.size());
  EXPECT_EQ(found.points.front().thresholds->lowest, -infinity);
  EXPECT_EQ(found.points.back().thresholds->highest, infinity);
  EXPECT_EQ(found.points.back().thresholds->shortest, 2.0F);
}

TEST(curve, knows_ties_as_one_point) {
  exit_logits logits = random_logits({3, 2, 2}, 1);
  logits.exits = {{1, 1.0F}, {2, 1.0F}};
  logits.label_ids = {0, 0, 1};
  logits.values = {2, 0, 0, 2, 2, 0, /* last exit */ 1, 0, 1, 0, 0, 1};
  const curve found = compute_curve(logits, {rule::confidence});
  ASSERT_EQ(found.points.size(), 2U);
  const float confidence = replay(logits).decide(0.0F)[0].confidence;
  EXPECT_EQ(found.points[0].thresholds->highest, confidence);
  EXPECT_EQ(found.points[0].thresholds->shortest, 0.0F);
  EXPECT_EQ(found.points[0].correct, 1U);
  EXPECT_EQ(found.points[0].exits[0].texts, 3U);
  EXPECT_EQ(found.points[0].disagreeing, 2U);
  EXPECT_EQ(found.points[1].correct, 3U);
  EXPECT_EQ(found.points[1].thresholds->lowest, std::nextafter(confidence, infinity));
}

TEST(curve, compares_with_exits_chosen_otherwise) {
  exit_logits logits = random_logits({4, 2, 2}, 1);
  logits.exits = {{1, 1.0F}, {3, 1.0F}};
  logits.label_ids = {0, 0, 0, 0};
  // The first exit is right about texts 0 and 1, the second about 0 and 2, neither about 3.
  logits.values = {4, 0, 3, 0, 0, 2, 0, 1, /* last exit */ 1, 0, 0, 1, 1, 0, 0, 1};
  const curve found = compute_curve(logits, {rule::confidence});
  EXPECT_EQ(found.fixed_exits[0].accuracy, 0.5);
  EXPECT_EQ(found.fixed_exits[0].mean_layer, 1.0);
  EXPECT_EQ(found.fixed_exits[1].accuracy, 0.5);
  EXPECT_EQ(found.fixed_exits[1].mean_layer, 3.0);
  EXPECT_EQ(found.oracle.accuracy, 0.75);
  EXPECT_EQ(found.oracle.mean_layer, (1 + 1 + 3 + 3) / 4.0);
  ASSERT_EQ(found.oracle_budgets.size(), 2U);
  EXPECT_EQ(found.oracle_budgets[0].accuracy, 0.5);
  EXPECT_EQ(found.oracle_budgets[1].mean_layer, 1.5);
  EXPECT_EQ(found.oracle_budgets[1].accuracy, 0.75);
  EXPECT_DOUBLE_EQ(found.areas.oracle, (0.5 * 0.625 + 1.5 * 0.75) / 2);
  EXPECT_DOUBLE_EQ(found.areas.fixed_exits, 0.5);
  EXPECT_DOUBLE_EQ(found.areas.random_exits, 0.5);
  // The order of confidence is 0, 1, 2, 3; from the left of the curve 3, 2, 1, 0 move on to the last exit.
  ASSERT_EQ(found.points.size(), 5U);
  const std::vector<double> accuracies = {0.5, 0.5, 0.75, 0.5, 0.5};
  for (std::size_t i = 0; i < accuracies.size(); ++i) {
    EXPECT_EQ(found.points[i].accuracy, accuracies[i]);
    EXPECT_EQ(found.points[i].mean_layer, 1.0 + 0.5 * static_cast<double>(i));
  }
  EXPECT_DOUBLE_EQ(found.areas.early_exit, (0.5 + 0.625 + 0.625 + 0.5) / 4);
}

TEST(curve, is_no_faster_than_itself_where_there_is_no_encoder) {
  exit_logits logits = random_logits({20, 1, 2}, 5);
  logits.exits.front().layer = 0;
  logits.flops.assign(20, 0);
  const operating_point& full = compute_curve(logits, {}).full_depth();
  EXPECT_EQ(full.layer_speedup, 1.0);
  EXPECT_EQ(full.flops_speedup, 1.0);
}

TEST(curve, deals_random_exits_at_equal_cost) {
  const exit_logits logits = random_logits({50, 4, 3}, 9);
  const curve found = compute_curve(logits, {rule::confidence});
  for (const operating_point& point : found.points) {
    double expected = 0;
    for (std::size_t exit = 0; exit < 4; ++exit) {
      expected += static_cast<double>(point.exits[exit].texts) / 50 * found.fixed_exits[exit].accuracy;
    }
    EXPECT_NEAR(point.random_accuracy, expected, 1e-12);
  }
  EXPECT_GT(found.areas.early_exit, found.areas.random_exits);
  EXPECT_GT(found.areas.oracle, found.areas.early_exit);
}

TEST(curve, refuses_what_cannot_be_swept) {
  exit_logits logits = random_logits({3, 2, 2}, 1);
  for (const sweep_rule& swept :
       {sweep_rule{rule::per_exit}, sweep_rule{rule::per_class}, sweep_rule{rule::patience_entropy, 0},
        sweep_rule{.kind = rule::declining, .decline = -0.1F}}) {
    EXPECT_THROW(static_cast<void>(compute_curve(logits, swept)), offramp::error);
  }
  for (const sweep_rule& swept : rules) {
    EXPECT_THROW(static_cast<void>(compute_curve(logits, swept).at(std::nanf(""))), offramp::error);
  }
  EXPECT_THROW(static_cast<void>(summarise(logits, {})), offramp::error);
  EXPECT_THROW(static_cast<void>(replay(logits).decide(exit_policy(0.5F).with_deadline({}))), offramp::error);
  EXPECT_THROW(static_cast<void>(replay(logits).decide(exit_policy::per_exit({0.5F}))), offramp::error);
  EXPECT_THROW(static_cast<void>(replay(logits).decide(exit_policy(0.5F).with_max_layer(1))), offramp::error);
  logits.uncertainties.clear();
  EXPECT_THROW(static_cast<void>(compute_curve(logits, {rule::learned})), offramp::error);
  EXPECT_THROW(static_cast<void>(replay(logits).decide(exit_policy::learned(0.5F))), offramp::error);
}

/// Texts of many lengths made of words that the tiny models know.
offramp::study::dataset some_texts(bool pairs, int labels) {
  offramp::study::dataset data{"made up", std::string(64, '0'), {}};
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text = i % 7 == 0 ? "" : text + std::string(1, static_cast<char>('a' + i * 5 % 26)) + (i % 3 == 0 ? " film" : " ");
    data.texts.push_back({text, pairs ? std::optional<std::string>("the dog " + text) : std::nullopt, i % labels, 1});
  }
  return data;
}

void expect_as_classified(const offramp::classifier& model, const sweep_rule& swept) {
  const bool pairs = model.expected_input() == offramp::input_kind::pair;
  const auto data = some_texts(pairs, static_cast<int>(model.labels().size()));
  const exit_logits logits = compute_exit_logits(model, data);
  const curve found = compute_curve(logits, swept);
  for (std::size_t i = 0; i < found.points.size(); i += 7) {
    const exit_policy policy = policy_at(swept, found.points[i].thresholds->shortest);
    std::vector<offramp::prediction> expected;
    for (const auto& text : data.texts) {
      expected.push_back(pairs ? model.classify(offramp::sentence_pair{text.first, *text.second}, policy)
                               : model.classify(text.first, policy));
    }
    const auto answers = replay(logits).decide(policy);
    for (std::size_t text = 0; text < answers.size(); ++text) {
      EXPECT_EQ(answers[text].label_id, expected[text].label_id);
      EXPECT_EQ(logits.exits[answers[text].exit].layer, expected[text].layer);
      EXPECT_EQ(answers[text].confidence, expected[text].confidence);
    }
    EXPECT_EQ(summarise(logits, answers), result_of(found.points[i]));
  }
}

offramp::classifier load(const std::string& name) {
  return offramp::classifier::load(offramp_tests::tiny_directory(name));
}

TEST(curve, answers_as_the_tiny_models_do) {
  for (const char* name : {"tiny", "tiny-mix", "tiny-pair", "tiny-plain", "tiny-sharded"}) {
    for (const sweep_rule& swept : rules) {
      if (swept.kind != rule::learned) {
        expect_as_classified(load(name), swept);
      }
    }
  }
}

TEST(curve, asks_the_gate_as_the_model_does) {
  expect_as_classified(load("published-berxit"), {rule::learned});
  expect_as_classified(load("berxit-exits"), {rule::learned});
}

TEST(curve, asks_no_gate_before_the_encoder) {
  const offramp::classifier model = offramp_tests::with_ngrams("berxit-exits").load();
  ASSERT_EQ(model.exits().front().layer, 0);
  for (const sweep_rule& swept : rules) {
    expect_as_classified(model, swept);
  }
  const exit_logits logits = compute_exit_logits(model, some_texts(false, 2));
  for (const exit_answer& answer : replay(logits).decide(exit_policy::learned(0.5F))) {
    EXPECT_GT(answer.exit, 0U);
  }
}

TEST(replay, obeys_the_layer_limit) {
  const exit_logits logits = random_logits({20, 4, 2}, 3);
  for (const exit_answer& answer : replay(logits).decide(exit_policy::full_depth().with_max_layer(5))) {
    EXPECT_EQ(answer.exit, 1U);
  }
}

}  // namespace curve_test
