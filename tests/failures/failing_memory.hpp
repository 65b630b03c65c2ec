// SPDX-License-Identifier: Apache-2.0
#pragma once

// Memory that runs out when told to: replaces malloc and its kin, on which operator new stands, in the whole process.
// For one file of a program.

#include <atomic>
#include <cerrno>
#include <cstddef>

// What glibc calls its own.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);
}

namespace failing_memory {

enum class span { once, from_then_on };

inline std::atomic<bool> is_watching{false};
inline std::atomic<std::ptrdiff_t> calls{0};        // while watching
inline std::atomic<std::ptrdiff_t> live_blocks{0};  // always
inline std::atomic<std::ptrdiff_t> first_failure{-1};
inline std::atomic<span> lasting{span::once};

inline bool fails() noexcept {
  if (!is_watching) {
    return false;
  }
  const std::ptrdiff_t call = calls++;
  return call == first_failure || (lasting == span::from_then_on && first_failure >= 0 && call > first_failure);
}

template <class Allocate>
void* allocated(const Allocate& allocate) noexcept {
  void* const memory = fails() ? nullptr : allocate();
  if (memory == nullptr) {
    errno = ENOMEM;
  } else {
    ++live_blocks;
  }
  return memory;
}

/// The allocations of the process while it lives, from 0; that of number `first` fails.
class watch {
 public:
  explicit watch(std::ptrdiff_t first, span how_long = span::once) {
    calls = 0;
    first_failure = first;
    lasting = how_long;
    is_watching = true;
  }
  watch(const watch&) = delete;
  watch& operator=(const watch&) = delete;
  ~watch() { is_watching = false; }
};

}  // namespace failing_memory

extern "C" {

void* malloc(std::size_t size) noexcept {
  return failing_memory::allocated([&] { return __libc_malloc(size); });
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  return failing_memory::allocated([&] { return __libc_calloc(count, size); });
}

void* realloc(void* memory, std::size_t size) noexcept {
  if (memory == nullptr) {
    return malloc(size);
  }
  if (failing_memory::fails()) {
    errno = ENOMEM;
    return nullptr;
  }
  return __libc_realloc(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return failing_memory::allocated([&] { return __libc_memalign(alignment, size); });
}

void* memalign(std::size_t alignment, std::size_t size) noexcept { return aligned_alloc(alignment, size); }

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  *memory = aligned_alloc(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

void free(void* memory) noexcept {
  failing_memory::live_blocks -= memory != nullptr ? 1 : 0;
  __libc_free(memory);
}

}  // extern "C"
