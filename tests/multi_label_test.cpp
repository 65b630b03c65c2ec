// SPDX-License-Identifier: Apache-2.0
// Models that give any number of labels, and classifiers of one output (tests/generators/multi_label_models.py);
// compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "golden_texts.hpp"
#include "hostile.hpp"
#include "model_damage.hpp"
#include "ngram_model.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace multi_label_test {

using nlohmann::json;
using offramp::classifier;
using offramp::drift_audit;
using offramp::error_kind;
using offramp::exit_output;
using offramp::exit_policy;
using offramp::golden_text;
using offramp::prediction;
using offramp_tests::every_exit;
using offramp_tests::expect_damage_found;
using offramp_tests::expect_invalid_argument;
using offramp_tests::expect_logits;
using offramp_tests::model_in_memory;
using offramp_tests::patch;
using offramp_tests::read_file;
using offramp_tests::read_golden_texts;
using offramp_tests::texts;
using offramp_tests::tiny_directory;
using offramp_tests::with_ngrams;

constexpr auto bad = error_kind::bad_model;
constexpr auto unsupported = error_kind::unsupported;

/// What an answer must be, the short way.
void expect_consistent(const classifier& model, const prediction& answer) {
  std::vector<int> given;
  std::string names;
  float least = 1.0F;
  for (std::size_t label = 0; label < answer.probabilities.size(); ++label) {
    const float p = answer.probabilities[label];
    least = std::min(least, std::max(p, 1.0F - p));
    if (p > model.cuts()[label]) {
      given.push_back(static_cast<int>(label));
      names += (names.empty() ? "" : ",") + model.labels()[label];
    }
  }
  EXPECT_EQ(answer.label_ids, given);
  EXPECT_EQ(answer.label, names);
  EXPECT_EQ(answer.confidence, least);
  EXPECT_EQ(answer.label_id < 0, given.empty());
  for (const int label : given) {
    EXPECT_GE(answer.probabilities[static_cast<std::size_t>(answer.label_id)],
              answer.probabilities[static_cast<std::size_t>(label)]);
  }
}

TEST(multi_label, agrees_with_transformers) {
  const classifier model = classifier::load(tiny_directory("multi-label"));
  EXPECT_EQ(model.labels(), (std::vector<std::string>{"toxic", "insult", "threat", "obscene"}));
  EXPECT_EQ(model.cuts(), (std::vector<float>{0.5F, 0.5F, 0.5F, 0.5F}));
  const auto golden = json::parse(read_file(tiny_directory("multi-label") / "golden.json")).at("golden");
  std::size_t row = 0;
  std::size_t sizes = 0;
  for (const golden_text& text : read_golden_texts("multi-label")) {
    const std::vector<exit_output> exits = every_exit(model, text);
    expect_logits(exits, text, 1e-4F);
    const prediction answer = model.classify(text.first);
    EXPECT_EQ(answer, exits.back().answer);
    expect_consistent(model, answer);
    const auto scores = golden.at(row++).at("scores").get<std::vector<float>>();
    ASSERT_EQ(answer.probabilities.size(), scores.size());
    for (std::size_t label = 0; label < scores.size(); ++label) {
      EXPECT_NEAR(answer.probabilities[label], scores[label], 2e-5F) << text.first;
    }
    sizes |= std::size_t{1} << answer.label_ids.size();
  }
  EXPECT_GT(sizes, 2U) << "some texts have several labels";
}

TEST(multi_label, agrees_with_pytorch_at_every_exit) {
  const classifier model = classifier::load(tiny_directory("multi-label-exits"));
  EXPECT_EQ(model.cuts(), (std::vector<float>{0.5F, 0.25F, 0.5F, 0.75F}));
  ASSERT_GE(model.golden_texts().size(), 5U);
  for (const golden_text& golden : model.golden_texts()) {
    const std::vector<exit_output> exits = every_exit(model, golden);
    expect_logits(exits, golden, 1e-4F);
    for (std::size_t j = 0; j < exits.size(); ++j) {
      expect_consistent(model, exits[j].answer);
      for (std::size_t label = 0; label < model.labels().size(); ++label) {
        const double z =
            static_cast<double>(golden.logits[j][label]) / static_cast<double>(model.exits()[j].temperature);
        EXPECT_NEAR(exits[j].answer.probabilities[label], 1.0 / (1.0 + std::exp(-z)), 1e-4);
      }
    }
  }
}

