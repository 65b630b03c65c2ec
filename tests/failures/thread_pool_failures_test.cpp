// SPDX-License-Identifier: Apache-2.0
// A pool whose memory or threads are refused while it starts.
#include <offramp/thread_pool.hpp>

#include <gtest/gtest.h>

#include "failing_memory.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <new>
#include <optional>

#include <dlfcn.h>
#include <pthread.h>

namespace {

/// How many more threads the system starts.
std::atomic<int> threads_left{std::numeric_limits<int>::max()};

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* given) {
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
  return threads_left.fetch_sub(1) > 0 ? create(thread, attributes, start, given) : EAGAIN;
}

namespace {

using offramp::thread_pool;

constexpr int threads = 5;

/// Uses a pool, and says how many threads it has.
int use(thread_pool& pool) {
  std::atomic<int> calls{0};
  pool.run(100, [&](std::size_t) { ++calls; });
  EXPECT_EQ(calls, 100);
  return pool.size();
}

/// How many threads a pool has that lacks memory from an allocation on; 0 where it says so.
int threads_without_memory(std::ptrdiff_t first, failing_memory::span lasting) {
  std::optional<thread_pool> pool;
  try {
    const failing_memory::watch watch(first, lasting);
    pool.emplace(threads);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return use(*pool);
}

TEST(thread_pool_failures, refused_threads_are_done_without) {
  for (int helpers = 0; helpers < threads; ++helpers) {
    threads_left = helpers;
    thread_pool pool(threads);
    EXPECT_EQ(use(pool), helpers + 1);
  }
  threads_left = std::numeric_limits<int>::max();
}

TEST(thread_pool_failures, refused_memory_is_an_exception_or_fewer_threads) {
  for (const auto lasting : {failing_memory::span::once, failing_memory::span::from_then_on}) {
    int refused = 0;
    int fewer = 0;
    std::ptrdiff_t first = 0;
    for (int found = 0; found < threads; ++first) {
      ASSERT_LT(first, 100);
      found = threads_without_memory(first, lasting);
      refused += found == 0 ? 1 : 0;
      fewer += found > 0 && found < threads ? 1 : 0;
    }
    EXPECT_GE(refused, 1);
    EXPECT_GE(fewer, threads - 1);
  }
}

}  // namespace
