// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/first_failure.hpp>
#include <offramp/error.hpp>
#include <offramp/runner.hpp>
#include <offramp/version.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// Threads to lend to the library, for programs that have none to spare of their own:
///
///     offramp::thread_pool pool(2);
///     const offramp::prediction p = model.classify(text, 0.9F, pool.lend());
///
/// They wait for work spinning for some microseconds, then yielding, then asleep. Not copyable. Safe from several
/// threads, whose calls take turns. A `run` within a body, of this or another pool, does all on its own thread, and so
/// does every run in a child process after fork(), where the pool's threads do not exist.
class thread_pool {
 public:
  /// `threads` counts the one that calls `run`. Where the system starts fewer, size() says so and the work takes
  /// longer. Throws `invalid_argument` below 1, std::bad_alloc.
  explicit thread_pool(int threads = usable_threads()) {
    if (threads < 1) {
      throw error(error_kind::invalid_argument,
                  "thread_pool: " + std::to_string(threads) + " threads, expected at least 1");
    }
    helpers_.reserve(static_cast<std::size_t>(threads) - 1);  // a thread that has started has its place
    try {
      for (int i = 1; i < threads; ++i) {
        helpers_.emplace_back([this] { serve(); });
      }
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): fewer threads are slower, not wrong
    }
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
    if (is_forked()) {
      for (std::thread& helper : helpers_) {
        std::construct_at(&helper);  // forgets a thread that this process does not have, and so cannot join
      }
      return;
    }
    is_closed_ = true;
    publish(nullptr);
    for (std::thread& helper : helpers_) {
      helper.join();
    }
  }

  /// Threads that work on a run, the calling one included.
  [[nodiscard]] int size() const noexcept { return static_cast<int>(helpers_.size()) + 1; }

  /// Calls body(0) to body(n - 1), each once, on the pool and the calling thread; returns when all have ended. The
  /// first exception of a body is then rethrown.
  void run(std::size_t n, const std::function<void(std::size_t)>& body) {
    job work{.n = n, .body = &body};
    if (n < 2 || helpers_.empty() || is_in_body_ || is_forked()) {
      work.take_part();
    } else {
      const std::scoped_lock one_at_a_time(mutex_);
      helpers_done_ = 0;
      publish(&work);
      is_in_body_ = true;
      work.take_part();
      is_in_body_ = false;
      for (std::size_t done = helpers_done_; done != helpers_.size(); done = helpers_done_) {
        await_change(helpers_done_, done);
      }
    }
    work.failure.rethrow();
  }

  /// This pool as the library's runner; it must outlive every use. Empty where it has no thread but the caller's.
  [[nodiscard]] runner lend() {
    if (helpers_.empty()) {
      return {};
    }
    return {[this](std::size_t n, const std::function<void(std::size_t)>& body) { run(n, body); }, size()};
  }

 private:
  struct job {
    std::size_t n;
    const std::function<void(std::size_t)>* body;
    std::atomic<std::size_t> next{0};
    detail::first_failure failure{};

    void take_part() {
      for (std::size_t i = next++; i < n; i = next++) {
        failure.guard([&] { (*body)(i); });
      }
    }
  };

  [[nodiscard]] bool is_forked() const noexcept { return ::getpid() != process_; }

  /// Waits until `value` is no longer `old`: first without giving up the core, then giving it to whoever is ready.
  static void await_change(const std::atomic<std::size_t>& value, std::size_t old) {
    constexpr int spins = 2000;
    constexpr int yields = 200;
    for (int i = 0; i < spins + yields; ++i) {
      if (value.load(std::memory_order_acquire) != old) {
        return;
      }
      if (i >= spins) {
        std::this_thread::yield();
      }
    }
    value.wait(old, std::memory_order_acquire);
  }

  void publish(job* work) {
    job_ = work;
    ++generation_;
    generation_.notify_all();
  }

  void serve() {
    is_in_body_ = true;
    for (std::size_t seen = 0;;) {
      await_change(generation_, seen);
      ++seen;  // never more than one behind: `run` waits for every helper
      if (is_closed_) {
        return;
      }
      job_.load()->take_part();
      ++helpers_done_;
      helpers_done_.notify_one();
    }
  }

  // Of the calling thread. Two bodies that wait for each other's pool would wait for ever.
  static inline thread_local bool is_in_body_ = false;

  const pid_t process_ = ::getpid();
  // Counts the published jobs; a helper that sees it change takes part in the one in job_.
  std::atomic<std::size_t> generation_{0};
  std::atomic<job*> job_{nullptr};
  std::atomic<std::size_t> helpers_done_{0};
  std::atomic<bool> is_closed_{false};
  std::mutex mutex_;
  std::vector<std::thread> helpers_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
