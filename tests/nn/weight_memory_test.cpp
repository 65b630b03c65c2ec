// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/weight_memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

namespace weight_memory_test {

using offramp::nn::shared_huge_pages;
using offramp::nn::weight_vector;

/// A vector filled with a value of its own, so that a block which another one overlaps is found out.
struct marked {
  weight_vector<std::uint32_t> block;
  std::uint32_t mark;

  marked(std::size_t size, std::uint32_t value) : block(size, value), mark(value) {}
  [[nodiscard]] bool is_intact() const {
    return std::all_of(block.begin(), block.end(), [&](std::uint32_t found) { return found == mark; });
  }
};

bool is_on_cache_line(const void* address) { return reinterpret_cast<std::uintptr_t>(address) % 64 == 0; }

TEST(WeightMemoryTest, BlocksLieOneAfterAnotherOnCacheLines) {
  shared_huge_pages& pages = shared_huge_pages::instance();
  auto* const first = static_cast<std::byte*>(pages.allocate(100));
  auto* const second = static_cast<std::byte*>(pages.allocate(64));
  EXPECT_TRUE(is_on_cache_line(first));
  EXPECT_EQ(second - first, 128);
  pages.deallocate(first);
  pages.deallocate(second);
}

TEST(WeightMemoryTest, BlocksOfAllSizesKeepWhatIsInThem) {
  std::mt19937 random(1);
  std::vector<marked> kept;
  for (std::uint32_t i = 0; i < 300; ++i) {
    const std::size_t largest = shared_huge_pages::most_block_bytes / sizeof(std::uint32_t);
    const std::size_t size = i % 50 == 0 ? largest + i % 3 : random() % 100000 + 1;  // also what has memory of its own
    kept.emplace_back(size, i);
    ASSERT_TRUE(is_on_cache_line(kept.back().block.data()));
    if (i % 3 == 2) {
      std::swap(kept[random() % kept.size()], kept.back());
      ASSERT_TRUE(kept.back().is_intact());
      kept.pop_back();
    }
  }
  EXPECT_TRUE(std::all_of(kept.begin(), kept.end(), [](const marked& each) { return each.is_intact(); }));
}

TEST(WeightMemoryTest, SeveralThreadsMayUseIt) {
  std::vector<int> intact(4, 0);
  {
    std::vector<std::jthread> threads;
    for (std::uint32_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&intact, thread] {
        std::vector<marked> kept;
        for (std::uint32_t i = 0; i < 200; ++i) {
          kept.emplace_back(1000 + i, 1000 * thread + i);
          if (i % 2 == 1) {
            kept.erase(kept.begin());
          }
        }
        intact[thread] =
            static_cast<int>(std::count_if(kept.begin(), kept.end(), [](const marked& m) { return m.is_intact(); }));
      });
    }
  }
  EXPECT_EQ(intact, std::vector<int>(4, 100));
}

}  // namespace weight_memory_test
