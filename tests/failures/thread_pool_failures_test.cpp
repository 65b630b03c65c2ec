// SPDX-License-Identifier: Apache-2.0
// A pool whose memory or threads are refused while it starts. A program of its own, because it replaces how memory is
// allocated and threads are created.
#include <offramp/thread_pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

#include <dlfcn.h>
#include <pthread.h>

namespace {

constexpr int never = std::numeric_limits<int>::max();

/// How many allocations and threads are granted before one is refused; then all are.
std::atomic<int> granted_allocations{never};
std::atomic<int> granted_threads{never};

bool is_granted(std::atomic<int>& granted) { return granted == never || granted.fetch_sub(1) > 0; }

}  // namespace

void* operator new(std::size_t size) {
  void* memory = is_granted(granted_allocations) ? std::malloc(size) : nullptr;
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* given) {
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
  return is_granted(granted_threads) ? create(thread, attributes, start, given) : EAGAIN;
}

namespace {

using offramp::thread_pool;

constexpr int threads = 5;

/// Starts a pool and uses it. The number of its threads; 0 where an exception said that there is no memory.
int start_and_run(int allocations, int helpers) {
  granted_allocations = allocations;
  granted_threads = helpers;
  try {
    thread_pool pool(threads);
    granted_allocations = never;
    std::atomic<int> calls{0};
    pool.run(100, [&](std::size_t) { ++calls; });
    EXPECT_EQ(calls, 100);
    return pool.size();
  } catch (const std::bad_alloc&) {
    granted_allocations = never;
    return 0;
  }
}

TEST(ThreadPoolStartTest, RefusedThreadsAreDoneWithout) {
  for (int helpers = 0; helpers < threads; ++helpers) {
    EXPECT_EQ(start_and_run(never, helpers), helpers + 1);
  }
}

TEST(ThreadPoolStartTest, RefusedMemoryIsAnExceptionOrFewerThreads) {
  int refused = 0;
  int most = 0;
  for (int allocations = 0; most < threads; ++allocations) {
    ASSERT_LT(allocations, 100);
    const int found = start_and_run(allocations, never);
    refused += found == 0 ? 1 : 0;
    EXPECT_GE(found, most) << allocations;
    most = found;
  }
  EXPECT_GE(refused, 1);
}

}  // namespace
