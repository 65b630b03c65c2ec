// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/evaluation.hpp>

#include "study/random_logits.hpp"

#include <offramp/error.hpp>
#include <offramp/study/replay.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace evaluation_test {

using offramp::exit_policy;
using offramp::study::evaluate;
using offramp::study::evaluation;
using offramp::study::exit_answer;
using offramp::study::exit_logits;
using offramp::study::replay;
using offramp_tests::random_logits;

const std::vector<std::string> labels = {"a", "b", "c"};

TEST(evaluation, counts_what_the_policy_answers) {
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    const exit_logits logits = random_logits({.texts = 400, .exits = 4, .labels = 3}, seed);
    for (const exit_policy& policy : {exit_policy(0.4F), exit_policy(0.6F), exit_policy::margin(0.2F).with_max_layer(4),
                                      exit_policy::patience(1), exit_policy::full_depth()}) {
      const evaluation found = evaluate(logits, labels, policy);
      const std::vector<exit_answer> answers = replay(logits).decide(policy);
      const std::vector<exit_answer> full = replay(logits).decide(exit_policy::full_depth());
      std::size_t correct = 0;
      std::size_t full_correct = 0;
      std::size_t disagreeing = 0;
      std::vector<std::vector<std::size_t>> confusion(3, std::vector<std::size_t>(3));
      for (std::size_t text = 0; text < logits.num_texts; ++text) {
        const int right = logits.label_ids[text];
        correct += answers[text].label_id == right ? 1U : 0U;
        full_correct += full[text].label_id == right ? 1U : 0U;
        disagreeing += answers[text].label_id != full[text].label_id ? 1U : 0U;
        ++confusion[static_cast<std::size_t>(right)][static_cast<std::size_t>(answers[text].label_id)];
      }
      EXPECT_EQ(found.early.correct, correct);
      EXPECT_EQ(found.full.correct, full_correct);
      EXPECT_EQ(found.full.mean_layer, 8.0);
      EXPECT_EQ(found.early.disagreeing, disagreeing);
      EXPECT_TRUE(found.disagreement_95.contains(found.early.disagreement));
      EXPECT_EQ(found.confusion, confusion);
      EXPECT_NEAR(found.loss->estimate, found.full.accuracy - found.early.accuracy, 1e-12);
      EXPECT_EQ(found.by_label.at(2).label, "c");
    }
  }
}

TEST(evaluation, of_full_depth_loses_nothing) {
  const exit_logits logits = random_logits({.texts = 100, .exits = 3, .labels = 3}, 5);
  const evaluation found = evaluate(logits, labels, exit_policy::full_depth());
  EXPECT_EQ(found.loss->estimate, 0.0);
  EXPECT_EQ(found.loss->p_value, 1.0);
  EXPECT_EQ(found.early, found.full);
}

TEST(evaluation, without_labels_knows_agreement_alone) {
  exit_logits logits = random_logits({.texts = 200, .exits = 3, .labels = 3}, 6);
  const std::vector<exit_answer> full = replay(logits).decide(exit_policy::full_depth());
  std::ranges::transform(full, logits.label_ids.begin(), &exit_answer::label_id);
  logits.is_labelled = false;
  const evaluation found = evaluate(logits, labels, exit_policy(0.5F));
  EXPECT_FALSE(found.loss);
  EXPECT_TRUE(found.by_label.empty());
  EXPECT_TRUE(found.confusion.empty());
  EXPECT_EQ(found.early.correct + found.early.disagreeing, 200U);
}

TEST(evaluation, refuses_what_does_not_fit) {
  const exit_logits logits = random_logits({.texts = 10, .exits = 3, .labels = 3}, 7);
  EXPECT_THROW(static_cast<void>(evaluate(logits, std::vector<std::string>{"a", "b"}, exit_policy(0.5F))),
               offramp::error);
  EXPECT_THROW(static_cast<void>(evaluate(logits, labels, exit_policy::per_exit({0.5F}))), offramp::error);
  const exit_policy late = exit_policy(0.5F).with_deadline(std::chrono::steady_clock::now());
  EXPECT_THROW(static_cast<void>(evaluate(logits, labels, late)), offramp::error);
}

}  // namespace evaluation_test
