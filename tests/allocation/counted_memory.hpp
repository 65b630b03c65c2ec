// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>

// What the process allocates: counted_memory.cpp replaces operator new and mmap for a program of its own.
namespace counted_memory {

/// Calls of operator new, and mappings of large buffers. Those of the heap itself are not counted.
extern std::atomic<std::size_t> allocations;
/// Bytes of the largest such mapping. A test may lower it.
extern std::atomic<std::size_t> largest_mapping;
/// Bytes that operator new has given and that were not given back, and the most at any time. A test may lower `peak`.
extern std::atomic<std::size_t> live;
extern std::atomic<std::size_t> peak;

}  // namespace counted_memory
