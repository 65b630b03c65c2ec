// SPDX-License-Identifier: Apache-2.0
// What study makes of models that give any number of labels: against scikit-learn and PyTorch
// (tests/generators/multi_label_goldens.py), and against counting text by text.
#include <offramp/error.hpp>
#include <offramp/study/calibration.hpp>
#include <offramp/study/certification.hpp>
#include <offramp/study/curve.hpp>
#include <offramp/study/evaluation.hpp>
#include <offramp/study/metrics.hpp>
#include <offramp/study/replay.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace study_multi_label_test {

namespace study = offramp::study;
using nlohmann::json;
using offramp::certified_loss;
using offramp::error;
using offramp::exit_policy;

std::vector<json> goldens() { return json::parse(std::ifstream(OFFRAMP_TEST_DATA "/study/multi_label.json")); }

/// A case as the logits of one exit.
study::exit_logits logits_of(const json& golden) {
  const auto labels = golden["num_labels"].get<std::size_t>();
  study::exit_logits logits{.num_texts = golden["logits"].size() / labels,
                            .num_labels = labels,
                            .exits = {{1, 1.0F}},
                            .label_ids = {},
                            .tokens = {},
                            .values = golden["logits"],
                            .cuts = golden["cuts"],
                            .label_sets = golden["label_sets"]};
  logits.tokens.assign(logits.num_texts, 5);
  return logits;
}

TEST(multi_label_metrics, agree_with_scikit_learn) {
  for (const json& golden : goldens()) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    const study::exit_logits logits = logits_of(golden);
    const auto probabilities = golden["probabilities"].get<std::vector<float>>();
    const study::labelled_probabilities given = logits.judged(probabilities);
    const json& expected = golden["metrics"];
    EXPECT_DOUBLE_EQ(study::accuracy(given), expected["accuracy"]);
    EXPECT_NEAR(study::macro_f1(given), expected["macro_f1"], 1e-12);
    EXPECT_NEAR(study::micro_f1(given), expected["micro_f1"], 1e-12);
    EXPECT_NEAR(study::mean_confidence(given), expected["mean_confidence"], 1e-6);
    EXPECT_NEAR(study::negative_log_likelihood(given), expected["nll"], 1e-6);
    EXPECT_NEAR(study::brier_score(given), expected["brier"], 1e-6);
    EXPECT_NEAR(study::calibration_error(given), expected["ece"], 1e-6);
    EXPECT_NEAR(study::class_wise_calibration_error(given), expected["class_wise_ece"], 1e-6);
    EXPECT_NEAR(study::area_under_roc_of_correct(given).value(), expected["auroc_correct"], 1e-12);
    const std::vector<study::reliability_bin> bins = study::reliability_bins(given);
    for (std::size_t bin = 0; bin < bins.size(); ++bin) {
      EXPECT_EQ(bins[bin].texts, expected["bin_texts"][bin].get<std::size_t>());
    }
  }
}

TEST(multi_label_metrics, count_nothing_as_right_where_there_is_nothing) {
  const std::vector<float> values{0.1F, 0.2F};
  const std::vector<float> cuts{0.5F, 0.5F};
  const std::vector<std::uint8_t> none{0, 0};
  const study::labelled_probabilities given{values, {}, 2, cuts, none};
  EXPECT_EQ(study::accuracy(given), 1.0);
  EXPECT_EQ(study::macro_f1(given), 1.0);
  EXPECT_EQ(study::micro_f1(given), 1.0);
}

TEST(multi_label_metrics, refuse_what_they_could_only_guess) {
  const std::vector<float> values{0.1F, 0.2F};
  const std::vector<float> cuts{0.5F, 0.5F};
  const std::vector<std::uint8_t> sets{0, 1};
  const std::vector<int> ids{1};
  EXPECT_THROW((void)study::answers({values, {}, 2, cuts, sets}), error);
  EXPECT_THROW((void)study::area_under_roc_of_agreement({values, {}, 2, cuts, sets}, ids), error);
  EXPECT_THROW((void)study::accuracy({values, ids, 2, cuts, {}}), error);
  EXPECT_THROW((void)study::accuracy({values, {}, 2, std::span(cuts).first(1), sets}), error);
  EXPECT_THROW((void)study::accuracy({values, {}, 2}), error);
  EXPECT_THROW((void)study::accuracy({{}, {}, 2, cuts, {}}), error);
}

