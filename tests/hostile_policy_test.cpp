// SPDX-License-Identifier: Apache-2.0
// Thresholds, limits and deadlines out of the ordinary: each gets a documented answer or a clear error. Compiled once
// against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "hostile.hpp"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hostile_policy_test {

using offramp::classifier;
using offramp::exit_policy;
using offramp::prediction;
using offramp::runner;
using offramp::stop_reason;
using offramp_tests::expect_invalid_argument;
using offramp_tests::model;
using offramp_tests::repeated;
using offramp_tests::texts;

constexpr float infinity = std::numeric_limits<float>::infinity();

/// The same model without the exit on layer 1.
const classifier& late_model() {
  static const classifier loaded = classifier::load(offramp_tests::tiny_directory("tiny"), {.exits = {2, 3}});
  return loaded;
}

TEST(hostile_threshold, stops_at_the_first_exit_or_never) {
  for (const std::string& text : texts()) {
    for (const float low : {0.0F, -0.0F, -1.0F, -infinity, std::numeric_limits<float>::denorm_min()}) {
      const prediction p = model().classify(text, low);
      EXPECT_EQ(p.layer, 1);
      EXPECT_EQ(p.stopped, stop_reason::confident);
    }
    for (const float high : {1.0000001F, 2.0F, std::numeric_limits<float>::max(), infinity}) {
      const prediction p = model().classify(text, exit_policy::full_depth());
      EXPECT_EQ(p.layer, 3);
      EXPECT_EQ(p.stopped, stop_reason::last_exit);
      EXPECT_EQ(model().classify(text, exit_policy::per_exit({high, high, high})), p);
      EXPECT_EQ(model().classify(text, exit_policy::per_exit({high, high, 0})), p);
      EXPECT_EQ(model().classify(text, exit_policy::margin(high)), p);
      EXPECT_EQ(model().classify(text, exit_policy::entropy(-high)), p);
      EXPECT_EQ(model().classify(text, exit_policy::normalized_entropy(-high)), p);
      EXPECT_EQ(model().classify(text, exit_policy::patience(std::numeric_limits<int>::max())), p);
    }
  }
}

TEST(hostile_policy, is_refused_before_any_text_is_looked_at) {
  const auto refuses = [](const classifier& asked, const exit_policy& policy, std::string_view part) {
    expect_invalid_argument([&] { return asked.classify("a", policy); }, part);
    expect_invalid_argument([&] { return asked.classify_batch(texts(), policy); }, part);
    expect_invalid_argument([&] { return asked.classify_batch(std::vector<std::string>{}, policy); }, part);
  };
  refuses(model(), exit_policy::per_exit({}), "0 thresholds per exit, expected 3");
  refuses(model(), exit_policy::per_exit({0, 0}), "2 thresholds per exit, expected 3");
  refuses(model(), exit_policy::per_exit({0, 0, 0, 0}), "4 thresholds per exit, expected 3");
  refuses(model(), exit_policy::per_class({}), "0 rows of thresholds per class, expected 3");
  refuses(model(), exit_policy::per_class({{0, 0}, {0, 0}, {0}}), "1 thresholds per class, expected 2");
  refuses(model(), exit_policy::per_class({{0, 0}, {0, 0, 0}, {0, 0}}), "3 thresholds per class, expected 2");
  refuses(model(), exit_policy(0.5F).with_max_layer(0), "max_layer is 0");
  refuses(model(), exit_policy(0.5F).with_max_layer(std::numeric_limits<int>::min()), "max_layer is -2147483648");
  refuses(late_model(), exit_policy(0.5F).with_max_layer(1),
          "max_layer is 1, expected at least the first exit's layer 2");
  refuses(late_model(), exit_policy::per_exit({0, 0, 0}), "3 thresholds per exit, expected 2");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  expect_invalid_argument([&] { return model().classify_batch(texts(), nan); }, "NaN");
  expect_invalid_argument([&] { return model().classify_batch(texts(), -nan); }, "NaN");
  for (const float high : {1.0000001F, 2.0F, 90.0F, std::numeric_limits<float>::max(), infinity}) {
    expect_invalid_argument([&] { return model().classify("a", high); },
                            "expected at most 1; exit_policy::full_depth()");
  }
  expect_invalid_argument([&] { return model().classify("a", 1.0000001); }, "the threshold is 1.0000001");
  expect_invalid_argument([&] { return model().classify("a", std::nextafter(1.0L, 2.0L)); }, "expected at most 1");
}

