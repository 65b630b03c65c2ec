// SPDX-License-Identifier: Apache-2.0
// Every rule through the whole library: the exit that answers is the one at which the rule, written down here once
// more, lets go. The gate's own tests have the hand-computed cases.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace policy_test {

using offramp::classifier;
using offramp::error;
using offramp::error_kind;
using offramp::exit_output;
using offramp::exit_policy;
using offramp::prediction;
using offramp::stop_reason;
using exits = std::vector<exit_output>;

const classifier& model_named(const std::string& name) {
  static std::vector<std::pair<std::string, classifier>> loaded;
  for (const auto& [known, model] : loaded) {
    if (known == name) {
      return model;
    }
  }
  loaded.reserve(16);
  return loaded.emplace_back(name, classifier::load(OFFRAMP_TEST_DATA "/models/" + name)).second;
}

const std::vector<std::string> texts = {
    "A good film.", "",          "The plot is dull, and the actor is not warm!", "never", "dogs sleeping", "x y z",
    "a man runs",   "the story", "warm warm warm warm warm warm warm warm",      "bad",   "not bad",       "\xff"};

double entropy_of(const prediction& p) {
  double sum = 0.0;
  for (const float probability : p.probabilities) {
    if (probability > 0.0F) {
      sum -= static_cast<double>(probability) * std::log(static_cast<double>(probability));
    }
  }
  return sum;
}

double normalized_entropy_of(const prediction& p) {
  return entropy_of(p) / std::log(static_cast<double>(p.probabilities.size()));
}

double margin_of(const prediction& p) {
  std::vector<float> sorted = p.probabilities;
  std::sort(sorted.rbegin(), sorted.rend());
  return static_cast<double>(sorted[0]) - static_cast<double>(sorted[1]);
}

/// How many exits in a row, up to and with number `exit`, satisfy `holds`.
int streak(std::size_t exit, const std::function<bool(std::size_t)>& holds) {
  int length = 0;
  for (std::size_t i = exit + 1; i > 0 && holds(i - 1); --i) {
    ++length;
  }
  return length;
}

/// A policy, and whether it lets a text go at exit number `exit` when asked there.
struct rule {
  const char* name;
  exit_policy policy;
  std::function<bool(const exits& seen, std::size_t exit)> lets_go;
};

std::vector<rule> rules(std::size_t num_exits, std::size_t num_labels) {
  std::vector<rule> all;
  for (const float t : {0.3F, 0.5F, 0.7F, 0.9F, 0.97F}) {
    const auto limit = static_cast<double>(t);
    all.push_back({"confidence", t, [=](const exits& seen, std::size_t e) { return seen[e].answer.confidence >= t; }});
    all.push_back({"entropy", exit_policy::entropy(t),
                   [=](const exits& seen, std::size_t e) { return entropy_of(seen[e].answer) < limit; }});
    all.push_back({"normalized entropy", exit_policy::normalized_entropy(t),
                   [=](const exits& seen, std::size_t e) { return normalized_entropy_of(seen[e].answer) <= limit; }});
    all.push_back({"margin", exit_policy::margin(t),
                   [=](const exits& seen, std::size_t e) { return margin_of(seen[e].answer) >= limit; }});
    for (const int count : {1, 2}) {
      all.push_back(
          {"patience entropy", exit_policy::patience_entropy(t, count), [=](const exits& seen, std::size_t e) {
             return streak(e, [&](std::size_t i) { return normalized_entropy_of(seen[i].answer) < limit; }) == count;
           }});
    }
    std::vector<float> by_exit(num_exits);
    std::vector<std::vector<float>> by_class(num_exits, std::vector<float>(num_labels));
    for (std::size_t e = 0; e < num_exits; ++e) {
      by_exit[e] = t + 0.05F * static_cast<float>(e);
      for (std::size_t label = 0; label < num_labels; ++label) {
        by_class[e][label] = by_exit[e] - 0.1F * static_cast<float>(label);
      }
    }
    all.push_back({"declining", exit_policy::declining(t, 0.0625F), [=](const exits& seen, std::size_t e) {
                     return static_cast<double>(seen[e].answer.confidence) >= limit - 0.0625 * static_cast<double>(e);
                   }});
    all.push_back({"per exit", exit_policy::per_exit(by_exit),
                   [=](const exits& seen, std::size_t e) { return seen[e].answer.confidence >= by_exit[e]; }});
    all.push_back({"per class", exit_policy::per_class(by_class), [=](const exits& seen, std::size_t e) {
                     return seen[e].answer.confidence >= by_class[e][static_cast<std::size_t>(seen[e].answer.label_id)];
                   }});
  }
  for (const int count : {0, 1, 2, 3}) {
    all.push_back({"patience", exit_policy::patience(count), [=](const exits& seen, std::size_t e) {
                     const int same =
                         streak(e, [&](std::size_t i) { return seen[i].answer.label_id == seen[e].answer.label_id; });
                     return count > 0 && same == count + 1;
                   }});
  }
  return all;
}

