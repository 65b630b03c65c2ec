// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/engine_memory.hpp>
#include <offramp/text/tokenizer.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// What one call writes to besides its result.
struct call_memory {
  text::encode_memory text;
  exits::engine_memory engine;
};

/// Memory for concurrent calls: as many pieces as calls ever ran at once, each as large as its largest call needed.
/// Safe from several threads.
class memory_pool {
 public:
  /// Gives its piece back at the end of its life.
  class lease {
   public:
    explicit lease(memory_pool& pool) : pool_(pool), memory_(pool.take()) {}
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    ~lease() { pool_.give_back(std::move(memory_)); }

    [[nodiscard]] call_memory* operator->() const noexcept { return memory_.get(); }

   private:
    memory_pool& pool_;
    std::unique_ptr<call_memory> memory_;
  };

 private:
  std::unique_ptr<call_memory> take() {
    const std::scoped_lock lock(mutex_);
    if (free_.empty()) {
      free_.reserve(++pieces_);
      return std::make_unique<call_memory>();
    }
    std::unique_ptr<call_memory> memory = std::move(free_.back());
    free_.pop_back();
    return memory;
  }

  void give_back(std::unique_ptr<call_memory> memory) noexcept {
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(memory));
  }

  std::mutex mutex_;
  std::size_t pieces_ = 0;
  std::vector<std::unique_ptr<call_memory>> free_;  // has room for all pieces, so giving back cannot fail
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
