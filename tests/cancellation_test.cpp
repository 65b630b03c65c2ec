// SPDX-License-Identifier: Apache-2.0
// What a stop token does, whenever it stops; compiled once against each target.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace cancellation_test {

using offramp::classifier;
using offramp::drift_audit;
using offramp::exit_policy;
using offramp::prediction;
using offramp::runner;
using offramp::stop_reason;

const classifier& model() {
  static const classifier loaded = classifier::load(offramp_tests::tiny_directory("tiny"));
  return loaded;
}

const std::vector<std::string>& texts() {
  static const std::vector<std::string> all(120, "the story of a man and a dog the story of a man and a dog");
  return all;
}

void run_on_a_thread_each(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
}

exit_policy stopped_policy() {
  std::stop_source source;
  source.request_stop();
  return exit_policy::full_depth().with_stop_token(source.get_token());
}

void expect_no_answer(const prediction& p) {
  EXPECT_EQ(p.stopped, stop_reason::cancelled);
  EXPECT_EQ(p.label, "");
  EXPECT_EQ(p.label_id, -1);
  EXPECT_EQ(p.layer, -1);
  EXPECT_EQ(p.confidence, 0.0F);
  EXPECT_TRUE(p.probabilities.empty());
}

TEST(cancelled, before_the_call_gives_no_answer) {
  const exit_policy policy = stopped_policy();
  expect_no_answer(model().classify("a good film", policy));
  expect_no_answer(model().classify(model().tokenize("a good film"), policy, run_on_a_thread_each));
  std::vector<prediction> results(texts().size(), model().classify("bad", 0.0F));
  for (const runner& run : {runner(), runner(run_on_a_thread_each)}) {
    model().classify_batch_into(texts(), results, policy, run);
    for (const prediction& p : results) {
      expect_no_answer(p);
      EXPECT_EQ(p.tokens, 0);
    }
    std::size_t calls = 0;
    model().classify_batch_as_ready(
        texts(),
        [&](std::size_t, const prediction& p) {
          expect_no_answer(p);
          ++calls;
        },
        policy, run);
    EXPECT_EQ(calls, texts().size());
  }
  EXPECT_THROW((void)model().classify("a", stopped_policy().with_max_layer(0)), offramp::error)
      << "a policy is checked first";
}

TEST(cancelled, by_nobody_changes_nothing) {
  std::stop_source source;
  const exit_policy policy = exit_policy(0.6F).with_stop_token(source.get_token());
  EXPECT_EQ(model().classify_batch(texts(), policy), model().classify_batch(texts(), 0.6F));
  EXPECT_EQ(model().classify_batch(texts(), policy, run_on_a_thread_each), model().classify_batch(texts(), 0.6F));
}

/// Stops when the text with this number leaves.
std::vector<prediction> stop_after(std::size_t number, const exit_policy& policy, const runner& run) {
  std::stop_source source;
  std::vector<prediction> answers(texts().size());
  std::size_t calls = 0;
  model().classify_batch_as_ready(
      texts(),
      [&](std::size_t index, prediction answer) {
        answers[index] = std::move(answer);
        if (calls++ == number) {
          source.request_stop();
        }
      },
      policy.with_stop_token(source.get_token()), run);
  EXPECT_EQ(calls, texts().size()) << "a cancelled text is told of, too";
  return answers;
}

TEST(cancelled, in_the_middle_keeps_what_was_answered) {
  const auto every_exit = model().classify_every_exit(texts()[0]);
  for (const runner& run : {runner(), runner(run_on_a_thread_each)}) {
    std::size_t cancelled = 0;
    for (const prediction& p : stop_after(0, exit_policy::full_depth(), run)) {
      if (p.stopped == stop_reason::cancelled) {
        ++cancelled;
      }
      if (p.layer < 0) {
        expect_no_answer(p);
        continue;
      }
      prediction expected = every_exit[static_cast<std::size_t>(p.layer) - 1].answer;
      expected.stopped = p.stopped;
      EXPECT_EQ(p, expected);
    }
    if (!run) {
      EXPECT_GT(cancelled, texts().size() / 2);
      EXPECT_LT(cancelled, texts().size());
    }
  }
}

TEST(cancelled, inside_a_batch_is_answered_by_the_last_exit_it_visited) {
  std::stop_source source;
  const std::vector<std::string> two = {"a good film", "never bad"};
  const auto first = model().classify_every_exit(two[0]);
  const auto second = model().classify_every_exit(two[1]);
  // Of the two, the surer leaves at the first exit and stops the call; the other has visited that exit.
  const float high = std::max(first[0].answer.confidence, second[0].answer.confidence);
  ASSERT_NE(first[0].answer.confidence, second[0].answer.confidence);
  std::vector<prediction> answers;
  model().classify_batch_as_ready(
      two,
      [&](std::size_t, prediction answer) {
        answers.push_back(std::move(answer));
        source.request_stop();
      },
      exit_policy(high).with_stop_token(source.get_token()));
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].stopped, stop_reason::confident);
  EXPECT_EQ(answers[1].stopped, stop_reason::cancelled);
  EXPECT_EQ(answers[1].layer, 1);
  prediction other = answers[1];
  other.stopped = stop_reason::layer_limit;
  EXPECT_TRUE(other == first[0].answer || other == second[0].answer);
}

TEST(cancelled, calls_count_in_no_audit) {
  const drift_audit audit(1.0, 1);
  const exit_policy policy = exit_policy(0.0F).audited_by(audit);
  (void)stop_after(0, policy, {});
  (void)model().classify("a", stopped_policy().audited_by(audit));
  EXPECT_EQ(audit.counts(), offramp::drift_counts{});
  (void)model().classify("a", policy);
  EXPECT_EQ(audit.counts().texts, 1);
}

TEST(cancelled, inputs_that_are_wrong_may_still_say_so) {
  const std::vector<const char*> batch(10, nullptr);
  EXPECT_EQ(model().try_classify_batch(batch, stopped_policy()).size(), batch.size());
}

TEST(deadline, leaves_texts_that_wait_the_time_to_their_first_exits) {
  // However short the time: every text is answered, and deeper than the first exit only before the deadline.
  for (const auto time :
       {std::chrono::microseconds(0), std::chrono::microseconds(500), std::chrono::microseconds(20000)}) {
    for (const runner& run : {runner(), runner(run_on_a_thread_each)}) {
      const auto policy = exit_policy::full_depth().with_deadline(std::chrono::steady_clock::now() + time);
      for (const prediction& p : model().classify_batch(texts(), policy, run)) {
        EXPECT_GE(p.layer, 1);
        EXPECT_EQ(p.probabilities.size(), model().labels().size());
      }
    }
  }
}

TEST(deadline, that_has_passed_gives_the_answers_of_the_first_exits) {
  const auto late = model().classify_batch(texts(), exit_policy::full_depth().with_deadline({}));
  auto first = model().classify_batch(texts(), exit_policy::full_depth().with_max_layer(1));
  for (prediction& p : first) {
    p.stopped = stop_reason::deadline;
  }
  EXPECT_EQ(late, first);
}

}  // namespace cancellation_test
