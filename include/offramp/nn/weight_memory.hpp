// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/aligned_vector.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Memory on huge pages for many blocks: a matrix of a small encoder fills no page of its own. Blocks are cut from a
/// chunk of several pages, which is given back when its last block is. Safe to use from several threads.
class shared_huge_pages {
 public:
  static constexpr std::size_t chunk_bytes = std::size_t{16} << 20U;
  static constexpr std::size_t most_block_bytes = chunk_bytes / 2;

  /// Those of the process. Never destroyed, since blocks may outlive any static object.
  static shared_huge_pages& instance() {
    static auto* const pages = new shared_huge_pages;
    return *pages;
  }

  /// Throws std::bad_alloc. `bytes` is at most most_block_bytes; the block begins on a cache line.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    const std::size_t taken = (bytes + cache_line - 1) / cache_line * cache_line;
    const std::lock_guard lock(mutex_);
    if (filling_ == nullptr || chunk_bytes - filling_->used < taken) {
      filling_ = ::new (allocate_on_huge_pages(chunk_bytes, chunk_bytes)) chunk;
    }
    void* const block = reinterpret_cast<std::byte*>(filling_) + filling_->used;
    filling_->used += taken;
    ++filling_->blocks;
    return block;
  }

  void deallocate(void* block) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    auto* const owner = reinterpret_cast<chunk*>(address - address % chunk_bytes);
    const std::lock_guard lock(mutex_);
    if (--owner->blocks == 0) {
      filling_ = filling_ == owner ? nullptr : filling_;
      ::operator delete(owner, std::align_val_t{chunk_bytes});
    }
  }

 private:
  static constexpr std::size_t cache_line = aligned_allocator<std::byte>::cache_line;

  /// The beginning of its memory.
  struct chunk {
    std::size_t blocks = 0;
    std::size_t used = cache_line;
  };
  static_assert(sizeof(chunk) <= cache_line);

  shared_huge_pages() = default;

  std::mutex mutex_;
  chunk* filling_ = nullptr;
};

/// Memory of packed weights.
template <class T>
struct weight_allocator : aligned_allocator<T> {
  weight_allocator() = default;
  template <class U>
  explicit(false) weight_allocator(const weight_allocator<U>& /*other*/) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    return is_shared(count) ? static_cast<T*>(shared_huge_pages::instance().allocate(count * sizeof(T)))
                            : aligned_allocator<T>::allocate(count);
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    if (is_shared(count)) {
      shared_huge_pages::instance().deallocate(memory);
    } else {
      aligned_allocator<T>::deallocate(memory, count);
    }
  }

  bool operator==(const weight_allocator&) const = default;

 private:
  static constexpr bool is_shared(std::size_t count) noexcept {
    return count <= shared_huge_pages::most_block_bytes / sizeof(T);
  }
};

template <class T>
using weight_vector = std::vector<T, weight_allocator<T>>;

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
