// SPDX-License-Identifier: Apache-2.0
#include <offramp/detail/memory_pool.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace memory_pool_test {

/// Memory that says what it takes, and how much of it there is.
struct counted_memory {
  static inline int alive = 0;

  counted_memory() { ++alive; }
  counted_memory(const counted_memory&) = delete;
  counted_memory& operator=(const counted_memory&) = delete;
  ~counted_memory() { --alive; }
  [[nodiscard]] std::size_t bytes() const noexcept { return size; }

  std::size_t size = 0;
};

using pool = offramp::detail::memory_pool<counted_memory>;

/// Uses one piece, which grows to at least `size`.
const counted_memory* use(pool& subject, std::size_t size) {
  const pool::lease lease(subject);
  lease->size = std::max(lease->size, size);
  return &*lease;
}

/// Uses as many pieces at once.
void use_at_once(pool& subject, std::size_t pieces, std::size_t size) {
  std::vector<std::optional<pool::lease>> leases(pieces);
  for (auto& lease : leases) {
    lease.emplace(subject);
    (*lease)->size = std::max((*lease)->size, size);
  }
}

class MemoryPoolTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(counted_memory::alive, 0); }
};

TEST_F(MemoryPoolTest, CallsUseTheSameMemoryInTurn) {
  pool subject(100);
  const counted_memory* first = use(subject, 10);
  EXPECT_EQ(use(subject, 10), first);
  EXPECT_EQ(use(subject, 30), first);
  EXPECT_EQ(subject.bytes(), 30U);
  EXPECT_EQ(counted_memory::alive, 1);
  const pool::lease in_use(subject);
  EXPECT_EQ(subject.bytes(), 0U);
}

TEST_F(MemoryPoolTest, ManyCallsAtOnceLeaveNoMoreThanIsKept) {
  pool subject(100);
  use_at_once(subject, 16, 30);
  EXPECT_EQ(subject.bytes(), 90U);
  EXPECT_EQ(counted_memory::alive, 3);
  use_at_once(subject, 16, 30);
  EXPECT_EQ(counted_memory::alive, 3);
}

TEST_F(MemoryPoolTest, AnUnusualCallLeavesTheOthersTheirMemory) {
  pool subject(100);
  use_at_once(subject, 3, 30);
  {
    const pool::lease unusual(subject);
    unusual->size = 101;
  }
  EXPECT_EQ(subject.bytes(), 60U);
  EXPECT_EQ(counted_memory::alive, 2);
}

TEST_F(MemoryPoolTest, WhatNobodyNeedsForLongIsFreed) {
  pool subject(100);
  use_at_once(subject, 4, 20);
  for (std::uint64_t call = 0; call < pool::longest_wait; ++call) {
    use(subject, 20);
  }
  EXPECT_LE(subject.bytes(), 40U);
  use(subject, 20);
  use(subject, 20);
  EXPECT_EQ(subject.bytes(), 20U);
  EXPECT_EQ(counted_memory::alive, 1);
}

TEST_F(MemoryPoolTest, ReleaseFreesWhatWaitsOnly) {
  pool subject(100);
  use_at_once(subject, 3, 20);
  {
    const pool::lease in_use(subject);
    subject.release();
    EXPECT_EQ(subject.bytes(), 0U);
    EXPECT_EQ(counted_memory::alive, 1);
  }
  EXPECT_EQ(subject.bytes(), 20U);
}

}  // namespace memory_pool_test
