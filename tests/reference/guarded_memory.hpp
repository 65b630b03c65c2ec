// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace naive {

/// The side of an allocation on which a page begins that ends the process when it is touched. On the other side the
/// alignment may leave a gap before the next such page.
enum class guarded_side { before, behind };

/// While one lives, whatever this thread allocates by `operator new` lies against a forbidden page, and nothing may be
/// touched after it was freed. At most one at a time on a thread. guarded_kernels_test.cpp replaces the operators.
class guarded_memory {
 public:
  explicit guarded_memory(guarded_side side) noexcept;
  ~guarded_memory();
  guarded_memory(const guarded_memory&) = delete;
  guarded_memory& operator=(const guarded_memory&) = delete;

  /// Allocations of this thread that got a forbidden page while this object lived.
  [[nodiscard]] std::size_t allocations() const noexcept;
};

}  // namespace naive