prediction expected_answer(const rule& rule, const exits& seen) {
  for (std::size_t exit = 0; exit + 1 < seen.size(); ++exit) {
    if (rule.lets_go(seen, exit)) {
      prediction answer = seen[exit].answer;
      answer.stopped = stop_reason::confident;
      return answer;
    }
  }
  return seen.back().answer;
}

class policies : public testing::TestWithParam<const char*> {};

TEST_P(policies, answer_at_the_exit_where_the_rule_lets_go) {
  const classifier& model = model_named(GetParam());
  std::vector<int> answers(static_cast<std::size_t>(model.num_layers()) + 1);
  for (const rule& rule : rules(model.exits().size(), model.labels().size())) {
    std::vector<prediction> expected;
    for (const std::string& text : texts) {
      expected.push_back(expected_answer(rule, model.classify_every_exit(text)));
      EXPECT_EQ(model.classify(text, rule.policy), expected.back()) << rule.name << ": " << text;
      ++answers[static_cast<std::size_t>(expected.back().layer)];
    }
    EXPECT_EQ(model.classify_batch(texts, rule.policy), expected) << rule.name;
  }
  for (const offramp::exit_info& exit : model.exits()) {
    EXPECT_GT(answers[static_cast<std::size_t>(exit.layer)], 0) << "no case stops at layer " << exit.layer;
  }
}

TEST_P(policies, above_one_run_every_layer_and_the_last_exit_answers) {
  const classifier& model = model_named(GetParam());
  for (const std::string& text : texts) {
    const prediction last = model.classify_every_exit(text).back().answer;
    EXPECT_EQ(last.layer, model.exits().back().layer);
    EXPECT_EQ(last.stopped, stop_reason::last_exit);
    for (const exit_policy& policy :
         {exit_policy::declining(1.0001F, 0.0F), exit_policy::full_depth(), exit_policy::patience(0),
          exit_policy::entropy(-1.0F), exit_policy::margin(1.5F)}) {
      EXPECT_EQ(model.classify(text, policy), last);
    }
  }
}

TEST_P(policies, at_zero_or_less_stop_at_the_first_exit) {
  const classifier& model = model_named(GetParam());
  for (const float threshold : {0.0F, -0.0F, -1.0F, -std::numeric_limits<float>::infinity()}) {
    for (const prediction& p : model.classify_batch(texts, threshold)) {
      EXPECT_EQ(p.layer, model.exits().front().layer);
    }
  }
}

TEST_P(policies, with_a_layer_limit_stop_at_the_last_exit_at_or_below_it) {
  const classifier& model = model_named(GetParam());
  for (int limit = model.exits().front().layer; limit <= model.num_layers() + 1; ++limit) {
    for (const std::string& text : texts) {
      const exits seen = model.classify_every_exit(text);
      const auto above =
          std::find_if(seen.begin(), seen.end(), [&](const auto& exit) { return exit.answer.layer > limit; });
      EXPECT_EQ(model.classify(text, exit_policy::full_depth().with_max_layer(limit)), std::prev(above)->answer);
    }
  }
}

TEST_P(policies, with_a_past_deadline_reach_the_first_exit) {
  const classifier& model = model_named(GetParam());
  for (const auto deadline :
       {exit_policy::time_point::min(), exit_policy::time_point(), std::chrono::steady_clock::now()}) {
    for (const prediction& p : model.classify_batch(texts, exit_policy::full_depth().with_deadline(deadline))) {
      EXPECT_EQ(p.layer, model.exits().front().layer);
      EXPECT_EQ(p.stopped, model.exits().size() == 1 ? stop_reason::last_exit : stop_reason::deadline);
    }
  }
}

