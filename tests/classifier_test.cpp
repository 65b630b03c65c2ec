// SPDX-License-Identifier: Apache-2.0
// The public interface on the bundled model; compiled once against each target.
#include <offramp/offramp.hpp>

#include "bundled_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

namespace classifier_test {

using bundled_model::kind_of_error;
using bundled_model::model;
using bundled_model::policies;
using bundled_model::texts;
using offramp::classifier;
using offramp::encoding;
using offramp::error_kind;
using offramp::exit_policy;
using offramp::prediction;
using offramp::stop_reason;

TEST(classify, says_what_the_readme_says) {
  const prediction p = model().classify("A delight from start to finish.", 0.9F);
  EXPECT_EQ(p.label, "positive");
  EXPECT_EQ(p.label, model().labels()[static_cast<std::size_t>(p.label_id)]);
  EXPECT_LT(p.layer, model().num_layers());
  EXPECT_EQ(p.stopped, stop_reason::confident);
}

TEST(classify, is_consistent_with_itself) {
  for (const std::string& text : texts()) {
    for (const exit_policy& policy : policies()) {
      const prediction p = model().classify(text, policy);
      ASSERT_EQ(p.probabilities.size(), model().labels().size());
      EXPECT_EQ(p.confidence, p.probabilities[static_cast<std::size_t>(p.label_id)]);
      EXPECT_EQ(p.confidence, *std::max_element(p.probabilities.begin(), p.probabilities.end()));
      EXPECT_NEAR(std::accumulate(p.probabilities.begin(), p.probabilities.end(), 0.0), 1.0, 1e-6);
      EXPECT_EQ(static_cast<std::size_t>(p.tokens), model().tokenize(text).ids.size());
    }
  }
}

TEST(classify, equals_the_report_of_the_exit_that_answered) {
  for (const std::string& text : texts()) {
    const auto exits = model().classify_every_exit(text);
    ASSERT_EQ(exits.size(), model().exits().size());
    for (const exit_policy& policy : policies()) {
      prediction p = model().classify(text, policy);
      const auto exit = std::find_if(exits.begin(), exits.end(),
                                     [&](const auto& candidate) { return candidate.answer.layer == p.layer; });
      ASSERT_NE(exit, exits.end());
      p.stopped = exit->answer.stopped;
      EXPECT_EQ(p, exit->answer);
    }
    for (const auto& exit : exits) {
      EXPECT_EQ(model().classify(text, exit_policy::full_depth().with_max_layer(exit.answer.layer)), exit.answer);
    }
  }
}

TEST(classify, leaves_at_the_first_exit_that_reaches_the_threshold) {
  for (const std::string& text : texts()) {
    const auto exits = model().classify_every_exit(text);
    for (int percent = 50; percent <= 100; percent += 5) {
      const float threshold = static_cast<float>(percent) / 100.0F;
      const auto first = std::find_if(exits.begin(), exits.end() - 1,
                                      [&](const auto& exit) { return exit.answer.confidence >= threshold; });
      EXPECT_EQ(model().classify(text, threshold).layer, first->answer.layer);
    }
  }
}

TEST(classify, goes_no_less_deep_for_a_higher_threshold) {
  for (const std::string& text : texts()) {
    int layer = 0;
    for (int percent = 0; percent <= 100; percent += 5) {
      const int deeper = model().classify(text, static_cast<float>(percent) / 100.0F).layer;
      EXPECT_GE(deeper, layer);
      layer = deeper;
    }
  }
}

TEST(classify, takes_every_kind_of_text) {
  const std::string text = "A fine film.";
  const prediction expected = model().classify(text, 0.9F);
  EXPECT_EQ(model().classify("A fine film.", 0.9F), expected);
  EXPECT_EQ(model().classify(std::string_view(text), 0.9F), expected);
  EXPECT_EQ(model().classify(model().tokenize(text), 0.9F), expected);
  EXPECT_EQ(model().classify(text), model().classify(text, model().default_policy()));
}

TEST(classifier, checks_a_policy_as_classify_does) {
  EXPECT_NO_THROW(model().check(model().default_policy()));
  for (const exit_policy& wrong :
       {exit_policy::learned(0.5F), exit_policy::per_exit({0.5F}), exit_policy(0.5F).with_max_layer(-1)}) {
    EXPECT_THROW(model().check(wrong), offramp::error);
    EXPECT_THROW((void)model().classify("a film", wrong), offramp::error);
  }
}

TEST(classify, stops_late_texts_after_their_first_exit) {
  const auto past = std::chrono::steady_clock::now() - std::chrono::hours(1);
  for (const prediction& p : model().classify_batch(texts(), exit_policy::full_depth().with_deadline(past))) {
    EXPECT_EQ(p.layer, model().exits().front().layer);
    EXPECT_EQ(p.stopped, stop_reason::deadline);
  }
}

TEST(classify, says_why_it_stopped) {
  EXPECT_EQ(model().classify("bad", 0.0F).stopped, stop_reason::confident);
  EXPECT_EQ(model().classify("bad", exit_policy::full_depth()).stopped, stop_reason::last_exit);
  EXPECT_EQ(model().classify("bad", exit_policy::full_depth().with_max_layer(3)).stopped, stop_reason::layer_limit);
  EXPECT_EQ(model().classify("bad", exit_policy::full_depth().with_max_layer(99)).stopped, stop_reason::last_exit);
}

TEST(classify, refuses_policies_that_do_not_fit) {
  EXPECT_EQ(kind_of_error([] { return model().classify("a", std::numeric_limits<float>::quiet_NaN()); }),
            error_kind::invalid_argument);
  EXPECT_EQ(kind_of_error([] { return model().classify("a", exit_policy::per_exit({0.5F})); }),
            error_kind::invalid_argument);
  EXPECT_EQ(kind_of_error([] { return model().classify("a", exit_policy(0.5F).with_max_layer(-1)); }),
            error_kind::invalid_argument);
}

TEST(classify, refuses_token_ids_that_do_not_exist) {
  const auto refuses = [](const encoding& tokens) {
    return kind_of_error([&] { return model().classify(tokens, 0.9F); }) == error_kind::invalid_argument;
  };
  EXPECT_TRUE(refuses({}));
  EXPECT_TRUE(refuses({.ids = {101, -1, 102}, .type_ids = {}}));
  EXPECT_TRUE(refuses({.ids = {101, 1 << 30, 102}, .type_ids = {}}));
  EXPECT_TRUE(refuses({.ids = {101, 102}, .type_ids = {0}}));
  EXPECT_TRUE(refuses({.ids = {101, 102}, .type_ids = {0, 7}}));
  EXPECT_TRUE(refuses({.ids = std::vector<std::int32_t>(100'000, 101), .type_ids = {}}));
}

TEST(classify, cuts_ten_megabytes_and_says_so) {
  std::string text;
  while (text.size() < 10'000'000) {
    text += "a fine film and ";
  }
  const prediction p = model().classify(text, 0.0F);
  EXPECT_TRUE(p.truncated);
  EXPECT_EQ(p.tokens, model().max_tokens());
  EXPECT_FALSE(model().classify("short", 0.0F).truncated);
}

TEST(load, can_leave_exits_out) {
  const auto some = classifier::load(OFFRAMP_SOURCE_DIR "/models/sentiment-en", {.exits = {2, 4}, .max_tokens = {}});
  ASSERT_EQ(some.exits().size(), 2U);
  EXPECT_EQ(some.num_layers(), 6);
  const prediction p = some.classify(texts()[5], exit_policy::full_depth());
  EXPECT_EQ(p.layer, 4);
  EXPECT_EQ(p.stopped, stop_reason::last_exit);
  EXPECT_EQ(p.probabilities, model().classify_every_exit(texts()[5])[4].answer.probabilities);
}

TEST(load, refuses_what_it_cannot_do) {
  const std::string directory = OFFRAMP_SOURCE_DIR "/models/sentiment-en";
  EXPECT_EQ(kind_of_error([] { return classifier::load("/nonexistent/model"); }), error_kind::io);
  EXPECT_EQ(kind_of_error([&] { return classifier::load(directory, {.exits = {9}, .max_tokens = {}}); }),
            error_kind::invalid_argument);
  EXPECT_EQ(kind_of_error([&] { return classifier::load(directory, {.exits = {}, .max_tokens = 1}); }),
            error_kind::invalid_argument);
#if defined(OFFRAMP_HEADER_ONLY)
  EXPECT_EQ(kind_of_error([&] {
              return classifier::load(directory,
                                      {.format = offramp::numeric_format::int8, .exits = {}, .max_tokens = {}});
            }),
            error_kind::unsupported);
#endif
}

TEST(golden_texts, are_reproduced) {
  ASSERT_FALSE(model().golden_texts().empty());
  for (const auto& golden : model().golden_texts()) {
    const auto exits = model().classify_every_exit(golden.first);
    ASSERT_EQ(exits.size(), golden.logits.size());
    for (std::size_t exit = 0; exit < exits.size(); ++exit) {
      for (std::size_t label = 0; label < exits[exit].logits.size(); ++label) {
        EXPECT_NEAR(exits[exit].logits[label], golden.logits[exit][label], 1e-4F) << golden.first;
      }
    }
  }
}

static_assert(!std::is_default_constructible_v<classifier>);
static_assert(std::is_copy_constructible_v<classifier> && std::is_copy_assignable_v<classifier>);

TEST(handle, is_never_empty) {
  classifier first = model();
  const classifier second = std::move(first);
  EXPECT_EQ(first.num_layers(), second.num_layers());  // NOLINT: moving copies, that is the point
  first = second;
  EXPECT_EQ(first.labels(), second.labels());
}

}  // namespace classifier_test