TEST(hostile_policy, may_limit_layers_between_and_beyond_the_exits) {
  const auto sparse = classifier::load(offramp_tests::tiny_directory("tiny"), {.exits = {1, 3}});
  const prediction p = sparse.classify("A good film.", exit_policy::full_depth().with_max_layer(2));
  EXPECT_EQ(p.layer, 1);
  EXPECT_EQ(p.stopped, stop_reason::layer_limit);
  EXPECT_EQ(sparse.classify("A good film.", exit_policy::full_depth().with_max_layer(std::numeric_limits<int>::max())),
            sparse.classify("A good film.", exit_policy::full_depth()));
}

const std::vector<exit_policy>& rules_that_go_on() {
  static const std::vector<exit_policy> all = {exit_policy::full_depth(),
                                               exit_policy::declining(3.0F, 1.0F),
                                               exit_policy::per_exit({2, 2, 2}),
                                               exit_policy::per_class({{2, 2}, {2, 2}, {2, 2}}),
                                               exit_policy::entropy(0.0F),
                                               exit_policy::normalized_entropy(-1.0F),
                                               exit_policy::margin(2.0F),
                                               exit_policy::patience(0),
                                               exit_policy::patience_entropy(0.0F, 1)};
  return all;
}

exit_policy::time_point an_hour_ago() { return std::chrono::steady_clock::now() - std::chrono::hours(1); }

TEST(deadline, that_is_past_leaves_every_text_its_first_exit) {
  for (const exit_policy& policy : rules_that_go_on()) {
    for (const auto past : {an_hour_ago(), exit_policy::time_point::min(), exit_policy::time_point{}}) {
      for (const std::string& text : texts()) {
        prediction expected = model().classify(text, exit_policy::full_depth().with_max_layer(1));
        expected.stopped = stop_reason::deadline;
        EXPECT_EQ(model().classify(text, policy.with_deadline(past)), expected);
      }
    }
  }
}

TEST(deadline, that_is_past_stops_no_text_between_exits) {
  const exit_policy late = exit_policy::full_depth().with_deadline(an_hour_ago());
  (void)late_model().classify_batch(texts(), exit_policy::full_depth());  // leaves answers in memory that is used again
  std::vector<std::string> many;
  for (std::size_t i = 0; i < 500; ++i) {
    many.push_back(texts()[i % texts().size()] + repeated(" good", i % 50));
  }
  const runner run = [](std::size_t n, const std::function<void(std::size_t)>& body) {
    std::vector<std::jthread> threads;
    for (std::size_t first = 0; first < 2; ++first) {
      threads.emplace_back([&body, first, n] {
        for (std::size_t i = first; i < n; i += 2) {
          body(i);
        }
      });
    }
  };
  for (const runner& lent : {runner{}, run}) {
    const std::vector<prediction> found = late_model().classify_batch(many, late, lent);
    ASSERT_EQ(found.size(), many.size());
    for (std::size_t i = 0; i < many.size(); ++i) {
      prediction expected = late_model().classify(many[i], exit_policy::full_depth().with_max_layer(2));
      expected.stopped = stop_reason::deadline;
      EXPECT_EQ(found[i], expected) << i;
    }
  }
}

TEST(deadline, is_no_reason_where_another_one_holds) {
  const auto stopped = [](const classifier& asked, const exit_policy& policy) {
    return asked.classify("A good film.", policy.with_deadline(an_hour_ago())).stopped;
  };
  EXPECT_EQ(stopped(model(), 0.0F), stop_reason::confident);
  EXPECT_EQ(stopped(model(), exit_policy::full_depth().with_max_layer(1)), stop_reason::layer_limit);
  EXPECT_EQ(stopped(classifier::load(offramp_tests::tiny_directory("tiny-plain")), exit_policy::full_depth()),
            stop_reason::last_exit);
}

TEST(deadline, that_is_far_ahead_changes_nothing) {
  for (const auto ahead :
       {std::chrono::steady_clock::now() + std::chrono::hours(24 * 365), exit_policy::time_point::max()}) {
    for (const exit_policy& policy : {exit_policy(0.6F), exit_policy::full_depth(), exit_policy::patience(1),
                                      exit_policy::full_depth().with_max_layer(2)}) {
      EXPECT_EQ(model().classify_batch(texts(), policy.with_deadline(ahead)), model().classify_batch(texts(), policy));
    }
  }
}

}  // namespace hostile_policy_test
