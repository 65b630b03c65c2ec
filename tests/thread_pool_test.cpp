// SPDX-License-Identifier: Apache-2.0
// Threads that are lent to the library, and the pool that ships with it.
#include <offramp/offramp.hpp>
#include <offramp/thread_pool.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace thread_pool_test {

using offramp::classifier;
using offramp::runner;
using offramp::thread_pool;

const std::vector<std::string> texts = {"A good film.", "never bad", "The plot is dull, and the actor is not warm!"};

/// Whether `body` returns true in a child process, which is killed where it hangs.
bool holds_in_child(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(runner, says_its_width_or_is_as_wide_as_the_system) {
  const auto in_order = [](std::size_t n, const std::function<void(std::size_t)>& body) {
    for (std::size_t i = 0; i < n; ++i) {
      body(i);
    }
  };
  EXPECT_GE(offramp::usable_threads(), 1);
  EXPECT_EQ(runner().width(), 1U);
  EXPECT_FALSE(runner());
  EXPECT_EQ(runner(in_order).width(), static_cast<std::size_t>(offramp::usable_threads()));
  EXPECT_EQ(runner(in_order, 7).width(), 7U);
  EXPECT_EQ(runner(in_order, 1'000'000).width(), static_cast<std::size_t>(runner::most_width));
  EXPECT_THROW(runner(in_order, 0), offramp::error);
  EXPECT_FALSE(runner(std::function<void(std::size_t, const std::function<void(std::size_t)>&)>()));
  static_assert(!std::is_convertible_v<int, runner> && !std::is_convertible_v<void (*)(int), runner>);
}

TEST(runner, is_asked_for_as_many_bodies_as_it_is_wide) {
  const classifier model = classifier::load(offramp_tests::tiny_directory("tiny"));
  for (const int width : {1, 2, 9}) {
    std::size_t most = 0;
    const auto count = [&](std::size_t n, const std::function<void(std::size_t)>& body) {
      most = std::max(most, n);
      for (std::size_t i = n; i > 0; --i) {
        body(i - 1);
      }
    };
    EXPECT_EQ(model.classify(texts[0], 0.7F, {count, width}), model.classify(texts[0], 0.7F));
    EXPECT_EQ(model.classify_batch(texts, 0.7F, {count, width}), model.classify_batch(texts, 0.7F));
    EXPECT_EQ(most, width == 1 ? 0U : static_cast<std::size_t>(width));
  }
}

TEST(thread_pool, has_the_width_of_its_threads) {
  EXPECT_EQ(thread_pool(3).size(), 3);
  EXPECT_EQ(thread_pool().size(), offramp::usable_threads());
  thread_pool three(3);
  EXPECT_EQ(three.lend().width(), 3U);
  EXPECT_FALSE(thread_pool(1).lend());
}

TEST(thread_pool, rethrows_the_exception_of_a_body_when_all_have_ended) {
  for (const int threads : {1, 2, 4}) {
    thread_pool pool(threads);
    for (const std::size_t failing : {0UL, 57UL, 99UL}) {
      std::atomic<int> calls{0};
      const auto fail_once = [&](std::size_t i) {
        ++calls;
        if (i == failing) {
          throw std::runtime_error("body " + std::to_string(i));
        }
      };
      try {
        pool.run(100, fail_once);
        ADD_FAILURE() << "nothing was thrown";
      } catch (const std::runtime_error& failure) {
        EXPECT_EQ(failure.what(), "body " + std::to_string(failing));
      }
      EXPECT_EQ(calls, 100);
    }
    std::atomic<int> calls{0};
    pool.run(100, [&](std::size_t) { ++calls; });
    EXPECT_EQ(calls, 100) << "the pool has suffered";
  }
}

TEST(thread_pool, runs_within_a_body_on_its_thread) {
  thread_pool pool(3);
  thread_pool other(3);
  std::atomic<int> calls{0};
  const auto run_on = [&](thread_pool& inner) {
    const std::thread::id here = std::this_thread::get_id();
    inner.run(10, [&, here](std::size_t) {
      ++calls;
      EXPECT_EQ(std::this_thread::get_id(), here);
    });
  };
  pool.run(20, [&](std::size_t i) { run_on(i % 2 == 0 ? pool : other); });
  EXPECT_EQ(calls, 200);
  calls = 0;
  // Of two pools that call each other, neither waits for the other.
  std::jthread([&] {
    for (int i = 0; i < 100; ++i) {
      pool.run(3, [&](std::size_t) { run_on(other); });
    }
  });
  for (int i = 0; i < 100; ++i) {
    other.run(3, [&](std::size_t) { run_on(pool); });
  }
  EXPECT_EQ(calls, 6000);
}

TEST(thread_pool, serves_the_library_within_a_body) {
  const classifier model = classifier::load(offramp_tests::tiny_directory("tiny"));
  const std::vector<offramp::prediction> expected = model.classify_batch(texts, 0.7F);
  thread_pool pool(3);
  std::vector<offramp::prediction> found(texts.size());
  pool.run(texts.size(), [&](std::size_t i) { found[i] = model.classify(texts[i], 0.7F, pool.lend()); });
  EXPECT_EQ(found, expected);
}

TEST(thread_pool, of_the_parent_works_on_one_thread_in_a_child) {
  const classifier model = classifier::load(offramp_tests::tiny_directory("tiny"));
  const std::vector<offramp::prediction> expected = model.classify_batch(texts, 0.7F);
  auto pool = std::make_unique<thread_pool>(3);
  EXPECT_EQ(model.classify_batch(texts, 0.7F, pool->lend()), expected);
  EXPECT_TRUE(holds_in_child([&] {
    std::set<std::thread::id> threads;
    std::size_t calls = 0;
    pool->run(50, [&](std::size_t) {
      ++calls;
      threads.insert(std::this_thread::get_id());
    });
    const bool is_equal = model.classify_batch(texts, 0.7F, pool->lend()) == expected &&
                          model.classify(texts[0], 0.7F, pool->lend()) == expected[0];
    pool.reset();  // joins nobody
    return calls == 50 && threads.size() == 1 && is_equal;
  }));
  EXPECT_EQ(model.classify_batch(texts, 0.7F, pool->lend()), expected) << "the parent's pool has suffered";
}

TEST(thread_pool, of_the_parent_works_in_a_child_that_began_within_a_run) {
  thread_pool pool(2);
  std::atomic<int> failures{0};
  pool.run(4, [&](std::size_t) {
    failures += holds_in_child([&] {
      int calls = 0;
      pool.run(10, [&](std::size_t) { ++calls; });
      return calls == 10;
    })
                    ? 0
                    : 1;
  });
  EXPECT_EQ(failures, 0);
}

}  // namespace thread_pool_test
