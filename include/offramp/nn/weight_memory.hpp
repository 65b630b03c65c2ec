// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/aligned_vector.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#include <sys/mman.h>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Memory on huge pages for many blocks: a matrix of a small encoder fills no page of its own. Blocks are cut from
/// chunks of several pages. What is freed is used again, and until then its pages go back to the system, as whole
/// chunks do. Safe to use from several threads.
class shared_huge_pages {
 public:
  static constexpr std::size_t chunk_bytes = std::size_t{16} << 20U;
  static constexpr std::size_t most_block_bytes = chunk_bytes / 2;

  /// Those of the process. Never destroyed, since blocks may outlive any static object; nor on the heap, where a library
  /// that is unloaded would leave it.
  static shared_huge_pages& instance() {
    alignas(shared_huge_pages) static std::byte storage[sizeof(shared_huge_pages)];
    static auto* const pages = ::new (static_cast<void*>(storage)) shared_huge_pages;
    return *pages;
  }

  /// Throws std::bad_alloc. `bytes` is at most most_block_bytes; the block begins on a cache line.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    const std::size_t size = block_size(bytes);
    const std::lock_guard lock(mutex_);
    chunk** link = &chunks_;
    for (; *link != nullptr; link = &(*link)->next) {  // the oldest first, so that the others may become empty
      if (void* const block = take(**link, size)) {
        return block;
      }
    }
    *link = ::new (map_huge_pages(chunk_bytes, chunk_bytes)) chunk{.next = nullptr, .gaps = nullptr};
    (*link)->gaps = ::new (first_byte(*link)) gap{.bytes = whole_gap, .next = nullptr};
    return take(**link, size);
  }

  /// `bytes` as they were asked for.
  void deallocate(void* block, std::size_t bytes) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    auto* const owner = reinterpret_cast<chunk*>(address - address % chunk_bytes);
    const std::lock_guard lock(mutex_);
    const gap* const widened = put_back(*owner, block, block_size(bytes));
    if (widened->bytes == whole_gap) {
      chunk** link = &chunks_;
      while (*link != owner) {
        link = &(*link)->next;
      }
      *link = owner->next;
      unmap_huge_pages(owner, chunk_bytes);
    } else {
      give_pages_back(*widened);
    }
  }

  /// Bytes of all chunks, for tests.
  [[nodiscard]] std::size_t mapped_bytes() const {
    const std::lock_guard lock(mutex_);
    std::size_t bytes = 0;
    for (const chunk* each = chunks_; each != nullptr; each = each->next) {
      bytes += chunk_bytes;
    }
    return bytes;
  }

 private:
  static constexpr std::size_t cache_line = aligned_allocator<std::byte>::cache_line;
  static constexpr std::size_t huge_page = aligned_allocator<std::byte>::huge_page;
  static constexpr std::size_t whole_gap = chunk_bytes - cache_line;

  /// Free memory between blocks, which begins with this.
  struct gap {
    std::size_t bytes;
    gap* next;  // of the same chunk, at a higher address
  };
  /// The first cache line of its memory.
  struct chunk {
    chunk* next;
    gap* gaps;
  };
  static_assert(sizeof(chunk) <= cache_line && sizeof(gap) <= cache_line);

  shared_huge_pages() = default;

  static constexpr std::size_t block_size(std::size_t bytes) noexcept {
    return std::max(cache_line, (bytes + cache_line - 1) / cache_line * cache_line);
  }
  static std::byte* first_byte(chunk* owner) noexcept { return reinterpret_cast<std::byte*>(owner) + cache_line; }
  static std::byte* end_of(gap* free) noexcept { return reinterpret_cast<std::byte*>(free) + free->bytes; }

  /// The beginning of the chunk's first gap that is large enough; null where none is.
  static void* take(chunk& from, std::size_t size) noexcept {
    for (gap** link = &from.gaps; *link != nullptr; link = &(*link)->next) {
      gap* const free = *link;
      if (free->bytes < size) {
        continue;
      }
      *link = free->next;
      if (free->bytes > size) {
        *link = ::new (reinterpret_cast<std::byte*>(free) + size) gap{.bytes = free->bytes - size, .next = free->next};
      }
      return free;
    }
    return nullptr;
  }

  /// Makes a block a gap, one with those beside it.
  static const gap* put_back(chunk& owner, void* block, std::size_t size) noexcept {
    gap* before = nullptr;
    gap* after = owner.gaps;
    while (after != nullptr && static_cast<void*>(after) < block) {
      before = after;
      after = after->next;
    }
    gap* freed = ::new (block) gap{.bytes = size, .next = after};
    (before == nullptr ? owner.gaps : before->next) = freed;
    if (after != nullptr && end_of(freed) == reinterpret_cast<std::byte*>(after)) {
      *freed = {.bytes = freed->bytes + after->bytes, .next = after->next};
    }
    if (before != nullptr && end_of(before) == reinterpret_cast<std::byte*>(freed)) {
      *before = {.bytes = before->bytes + freed->bytes, .next = freed->next};
      freed = before;
    }
    return freed;
  }

  /// Gives back the huge pages that lie wholly in a gap, behind what describes it; they read as zeros when used again.
  static void give_pages_back(const gap& free) noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(&free);
    const std::uintptr_t first = (begin + sizeof(gap) + huge_page - 1) / huge_page * huge_page;
    const std::uintptr_t last = (begin + free.bytes) / huge_page * huge_page;
    if (first < last) {
      (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
    }
  }

  mutable std::mutex mutex_;
  chunk* chunks_ = nullptr;
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
      shared_huge_pages::instance().deallocate(memory, count * sizeof(T));
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
