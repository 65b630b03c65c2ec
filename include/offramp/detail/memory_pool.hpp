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

/// What a text or batch on its way through the model writes to besides its result.
struct call_memory {
  text::encode_memory text;
  exits::engine_memory engine;
};

/// Memory for concurrent calls: as many pieces as were ever in use at once, each as large as its largest use needed.
/// Safe from several threads.
template <class Memory>
class memory_pool {
 public:
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

 private:
  std::unique_ptr<Memory> take() {
    const std::scoped_lock lock(mutex_);
    if (free_.empty()) {
      free_.reserve(++pieces_);
      return std::make_unique<Memory>();
    }
    std::unique_ptr<Memory> memory = std::move(free_.back());
    free_.pop_back();
    return memory;
  }

  void give_back(std::unique_ptr<Memory> memory) noexcept {
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(memory));
  }

  std::mutex mutex_;
  std::size_t pieces_ = 0;
  std::vector<std::unique_ptr<Memory>> free_;  // has room for all pieces, so giving back cannot fail
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
