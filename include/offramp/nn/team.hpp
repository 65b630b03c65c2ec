// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/first_failure.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// The threads that work on one call: a leader, which calls for_each, and helpers that joined it. Work is claimed,
/// never assigned, so the leader waits only for what a helper has already begun; a team without helpers is a plain
/// loop.
class team {
 public:
  team() = default;
  explicit team(std::size_t most_workers) : most_workers_(most_workers) {}
  team(const team&) = delete;
  team& operator=(const team&) = delete;
  ~team() = default;

  /// Workers that can ever be in the team, the leader included.
  [[nodiscard]] std::size_t most_workers() const noexcept { return most_workers_; }
  /// Workers in the team now. It may grow at any time, so it may decide how work is cut, never what comes out.
  [[nodiscard]] std::size_t size() const noexcept { return workers_.load(std::memory_order_relaxed); }

  /// Calls body(index, worker) for every index below `count`, and returns when all have ended. `worker` is 0 for the
  /// leader and below most_workers() for all. The first exception of a body is rethrown when all have ended; bodies may
  /// then have been left out. Leader only.
  template <class Body>
  void for_each(std::size_t count, const Body& body) {
    if (size() == 1 || count <= 1) {  // one piece is the leader's, whose caches hold what it reads
      for (std::size_t index = 0; index < count; ++index) {
        body(index, std::size_t{0});
      }
      return;
    }
    // More indices than pieces go in runs of neighbours, so that no count is too large for claims_.
    const std::size_t pieces = std::min(count, most_pieces);
    const auto run_piece = [&](std::size_t piece, std::size_t worker) {
      const std::size_t end = first_of_piece(piece + 1, pieces, count);
      for (std::size_t index = first_of_piece(piece, pieces, count); index < end; ++index) {
        body(index, worker);
      }
    };
    body_ = &run_piece;
    call_ = [](const void* erased, std::size_t piece, std::size_t worker) {
      (*static_cast<const decltype(run_piece)*>(erased))(piece, worker);
    };
    finished_.store(0, std::memory_order_relaxed);
    epoch_ = (epoch_ + 1) & epoch_mask;
    claims_.store(epoch_ << (2 * index_bits) | static_cast<std::uint64_t>(pieces) << index_bits,
                  std::memory_order_release);
    while (run_one(0)) {
    }
    for (unsigned spins = 0; finished_.load(std::memory_order_acquire) != pieces; ++spins) {
      pause(spins);
    }
    failure_.rethrow();
  }

  /// Joins as a helper and works until the leader calls close(). Returns at once when that has happened.
  void help() {
    const std::size_t worker = workers_.fetch_add(1, std::memory_order_relaxed);
    for (unsigned spins = 0; worker < most_workers_ && !is_closed_.load(std::memory_order_acquire); ++spins) {
      if (run_one(worker)) {
        spins = 0;
      } else {
        pause(spins);
      }
    }
  }

  /// Sends the helpers home. Leader only, after its last for_each.
  void close() noexcept { is_closed_.store(true, std::memory_order_release); }

 private:
  // claims_ packs epoch | pieces | next piece. A claim that succeeds proves that its job is still going on, so only
  // then are the job's other members read.
  static constexpr unsigned index_bits = 20;
  static constexpr std::uint64_t index_mask = (std::uint64_t{1} << index_bits) - 1;
  static constexpr std::uint64_t epoch_mask = (std::uint64_t{1} << (64 - 2 * index_bits)) - 1;
  /// Enough for an even share of many threads' work.
  static constexpr std::size_t most_pieces = std::size_t{1} << 14U;
  static_assert(most_pieces <= index_mask);

  /// Cuts 0..count into `pieces` runs that differ by one index at most.
  static constexpr std::size_t first_of_piece(std::size_t piece, std::size_t pieces, std::size_t count) noexcept {
    return piece * (count / pieces) + std::min(piece, count % pieces);
  }

  /// Runs one piece of the present job; false when none is left to claim.
  bool run_one(std::size_t worker) {
    std::uint64_t claims = claims_.load(std::memory_order_acquire);
    do {
      if ((claims & index_mask) >= (claims >> index_bits & index_mask)) {
        return false;
      }
    } while (!claims_.compare_exchange_weak(claims, claims + 1, std::memory_order_acq_rel, std::memory_order_acquire));
    failure_.guard([&] { call_(body_, static_cast<std::size_t>(claims & index_mask), worker); });
    finished_.fetch_add(1, std::memory_order_acq_rel);
    return true;
  }

  /// Spins for some tens of microseconds, then lets others run.
  static void pause(unsigned spins) {
    constexpr unsigned spins_before_yield = 2000;
    if (spins < spins_before_yield) {
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    } else {
      std::this_thread::yield();
    }
  }

  std::size_t most_workers_ = 1;
  std::uint64_t epoch_ = 0;
  const void* body_ = nullptr;
  void (*call_)(const void* body, std::size_t piece, std::size_t worker) = nullptr;
  detail::first_failure failure_;
  std::atomic<std::uint64_t> claims_{0};
  std::atomic<std::size_t> finished_{0};
  std::atomic<std::size_t> workers_{1};
  std::atomic<bool> is_closed_{false};
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
