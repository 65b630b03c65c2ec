// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/weight_memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include <unistd.h>

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
  pages.deallocate(first, 100);
  pages.deallocate(second, 64);
}

/// The memory of the process that is in use, in bytes.
std::size_t resident_bytes() {
  std::size_t all = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

constexpr std::size_t mib = std::size_t{1} << 20U;

constexpr std::size_t large_blocks = 60;  // of 1 MiB

// A small model is loaded while a large one is there, again and again; then the large ones are gone.
TEST(WeightMemoryTest, SmallModelsKeepNoMemoryOfLargeOnes) {
  shared_huge_pages& pages = shared_huge_pages::instance();
  const std::size_t before = pages.mapped_bytes();
  std::vector<marked> small;
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 20; ++i) {
    std::vector<void*> large;
    for (std::size_t block = 0; block < large_blocks; ++block) {
      large.push_back(pages.allocate(mib));
    }
    small.emplace_back(1000, i);
    most = std::max(most, pages.mapped_bytes() - before);
    for (void* block : large) {
      pages.deallocate(block, mib);
    }
  }
  EXPECT_LE(most, large_blocks * mib + 2 * shared_huge_pages::chunk_bytes);
  EXPECT_LE(pages.mapped_bytes() - before, shared_huge_pages::chunk_bytes);
  EXPECT_TRUE(std::all_of(small.begin(), small.end(), [](const marked& each) { return each.is_intact(); }));
}

TEST(WeightMemoryTest, PagesBetweenBlocksGoBackToTheSystem) {
  std::vector<marked> large;
  for (std::uint32_t i = 0; i < large_blocks; ++i) {
    large.emplace_back(mib / sizeof(std::uint32_t), i);
  }
  const std::size_t before = resident_bytes();
  if (before == 0) {
    GTEST_SKIP() << "the system does not tell";
  }
  const std::size_t mapped = shared_huge_pages::instance().mapped_bytes();
  std::vector<marked> kept;
  for (std::size_t i = 7; i < large.size(); i += 15) {
    kept.push_back(std::move(large[i]));
  }
  large.clear();
  EXPECT_LE(resident_bytes() + 30 * mib, before) << "of 56 MiB given back";
  EXPECT_EQ(shared_huge_pages::instance().mapped_bytes(), mapped) << "every chunk is pinned by a block";
  EXPECT_TRUE(std::all_of(kept.begin(), kept.end(), [](const marked& each) { return each.is_intact(); }));
}

TEST(WeightMemoryTest, FreedBlocksAreUsedAgain) {
  constexpr std::size_t size = 1024;
  constexpr std::size_t row = 6;
  shared_huge_pages& pages = shared_huge_pages::instance();
  std::vector<std::byte*> blocks;
  // What other tests left free is filled first, until so many blocks lie side by side.
  for (std::size_t beside = 0; beside < row;) {
    auto* const block = static_cast<std::byte*>(pages.allocate(size));
    beside = !blocks.empty() && block == blocks.back() + size ? beside + 1 : 1;
    blocks.push_back(block);
  }
  const auto first = blocks.end() - row;
  for (const std::ptrdiff_t order : {1, 3, 2, 0, 4}) {  // neighbours below, above and on both sides
    pages.deallocate(first[order], size);
  }
  void* const wide = pages.allocate(5 * size);
  EXPECT_EQ(wide, *first) << "the gaps have become one";
  pages.deallocate(wide, 5 * size);
  blocks.erase(first, blocks.end() - 1);
  for (std::byte* const block : blocks) {
    pages.deallocate(block, size);
  }
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
