// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Throws std::bad_alloc. `alignment` is a multiple of a huge page's size. The system may serve small pages instead.
inline void* allocate_on_huge_pages(std::size_t bytes, std::size_t alignment) {
  void* memory = ::operator new(bytes, std::align_val_t{alignment});
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  (void)::madvise(memory, bytes, MADV_HUGEPAGE);  // a hint: where the system refuses, small pages serve as well
#endif
  return memory;
}

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

  static constexpr std::align_val_t alignment(std::size_t bytes) noexcept {
    return std::align_val_t{bytes >= huge_page ? huge_page : cache_line};
  }

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) {
      throw std::bad_array_new_length();
    }
    const std::size_t bytes = count * sizeof(T);
    return static_cast<T*>(bytes >= huge_page ? allocate_on_huge_pages(bytes, huge_page)
                                              : ::operator new(bytes, alignment(bytes)));
  }
  void deallocate(T* memory, std::size_t count) noexcept { ::operator delete(memory, alignment(count * sizeof(T))); }

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

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
