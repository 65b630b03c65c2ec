// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/mman.h>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// What a mapping of `bytes` takes: a multiple of every page size in use.
constexpr std::size_t mapped_size(std::size_t bytes) noexcept {
  constexpr std::size_t largest_page = std::size_t{64} << 10U;
  return (bytes + largest_page - 1) / largest_page * largest_page;
}

/// Zeros in a mapping of their own: they go back to the system when they are unmapped, which a heap may delay for ever,
/// and the wish for huge pages concerns nothing else. `alignment` is a multiple of a huge page's size. The system may
/// serve small pages instead. Throws std::bad_alloc.
inline void* map_huge_pages(std::size_t bytes, std::size_t alignment) {
  const std::size_t size = mapped_size(bytes);
  if (size < bytes || size > std::numeric_limits<std::size_t>::max() - alignment) {
    throw std::bad_alloc();
  }
  void* const wide = ::mmap(nullptr, size + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (wide == MAP_FAILED) {
    throw std::bad_alloc();
  }
  auto* const begin = static_cast<std::byte*>(wide);
  const std::size_t before = (alignment - reinterpret_cast<std::uintptr_t>(wide) % alignment) % alignment;
  if (before > 0) {
    (void)::munmap(begin, before);
  }
  if (before < alignment) {
    (void)::munmap(begin + before + size, alignment - before);
  }
#if defined(MADV_HUGEPAGE)
  (void)::madvise(begin + before, size, MADV_HUGEPAGE);  // where the system refuses, small pages serve as well
#endif
  return begin + before;
}

/// `bytes` as they were asked for.
inline void unmap_huge_pages(void* memory, std::size_t bytes) noexcept { (void)::munmap(memory, mapped_size(bytes)); }

/// Memory that begins on a cache line, or on a huge page where it is large enough to hold some: streaming weights
/// through few page-table entries is faster. New elements are left uninitialized unless a value is given.
template <class T>
struct aligned_allocator {
  static_assert(std::is_trivially_copyable_v<T>);
  using value_type = T;

  static constexpr std::size_t cache_line = 64;
  static constexpr std::size_t huge_page = std::size_t{1} << 21;

  aligned_allocator() = default;
  template <class U>
  explicit(false) aligned_allocator(const aligned_allocator<U>& /*other*/) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) {
      throw std::bad_array_new_length();
    }
    const std::size_t bytes = count * sizeof(T);
    return static_cast<T*>(bytes >= huge_page ? map_huge_pages(bytes, huge_page)
                                              : ::operator new (bytes, std::align_val_t{cache_line}));
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    if (count * sizeof(T) >= huge_page) {
      unmap_huge_pages(memory, count * sizeof(T));
    } else {
      ::operator delete (memory, std::align_val_t{cache_line});
    }
  }

  template <class U>
  void construct(U* place) noexcept {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Arguments>
  void construct(U* place, Arguments&&... arguments) {
    ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
  }

  bool operator==(const aligned_allocator&) const = default;
};

template <class T>
using aligned_vector = std::vector<T, aligned_allocator<T>>;

/// Makes room for `size` elements without ever giving memory back. The content is then undefined: what was there makes
/// place first, so that both are never needed at once.
template <class T>
void grow(aligned_vector<T>& memory, std::size_t size) {
  if (memory.size() < size) {
    memory = {};
    memory.resize(size);
  }
}

/// Memory that a vector takes, without that of its elements.
template <class Vector>
[[nodiscard]] std::size_t bytes_of(const Vector& memory) noexcept {
  return memory.capacity() * sizeof(typename Vector::value_type);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
