// SPDX-License-Identifier: Apache-2.0
// One model used from many threads at once. Also built alone, for ThreadSanitizer.
#include <offramp/offramp.hpp>
#include <offramp/thread_pool.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"

#include <algorithm>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace threads_test {

using offramp::classifier;
using offramp::exit_policy;
using offramp::prediction;

constexpr std::size_t num_threads = 4;

const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = {"A good film.",
                                               "",
                                               "The plot is dull, and the actor is not warm!",
                                               "never bad",
                                               "the story of a man and a dog the story of a man and a dog",
                                               "RUNS \xff runs Runs"};
  return all;
}

/// Starts num_threads threads, which begin body(0..n-1) together, and waits for them.
void together(const std::function<void(std::size_t)>& body) {
  std::barrier start(static_cast<std::ptrdiff_t>(num_threads));
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < num_threads; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      body(i);
    });
  }
}

void run_on_a_thread_each(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
}

class threads : public testing::TestWithParam<const char*> {
 protected:
  const classifier model_ = classifier::load(offramp_tests::tiny_directory(GetParam()));
};

TEST_P(threads, share_one_handle) {
  std::vector<prediction> expected;
  for (const std::string& text : texts()) {
    expected.push_back(model_.classify(text, 0.7F));
  }
  together([&](std::size_t) {
    for (int round = 0; round < 5; ++round) {
      for (std::size_t i = 0; i < texts().size(); ++i) {
        EXPECT_EQ(model_.classify(texts()[i], 0.7F), expected[i]);
      }
    }
  });
}

TEST_P(threads, copy_and_drop_handles) {
  const std::string text = texts().front();
  const prediction expected = model_.classify(text);
  together([&](std::size_t) {
    for (int round = 0; round < 20; ++round) {
      const classifier copy = model_;
      EXPECT_EQ(copy.classify(text), expected);
    }
  });
}

TEST_P(threads, call_every_member_at_once) {
  const std::vector<prediction> expected = model_.classify_batch(texts(), exit_policy::patience(1));
  const auto every_exit = model_.classify_every_exit(texts()[2]);
  together([&](std::size_t) {
    EXPECT_EQ(model_.classify_batch(texts(), exit_policy::patience(1), run_on_a_thread_each), expected);
    EXPECT_EQ(model_.classify_every_exit(texts()[2]), every_exit);
    EXPECT_EQ(model_.classify_batch_every_exit(texts(), run_on_a_thread_each)[2], every_exit);
    EXPECT_EQ(model_.tokenize(texts()[0]), model_.tokenize(texts()[0]));
    EXPECT_EQ(model_.piece(2), "[CLS]");
    EXPECT_FALSE(model_.labels().empty());
    EXPECT_EQ(model_.exits().back().layer, every_exit.back().answer.layer);
    EXPECT_EQ(model_.default_policy(), model_.default_policy());
  });
}

TEST_P(threads, share_one_audit) {
  const offramp::drift_audit audit(0.5, 4);
  const exit_policy policy = exit_policy(0.5F).audited_by(audit);
  const std::vector<prediction> expected = model_.classify_batch(texts(), 0.5F);
  constexpr std::size_t rounds = 5;
  together([&](std::size_t i) {
    for (std::size_t round = 0; round < rounds; ++round) {
      if (i == 0) {
        EXPECT_EQ(model_.classify_batch(texts(), policy, run_on_a_thread_each), expected);
      } else {
        EXPECT_EQ(model_.classify_batch(texts(), exit_policy(policy)), expected);
      }
      const offramp::drift_counts seen = audit.counts();
      EXPECT_EQ(seen.texts % static_cast<std::int64_t>(texts().size()), 0);
      EXPECT_LE(seen.disagreements, seen.audited);
      EXPECT_LE(seen.audited, std::min(seen.sampled, seen.early_exits));
    }
  });
  std::int64_t sampled = 0;
  for (std::uint64_t number = 0; number < num_threads * rounds * texts().size(); ++number) {
    sampled += audit.samples(number) ? 1 : 0;
  }
  EXPECT_EQ(audit.counts().texts, static_cast<std::int64_t>(num_threads * rounds * texts().size()));
  EXPECT_EQ(audit.counts().sampled, sampled);
}

TEST_P(threads, fail_alone) {
  const offramp::encoding nothing;
  const prediction expected = model_.classify(texts()[0], 0.7F);
  together([&](std::size_t i) {
    for (int round = 0; round < 10; ++round) {
      if (i == 0) {
        EXPECT_THROW((void)model_.classify(nothing, 0.7F), offramp::error);
        EXPECT_THROW((void)model_.classify_batch(std::vector{nothing, nothing, nothing}, 0.7F, run_on_a_thread_each),
                     offramp::error);
      } else {
        EXPECT_EQ(model_.classify(texts()[0], 0.7F), expected);
      }
    }
  });
}

TEST(loading, happens_at_once_too) {
  const prediction expected = classifier::load(offramp_tests::tiny_directory("tiny")).classify(texts()[0]);
  together([&](std::size_t) {
    EXPECT_EQ(classifier::load(offramp_tests::tiny_directory("tiny")).classify(texts()[0]), expected);
  });
}

INSTANTIATE_TEST_SUITE_P(tiny_models, threads, testing::Values("tiny", "tiny-mix", "tiny-plain"));

TEST(threads, share_the_work_of_one_text) {
  const classifier model = classifier::load(offramp_tests::tiny_directory("tiny"));
  const offramp::runner run = [](std::size_t n, const std::function<void(std::size_t)>& body) {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < n; ++i) {
      threads.emplace_back([&body, i] { body(i); });
    }
  };
  for (int round = 0; round < 20; ++round) {
    for (const std::string& text : texts()) {
      EXPECT_EQ(model.classify(text, 0.9F, run), model.classify(text, 0.9F));
    }
  }
}

TEST(thread_pool, runs_every_body_once_whoever_calls) {
  EXPECT_THROW(offramp::thread_pool(0), offramp::error);
  for (const int threads : {1, 2, 5}) {
    offramp::thread_pool pool(threads);
    together([&](std::size_t /*caller*/) {
      for (const std::size_t n : {0UL, 1UL, 3UL, 100UL}) {
        std::vector<int> calls(n, 0);
        pool.run(n, [&](std::size_t i) { ++calls[i]; });
        EXPECT_EQ(calls, std::vector<int>(n, 1));
      }
    });
  }
}

TEST(thread_pool, lends_threads_to_the_library) {
  const classifier model = classifier::load(offramp_tests::tiny_directory("tiny"));
  offramp::thread_pool pool(3);
  EXPECT_EQ(model.classify_batch(texts(), 0.8F, pool.lend()), model.classify_batch(texts(), 0.8F));
  for (const std::string& text : texts()) {
    EXPECT_EQ(model.classify(text, 0.8F, pool.lend()), model.classify(text, 0.8F));
  }
}

}  // namespace threads_test