TEST(multi_label_temperature, minimises_the_binary_cross_entropy_as_pytorch_has_it) {
  for (const json& golden : goldens()) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    const study::calibration found = study::calibrate(logits_of(golden), exit_policy::full_depth());
    const json& expected = golden["fit"];
    EXPECT_NEAR(found.exits[0].temperature, expected["temperature"], 1e-4);
    EXPECT_NEAR(found.exits[0].before.nll, expected["nll_before"], 1e-9);
    EXPECT_NEAR(found.exits[0].after.nll, expected["nll_after"], 1e-7);
    EXPECT_DOUBLE_EQ(found.exits[0].before.accuracy, golden["metrics"]["accuracy"]);
    if (golden["cuts"] == json(std::vector<float>(golden["cuts"].size(), 0.5F))) {
      EXPECT_DOUBLE_EQ(found.exits[0].after.accuracy, golden["metrics"]["accuracy"]) << "no temperature moves 0.5";
    }
  }
}

/// Three exits of which the deeper is the more often right; logits are multiples of a quarter, so that many tie.
study::exit_logits random_logits(std::size_t texts, std::uint32_t seed) {
  constexpr std::size_t labels = 3;
  std::mt19937 bits(seed);
  const auto uniform = [&] { return static_cast<float>(bits() >> 8U) / 0x1p24F; };
  study::exit_logits logits{.num_texts = texts,
                            .num_labels = labels,
                            .exits = {{2, 1.25F}, {4, 0.75F}, {6, 1.5F}},
                            .label_ids = {},
                            .tokens = std::vector<int>(texts, 7),
                            .values = {},
                            .cuts = {0.5F, 0.4F, 0.6F},
                            .label_sets = {}};
  for (std::size_t i = 0; i < texts * labels; ++i) {
    logits.label_sets.push_back(uniform() < 0.4F ? 1 : 0);
  }
  for (std::size_t exit = 0; exit < 3; ++exit) {
    for (std::size_t i = 0; i < texts * labels; ++i) {
      const float pull = static_cast<float>(exit + 1) * (logits.label_sets[i] != 0 ? 1.0F : -1.0F);
      logits.values.push_back(std::round(4.0F * (pull + 4.0F * (uniform() - 0.5F))) / 4.0F);
    }
  }
  return logits;
}

/// The labels that an exit gives to a text, the short way.
std::vector<bool> given_by(const study::exit_logits& logits, std::size_t exit, std::size_t text) {
  std::vector<bool> given;
  for (std::size_t label = 0; label < logits.num_labels; ++label) {
    const double z = static_cast<double>(logits.at(exit, text)[label]);
    given.push_back(static_cast<float>(1 / (1 + std::exp(-z / static_cast<double>(logits.exits[exit].temperature)))) >
                    logits.cuts[label]);
  }
  return given;
}

std::vector<bool> right_for(const study::exit_logits& logits, std::size_t text) {
  std::vector<bool> right;
  for (std::size_t label = 0; label < logits.num_labels; ++label) {
    right.push_back(logits.label_sets[text * logits.num_labels + label] != 0);
  }
  return right;
}

std::vector<exit_policy> policies() {
  return {0.0F,
          0.6F,
          0.75F,
          0.9F,
          exit_policy::full_depth(),
          exit_policy::declining(0.9F, 0.1F),
          exit_policy::per_exit({0.9F, 0.7F, 0.5F}),
          exit_policy::patience(1)};
}

TEST(multi_label_replay, judges_whole_answers) {
  const study::exit_logits logits = random_logits(200, 1);
  const study::replay texts(logits);
  std::size_t right = 0;
  std::size_t agreeing = 0;
  for (std::size_t exit = 0; exit < 3; ++exit) {
    for (std::size_t text = 0; text < 200; ++text) {
      const std::vector<bool> given = given_by(logits, exit, text);
      EXPECT_EQ(texts.is_right(exit, text), given == right_for(logits, text));
      EXPECT_EQ(texts.agrees(exit, text), given == given_by(logits, 2, text));
      right += texts.is_right(exit, text) ? 1U : 0U;
      agreeing += texts.agrees(exit, text) ? 1U : 0U;
      for (std::size_t label = 0; label < 3; ++label) {
        EXPECT_EQ(texts.gives(exit, text, label), given[label]);
      }
    }
  }
  EXPECT_GT(right, 100U);
  EXPECT_LT(right, 500U);
  EXPECT_LT(agreeing, 550U);
}

TEST(multi_label_replay, refuses_rules_that_need_exclusive_labels) {
  const study::replay texts(random_logits(5, 2));
  EXPECT_THROW((void)texts.decide(exit_policy::margin(0.5F)), error);
  EXPECT_THROW((void)texts.decide(exit_policy::entropy(0.5F)), error);
  EXPECT_THROW((void)texts.decide(exit_policy::per_class(std::vector(3, std::vector(3, 0.5F)))), error);
  EXPECT_THROW((void)study::per_label_shape(texts, certified_loss::disagreement, 0.1), error);
  EXPECT_THROW((void)study::compute_curve(random_logits(5, 2), {exit_policy::rule::margin}), error);
  EXPECT_THROW((void)study::compute_curve(random_logits(5, 2), {exit_policy::rule::patience_entropy}), error);
}