std::vector<exit_policy> policies(const classifier& model) {
  std::vector<exit_policy> all = {0.0F,
                                  exit_policy::full_depth(),
                                  exit_policy::patience(1),
                                  exit_policy::patience(2),
                                  exit_policy::declining(0.8F, 0.05F),
                                  exit_policy::full_depth().with_max_layer(2)};
  for (const float threshold : {0.5F, 0.55F, 0.6F, 0.65F, 0.7F, 0.8F, 0.9F}) {
    all.emplace_back(threshold);
  }
  all.push_back(exit_policy::per_exit(std::vector<float>(model.exits().size(), 0.6F)));
  return all;
}

/// The exit, from 0, at which a text leaves by a rule, the short way.
std::size_t leaves_at(const std::vector<exit_output>& exits, const exit_policy& policy) {
  int streak = 0;
  for (std::size_t exit = 0; exit + 1 < exits.size(); ++exit) {
    const prediction& answer = exits[exit].answer;
    streak = exit > 0 && answer.label_ids == exits[exit - 1].answer.label_ids ? streak + 1 : 0;
    const bool is_satisfied = policy.rule_kind() == exit_policy::rule::patience ? policy.patience_count() == streak
                              : policy.rule_kind() == exit_policy::rule::per_exit
                                  ? answer.confidence >= policy.thresholds()[0][exit]
                                  : static_cast<double>(answer.confidence) >=
                                        static_cast<double>(policy.threshold()) -
                                            static_cast<double>(policy.decline()) * static_cast<double>(exit);
    if (is_satisfied || (policy.max_layer() && exits[exit + 1].answer.layer > *policy.max_layer())) {
      return exit;
    }
  }
  return exits.size() - 1;
}

void expect_early_exits(const classifier& model) {
  std::size_t early = 0;
  std::size_t late = 0;
  for (const exit_policy& policy : policies(model)) {
    const std::vector<prediction> together = model.classify_batch(texts(), policy);
    for (std::size_t i = 0; i < texts().size(); ++i) {
      const prediction alone = model.classify(texts()[i], policy);
      EXPECT_EQ(together[i], alone);
      const std::vector<exit_output> exits = model.classify_every_exit(texts()[i]);
      prediction expected = exits[leaves_at(exits, policy)].answer;
      expected.stopped = alone.stopped;
      EXPECT_EQ(alone, expected) << texts()[i];
      (alone.layer == model.exits().back().layer ? late : early) += 1;
    }
  }
  EXPECT_GT(early, 10U);
  EXPECT_GT(late, 10U);
}

TEST(multi_label, leaves_where_every_label_is_decided_and_answers_as_that_exit) {
  expect_early_exits(classifier::load(tiny_directory("multi-label-exits")));
}

TEST(multi_label, may_leave_before_the_encoder) {
  const classifier model = with_ngrams("multi-label-exits").load();
  ASSERT_EQ(model.exits().front().layer, 0);
  EXPECT_EQ(model.classify("a good film", 0.0F).layer, 0);
  expect_early_exits(model);
}

TEST(multi_label, uses_the_memory_of_predictions_again) {
  const classifier model = classifier::load(tiny_directory("multi-label-exits"));
  std::vector<prediction> results(texts().size());
  for (auto& result : results) {
    result.label_ids = {7, 8, 9};
  }
  model.classify_batch_into(texts(), results, 0.6F);
  EXPECT_EQ(results, model.classify_batch(texts(), 0.6F));
}

TEST(multi_label, audits_count_texts_of_which_any_label_differs) {
  const classifier model = classifier::load(tiny_directory("multi-label-exits"));
  const drift_audit audit(1.0, 1);
  (void)model.classify_batch(texts(), exit_policy(0.0F).audited_by(audit));
  std::int64_t differing = 0;
  for (const std::string& text : texts()) {
    const std::vector<exit_output> exits = model.classify_every_exit(text);
    differing += exits.front().answer.label_ids == exits.back().answer.label_ids ? 0 : 1;
  }
  EXPECT_GT(differing, 0);
  EXPECT_EQ(audit.counts().disagreements, differing);
  EXPECT_EQ(audit.counts().audited, static_cast<std::int64_t>(texts().size()));
}

TEST(multi_label, refuses_rules_that_weigh_labels_against_each_other) {
  const classifier model = classifier::load(tiny_directory("multi-label-exits"));
  const auto refused = [&](const exit_policy& policy, const std::string& name) {
    expect_invalid_argument([&] { return model.classify("a film", policy); }, "the rule is " + name);
    expect_invalid_argument([&] { return model.classify_batch(texts(), policy); }, "multi-label");
  };
  refused(exit_policy::entropy(0.5F), "entropy");
  refused(exit_policy::normalized_entropy(0.5F), "normalized_entropy");
  refused(exit_policy::margin(0.5F), "margin");
  refused(exit_policy::patience_entropy(0.5F, 1), "patience_entropy");
  refused(exit_policy::per_class(std::vector(3, std::vector(4, 0.5F))), "per_class");
}