TEST_P(policies, with_a_far_deadline_are_as_without) {
  const classifier& model = model_named(GetParam());
  for (const auto deadline :
       {exit_policy::time_point::max(), std::chrono::steady_clock::now() + std::chrono::hours(1000)}) {
    for (const exit_policy& policy : {exit_policy(0.7F), exit_policy::full_depth(), exit_policy::patience(1)}) {
      EXPECT_EQ(model.classify_batch(texts, policy.with_deadline(deadline)), model.classify_batch(texts, policy));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(all, policies, testing::Values("tiny", "tiny-mix", "tiny-i8"), [](const auto& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

void expect_refused(const classifier& model, const std::function<exit_policy()>& make) {
  const std::vector<std::string> batch = {"a", "b"};
  for (const auto& use : std::vector<std::function<void()>>{
           [&] { static_cast<void>(model.classify("a", make())); },
           [&] { static_cast<void>(model.classify_batch(batch, make())); },
           [&] { static_cast<void>(model.classify_batch(std::vector<std::string>(), make())); }}) {
    try {
      use();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const error& problem) {
      EXPECT_EQ(problem.kind(), error_kind::invalid_argument) << problem.what();
    }
  }
}

TEST(policies, that_do_not_fit_are_refused) {
  const classifier& two_labels = model_named("tiny");      // exits on layers 1, 2, 3
  const classifier& late_exits = model_named("tiny-mix");  // exits on layers 2, 3, 4
  const float nan = std::numeric_limits<float>::quiet_NaN();
  expect_refused(two_labels, [&] { return exit_policy(nan); });
  expect_refused(two_labels, [&] { return exit_policy::margin(nan); });
  expect_refused(two_labels, [&] { return exit_policy::normalized_entropy(nan); });
  expect_refused(two_labels, [&] { return exit_policy::patience_entropy(nan, 1); });
  expect_refused(two_labels, [&] { return exit_policy::per_exit({0.5F, 0.5F, nan}); });
  expect_refused(two_labels, [&] { return exit_policy::per_exit({0.5F, 0.5F}); });
  expect_refused(two_labels, [&] { return exit_policy::per_exit({0.5F, 0.5F, 0.5F, 0.5F}); });
  expect_refused(two_labels, [&] { return exit_policy::per_exit({}); });
  expect_refused(two_labels, [&] { return exit_policy::per_class({}); });
  expect_refused(two_labels, [&] { return exit_policy::per_class({{1, 1}, {1, 1}}); });
  expect_refused(two_labels, [&] { return exit_policy::per_class({{1, 1}, {1, 1}, {1}}); });
  expect_refused(two_labels, [&] { return exit_policy::per_class({{1, 1}, {1, 1, 1}, {1, 1}}); });
  expect_refused(two_labels, [&] { return exit_policy::patience(-1); });
  expect_refused(two_labels, [&] { return exit_policy(0.5F).with_max_layer(0); });
  expect_refused(two_labels, [&] { return exit_policy(0.5F).with_max_layer(-1); });
  expect_refused(late_exits, [&] { return exit_policy(0.5F).with_max_layer(1); });
}

TEST(policies, see_only_the_exits_that_may_answer) {
  const auto model = classifier::load(OFFRAMP_TEST_DATA "/models/tiny-mix", {.exits = {4, 2}, .max_tokens = {}});
  ASSERT_EQ(model.exits().size(), 2U);
  EXPECT_EQ(model.exits().front().layer, 2);
  for (const std::string& text : texts) {
    const exits all = model_named("tiny-mix").classify_every_exit(text);
    const exits some = model.classify_every_exit(text);
    ASSERT_EQ(some.size(), 2U);
    EXPECT_EQ(some[0].logits, all[0].logits);
    EXPECT_EQ(some[1], all[2]);  // which has seen the logits of the exit in between
    EXPECT_EQ(model.classify(text, exit_policy::per_exit({2.0F, 2.0F})), all[2].answer);
  }
  expect_refused(model, [] { return exit_policy::per_exit({0.5F, 0.5F, 0.5F}); });
}

}  // namespace policy_test
