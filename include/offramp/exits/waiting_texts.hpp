// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// The texts of a call with a deadline that no engine has begun, and how long they will need to their first exits,
/// which they reach even when late: texts that go deeper leave them that much time. Safe from several threads.
class waiting_texts {
 public:
  waiting_texts(std::size_t tokens, std::size_t threads) : tokens_(tokens), threads_(threads) {}

  /// An engine begins with so many tokens.
  void begin(std::size_t tokens) noexcept { tokens_.fetch_sub(tokens, std::memory_order_relaxed); }

  /// An engine took so long to bring so many tokens to their first exit.
  void reached_first_exit(std::size_t tokens, std::chrono::nanoseconds time) noexcept {
    const double mine = static_cast<double>(time.count()) / static_cast<double>(tokens);
    double slowest = slowest_.load(std::memory_order_relaxed);
    while (mine > slowest && !slowest_.compare_exchange_weak(slowest, mine, std::memory_order_relaxed)) {
    }
  }

  [[nodiscard]] std::chrono::nanoseconds needed() const noexcept {
    const auto tokens = static_cast<double>(tokens_.load(std::memory_order_relaxed));
    return std::chrono::nanoseconds(
        static_cast<std::int64_t>(tokens * slowest_.load(std::memory_order_relaxed) / static_cast<double>(threads_)));
  }

 private:
  std::atomic<std::size_t> tokens_;
  std::atomic<double> slowest_{0.0};  // nanoseconds per token
  std::size_t threads_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
