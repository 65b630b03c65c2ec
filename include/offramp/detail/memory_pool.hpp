// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/engine_memory.hpp>
#include <offramp/text/tokenizer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// What a text or batch on its way through the model writes to besides its result.
struct call_memory {
  text::encode_memory text;
  exits::engine_memory engine;

  [[nodiscard]] std::size_t bytes() const noexcept { return text.bytes() + engine.bytes(); }
};

/// Most bytes of one model that wait for later calls: for tokens and hidden states, and for the lists of batches.
inline constexpr std::size_t most_kept_for_calls = std::size_t{112} << 20U;
inline constexpr std::size_t most_kept_for_batches = std::size_t{16} << 20U;

/// Memory for concurrent calls. Calls take turns with pieces of it, each of which grows to its largest use. At most
/// `most_kept` bytes wait for later calls: beyond, and when enough calls did without it, a piece is freed, the one
/// longest unused first. So a call allocates nothing that follows calls like it, unless these need more than that at
/// once. Safe from several threads.
template <class Memory>
class memory_pool {
 public:
  /// Calls that a piece waits for before it is freed.
  static constexpr std::uint64_t longest_wait = 1024;

  explicit memory_pool(std::size_t most_kept) : most_kept_(most_kept) {}

  /// Gives its piece back at the end of its life.
  class lease {
   public:
    explicit lease(memory_pool& pool) : pool_(pool), memory_(pool.take()) {}
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    ~lease() { pool_.give_back(std::move(memory_)); }

    [[nodiscard]] Memory& operator*() const noexcept { return *memory_; }
    [[nodiscard]] Memory* operator->() const noexcept { return memory_.get(); }

   private:
    memory_pool& pool_;
    std::unique_ptr<Memory> memory_;
  };

  /// Bytes that wait for later calls.
  [[nodiscard]] std::size_t bytes() const {
    const std::scoped_lock lock(mutex_);
    return kept_;
  }

  /// Frees what waits for later calls.
  void release() {
    while (take_oldest([] { return true; })) {
    }
  }

 private:
  struct piece {
    std::unique_ptr<Memory> memory;
    std::size_t bytes;
    std::uint64_t given_back;  // how many were before
  };

  std::unique_ptr<Memory> take() {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) {
      waiting_.reserve(pieces_ + 1);
      auto memory = std::make_unique<Memory>();
      ++pieces_;
      return memory;
    }
    kept_ -= waiting_.back().bytes;
    std::unique_ptr<Memory> memory = std::move(waiting_.back().memory);
    waiting_.pop_back();
    return memory;
  }

  void give_back(std::unique_ptr<Memory> memory) noexcept {
    const std::size_t bytes = memory->bytes();
    {
      const std::scoped_lock lock(mutex_);
      if (bytes > most_kept_) {
        --pieces_;
      } else {
        waiting_.push_back({std::move(memory), bytes, uses_++});
        kept_ += bytes;
      }
    }
    while (take_oldest([&] { return kept_ > most_kept_ || uses_ - waiting_.front().given_back > longest_wait; })) {
    }
  }

  /// The piece that waits longest, if there is one and `is_wanted` says so.
  template <class Condition>
  std::unique_ptr<Memory> take_oldest(const Condition& is_wanted) noexcept {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty() || !is_wanted()) {
      return nullptr;
    }
    std::unique_ptr<Memory> memory = std::move(waiting_.front().memory);
    kept_ -= waiting_.front().bytes;
    waiting_.erase(waiting_.begin());
    --pieces_;
    return memory;
  }

  const std::size_t most_kept_;
  mutable std::mutex mutex_;
  std::size_t pieces_ = 0;  // waiting or in use
  std::size_t kept_ = 0;
  std::uint64_t uses_ = 0;
  std::vector<piece> waiting_;  // the oldest first; has room for all pieces, so giving back cannot fail
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