TEST(multi_label, refuses_cuts_that_make_no_sense) {
  const auto exits = [](const char* change) { return patch("exits.json", change); };
  const auto refuse = [](const auto& harm, const std::vector<std::string>& parts) {
    expect_damage_found("multi-label-exits", harm, bad, parts);
  };
  refuse(exits(R"({"cuts": null})"), {"exits.json", "\"cuts\" is missing", "multi_label_classification"});
  refuse(exits(R"({"cuts": [0.5, 0.5, 0.5]})"), {"exits.json: cuts", "4"});
  refuse(exits(R"({"cuts": [0.5, 0.5, 0.5, 0.5, 0.5]})"), {"exits.json: cuts", "4"});
  refuse(exits(R"({"cuts": [0.5, 0.0, 0.5, 0.5]})"), {"exits.json: cuts[1]", "between 0 and 1"});
  refuse(exits(R"({"cuts": [0.5, 0.5, 1.0, 0.5]})"), {"exits.json: cuts[2]", "between 0 and 1"});
  refuse(exits(R"({"cuts": [0.5, 0.5, -0.1, 0.5]})"), {"exits.json: cuts[2]"});
  refuse(exits(R"({"cuts": [0.5, 0.5, 1e-50, 0.5]})"), {"exits.json: cuts[2]"});
  refuse(exits(R"({"cuts": [0.5, 0.5, "0.5", 0.5]})"), {"exits.json: cuts[2]"});
  refuse(exits(R"({"cuts": 0.5})"), {"exits.json: cuts"});
  refuse(exits(R"({"labels": ["toxic"], "cuts": [0.5]})"), {"exits.json: labels"});
  refuse(exits(R"({"default_policy": {"rule": "margin", "threshold": 0.5}})"), {"default_policy.rule", "multi-label"});
  refuse(patch("config.json", R"({"problem_type": "single_label_classification"})"), {"exits.json: cuts"});
  expect_damage_found("multi-label", patch("config.json", R"({"problem_type": "regression"})"), unsupported,
                      {"config.json: problem_type is \"regression\""});
  expect_damage_found("tiny", patch("exits.json", R"({"cuts": [0.5]})"), bad, {"exits.json: cuts"});
}

TEST(multi_label, is_what_exits_json_says_where_the_config_says_nothing) {
  model_in_memory model("multi-label-exits");
  patch("config.json", R"({"problem_type": null})")(model);
  EXPECT_EQ(model.load().classify("a good film"),
            classifier::load(tiny_directory("multi-label-exits")).classify("a good film"));
}

TEST(one_logit, is_a_classifier_of_two_labels) {
  const auto golden = json::parse(read_file(tiny_directory("one-logit") / "golden.json")).at("golden");
  for (const char* problem : {"single_label_classification", "multi_label_classification"}) {
    model_in_memory files("one-logit");
    patch("config.json", R"({"problem_type": ")" + std::string(problem) + "\"}")(files);
    const classifier model = files.load();
    EXPECT_EQ(model.labels(), (std::vector<std::string>{"not spam", "spam"}));
    EXPECT_TRUE(model.cuts().empty());
    for (const auto& text : golden) {
      const exit_output said = model.classify_every_exit(text.at("text").get<std::string>()).back();
      EXPECT_EQ(said.logits[0], 0.0F);
      EXPECT_NEAR(said.logits[1], text.at("logits").at(0).at(0).get<float>(), 1e-4F);
      EXPECT_NEAR(said.answer.probabilities[1], text.at("scores").at(0).get<float>(), 2e-5F);
      EXPECT_EQ(said.answer.label, said.logits[1] > 0.0F ? "spam" : "not spam");
      EXPECT_TRUE(said.answer.label_ids.empty());
    }
  }
}

TEST(one_logit, is_a_regression_where_nobody_says_otherwise) {
  expect_damage_found("one-logit", patch("config.json", R"({"problem_type": null})"), unsupported,
                      {"num_labels is 1, expected at least 2", "problem_type"});
  expect_damage_found("one-logit", patch("config.json", R"({"problem_type": "regression"})"), unsupported,
                      {"problem_type is \"regression\""});
}

}  // namespace multi_label_test