TEST(multi_label_evaluation, counts_what_counting_gives) {
  const study::exit_logits logits = random_logits(300, 3);
  const study::replay texts(logits);
  const std::vector<std::string> names{"a", "b", "c"};
  for (const exit_policy& policy : policies()) {
    const study::evaluation found = study::evaluate(logits, names, policy);
    const std::vector<study::exit_answer> answers = texts.decide(policy);
    std::size_t correct = 0;
    std::size_t differing = 0;
    std::size_t lost = 0;
    std::size_t gained = 0;
    double both = 0;
    double either = 0;
    std::vector<double> both_of(3);
    std::vector<double> either_of(3);
    for (std::size_t text = 0; text < answers.size(); ++text) {
      const std::vector<bool> given = given_by(logits, answers[text].exit, text);
      const std::vector<bool> full = given_by(logits, 2, text);
      const std::vector<bool> right = right_for(logits, text);
      correct += given == right ? 1U : 0U;
      differing += given == full ? 0U : 1U;
      lost += given != right && full == right ? 1U : 0U;
      gained += given == right && full != right ? 1U : 0U;
      for (std::size_t label = 0; label < 3; ++label) {
        const double mentions = (given[label] ? 1.0 : 0.0) + (right[label] ? 1.0 : 0.0);
        both_of[label] += given[label] && right[label] ? 1.0 : 0.0;
        either_of[label] += mentions;
      }
    }
    double macro = 0;
    for (std::size_t label = 0; label < 3; ++label) {
      both += both_of[label];
      either += either_of[label];
      macro += 2 * both_of[label] / either_of[label] / 3;
      EXPECT_EQ(static_cast<double>(found.by_label[label].correct), both_of[label]);
    }
    EXPECT_EQ(found.early.correct, correct);
    EXPECT_EQ(found.early.disagreeing, differing);
    EXPECT_EQ(found.early.lost, lost);
    EXPECT_EQ(found.early.gained, gained);
    EXPECT_NEAR(found.early.macro_f1, macro, 1e-12);
    EXPECT_NEAR(found.early.micro_f1, 2 * both / either, 1e-12);
    EXPECT_DOUBLE_EQ(found.loss->estimate, (static_cast<double>(lost) - static_cast<double>(gained)) / 300);
    EXPECT_TRUE(found.confusion.empty());
  }
}

TEST(multi_label_curve, has_at_each_threshold_what_the_policy_gives) {
  const study::exit_logits logits = random_logits(150, 4);
  const study::replay texts(logits);
  for (const auto kind : {exit_policy::rule::confidence, exit_policy::rule::patience, exit_policy::rule::declining}) {
    const study::sweep_rule rule{kind, 1, kind == exit_policy::rule::declining ? 0.05F : 0.0F};
    const study::curve found = study::compute_curve(logits, rule);
    EXPECT_GT(found.points.size(), 1U);
    for (const study::operating_point& point : found.points) {
      const float threshold = point.thresholds->shortest;
      study::operating_point expected = study::summarise(logits, texts.decide(study::policy_at(rule, threshold)));
      expected.thresholds = point.thresholds;
      EXPECT_EQ(point, expected) << threshold;
    }
  }
}

TEST(multi_label_certificate, counts_a_loss_where_any_label_differs) {
  const study::exit_logits logits = random_logits(400, 5);
  const study::replay texts(logits);
  const std::vector<study::exit_answer> answers = texts.decide(0.0F);
  for (const auto loss : {certified_loss::disagreement, certified_loss::accuracy_drop, certified_loss::error}) {
    const std::vector<std::uint8_t> losses = study::losses_of(texts, answers, loss);
    std::size_t sum = 0;
    for (std::size_t text = 0; text < answers.size(); ++text) {
      const std::vector<bool> given = given_by(logits, answers[text].exit, text);
      const std::vector<bool> full = given_by(logits, 2, text);
      const std::vector<bool> right = right_for(logits, text);
      const bool is_lost = loss == certified_loss::disagreement ? given != full
                           : loss == certified_loss::error      ? given != right
                                                                : given != right && full == right;
      EXPECT_EQ(losses[text] != 0, is_lost);
      sum += losses[text];
    }
    EXPECT_GT(sum, 0U);
  }
  const study::certification promise =
      study::certify(texts, study::threshold_path(), certified_loss::disagreement, 0.2, 0.05);
  ASSERT_TRUE(promise.certified.has_value());
  EXPECT_LT(promise.certified->policy.threshold(), 1.0F);
  const study::certification every =
      study::certify_every_exit(study::replay(random_logits(400, 6)), texts, certified_loss::disagreement, 0.2, 0.05);
  ASSERT_TRUE(every.certified.has_value());
}

}  // namespace study_multi_label_test
