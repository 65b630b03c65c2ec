// SPDX-License-Identifier: Apache-2.0
#include "counted_memory.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace counted_memory {

std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> largest_mapping{0};
std::atomic<std::size_t> live{0};
std::atomic<std::size_t> peak{0};

namespace {

void* allocate(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  live += malloc_usable_size(memory);
  peak = std::max(peak.load(), live.load());
  return memory;
}

void release(void* memory) noexcept {
  live -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace
}  // namespace counted_memory

extern "C" void* mmap(void* address, std::size_t size, int protection, int flags, int file, off_t offset) noexcept {
  counted_memory::allocations.fetch_add(1, std::memory_order_relaxed);
  counted_memory::largest_mapping = std::max(counted_memory::largest_mapping.load(), size);
  return reinterpret_cast<void*>(::syscall(SYS_mmap, address, size, protection, flags, file, offset));
}

void* operator new(std::size_t size) { return counted_memory::allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted_memory::allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { counted_memory::release(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { counted_memory::release(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { counted_memory::release(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  counted_memory::release(memory);
}
