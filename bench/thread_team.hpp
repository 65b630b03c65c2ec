// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace offramp_bench {

/// Threads kept for lending: they wait for work spinning for a moment, then yielding, then asleep, so that an idle team
/// takes nothing from what is measured next. Not copyable; one `run` at a time.
class thread_team {
 public:
  /// `threads` counts the one that calls `run`. Throws std::invalid_argument below 1.
  explicit thread_team(int threads);
  thread_team(const thread_team&) = delete;
  thread_team& operator=(const thread_team&) = delete;
  ~thread_team();

  /// Calls body(0) to body(n - 1) on the team, each once; returns when all have ended.
  void run(std::size_t n, const std::function<void(std::size_t)>& body);

  /// This team as the library's runner; empty for one thread. The team must outlive it.
  [[nodiscard]] offramp::runner lend();

 private:
  struct job;

  void serve();
  void publish(job* work);

  // Counts the published jobs; a helper that sees it change takes part in the one in job_.
  std::atomic<std::size_t> generation_ = 0;
  std::atomic<job*> job_ = nullptr;
  std::atomic<std::size_t> helpers_done_ = 0;
  std::atomic<bool> is_closed_ = false;
  std::vector<std::jthread> helpers_;
};

}  // namespace offramp_bench
