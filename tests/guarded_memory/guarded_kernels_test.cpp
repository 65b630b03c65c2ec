// SPDX-License-Identifier: Apache-2.0
// Every kernel of every target that this machine can run, with operands, results and scratch memory between pages that
// nobody may touch. Replaces the program's operator new and delete.
#include "reference/attention_problem.hpp"
#include "reference/guarded_memory.hpp"
#include "reference/kernel_targets.hpp"
#include "reference/normalization_problem.hpp"
#include "reference/product_problem.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <optional>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace guarded_kernels_test {
namespace {

thread_local std::optional<naive::guarded_side> side_of_this_thread;
thread_local std::size_t allocations_of_this_thread = 0;

/// What was mapped, by the address that was handed out. In memory of its own: it serves operator new.
class mappings {
 public:
  struct mapping {
    void* handed_out = nullptr;
    std::byte* first = nullptr;
    std::size_t bytes = 0;
  };

  void add(const mapping& added) {
    const std::scoped_lock lock(mutex_);
    const auto free = find(nullptr);
    if (free == entries_.end()) {
      std::abort();  // more live allocations than any test has
    }
    *free = added;
    used_ = std::max(used_, static_cast<std::size_t>(free - entries_.begin()) + 1);
  }

  /// Unmaps what was handed out there, if anything was.
  bool remove(void* handed_out) {
    const std::scoped_lock lock(mutex_);
    const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(used_);
    const auto found =
        std::find_if(entries_.begin(), end, [&](const mapping& each) { return each.handed_out == handed_out; });
    if (found == end) {
      return false;
    }
    munmap(found->first, found->bytes);
    *found = {};
    return true;
  }

 private:
  std::array<mapping, 4096>::iterator find(void* handed_out) {
    return std::find_if(entries_.begin(), entries_.end(),
                        [&](const mapping& each) { return each.handed_out == handed_out; });
  }

  std::mutex mutex_;
  std::size_t used_ = 0;
  std::array<mapping, 4096> entries_ = {};
};

mappings& all_mappings() {
  static mappings all;
  return all;
}

constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

void* allocate_guarded(std::size_t bytes, std::size_t alignment, naive::guarded_side side) noexcept {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t inner = round_up(std::max<std::size_t>(bytes, 1), std::max(page, alignment));
  // Large alignments begin anywhere: room for all that may lie before.
  const std::size_t total = inner + 2 * std::max(page, alignment);
  void* mapped = mmap(nullptr, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    return nullptr;
  }
  auto* first = static_cast<std::byte*>(mapped);
  const std::size_t address = round_up(reinterpret_cast<std::uintptr_t>(first) + page, std::max(page, alignment));
  std::byte* usable = first + (address - reinterpret_cast<std::uintptr_t>(first));
  if (mprotect(usable, inner, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapped, total);
    return nullptr;
  }
  std::byte* result = side == naive::guarded_side::before ? usable : usable + (inner - round_up(bytes, alignment));
  all_mappings().add({result, first, total});
  ++allocations_of_this_thread;
  return result;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  void* memory = side_of_this_thread
                     ? allocate_guarded(bytes, alignment, *side_of_this_thread)
                     : std::aligned_alloc(alignment, round_up(std::max<std::size_t>(bytes, 1), alignment));
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr && !all_mappings().remove(memory)) {
    std::free(memory);
  }
}

}  // namespace
}  // namespace guarded_kernels_test

namespace naive {

guarded_memory::guarded_memory(guarded_side side) noexcept {
  guarded_kernels_test::side_of_this_thread = side;
  guarded_kernels_test::allocations_of_this_thread = 0;
}
guarded_memory::~guarded_memory() { guarded_kernels_test::side_of_this_thread.reset(); }
std::size_t guarded_memory::allocations() const noexcept { return guarded_kernels_test::allocations_of_this_thread; }

}  // namespace naive

// The other forms call these.
void* operator new(std::size_t bytes) {
  return guarded_kernels_test::allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return guarded_kernels_test::allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { guarded_kernels_test::release(memory); }
void operator delete(void* memory, std::size_t /*bytes*/) noexcept { guarded_kernels_test::release(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { guarded_kernels_test::release(memory); }
void operator delete(void* memory, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  guarded_kernels_test::release(memory);
}

namespace guarded_kernels_test {

namespace nn = offramp::nn;
using naive::attention_problem;
using naive::guarded_memory;
using naive::guarded_side;
using naive::normalization_problem;
using naive::product_problem;
using nn::epilogue;

class guarded : public testing::TestWithParam<naive::target> {};

INSTANTIATE_TEST_SUITE_P(targets, guarded, testing::ValuesIn(naive::all_targets()), naive::name_of_target);

/// That a problem gives the same with its memory guarded on either side.
template <class MakeAndRun>
void expect_same_when_guarded(const MakeAndRun& make_and_run) {
  const std::vector<float> expected = make_and_run();
  for (const guarded_side side : {guarded_side::before, guarded_side::behind}) {
    std::vector<float> result(expected.size());
    {
      const guarded_memory memory(side);
      const std::vector<float> computed = make_and_run();
      std::copy(computed.begin(), computed.end(), result.begin());
      ASSERT_GE(memory.allocations(), 3U);
    }
    ASSERT_EQ(result, expected);
  }
}

// Four rows: whatever their length, the last one ends at the page, where the alignment leaves no gap.
TEST_P(guarded, products_stay_within_their_memory) {
  for (const std::size_t rows : {4UL, 16UL, 36UL, 172UL}) {
    for (const std::size_t inputs : {1UL, 13UL, 33UL, 64UL, 131UL}) {
      for (const std::size_t outputs : {1UL, 7UL, 33UL, 64UL}) {
        SCOPED_TRACE(testing::Message() << rows << " rows, " << inputs << " -> " << outputs);
        for (const epilogue kind : {epilogue::add, epilogue::gelu}) {
          ASSERT_NO_FATAL_FAILURE(expect_same_when_guarded([&] {
            return product_problem{rows, inputs, outputs}.run(GetParam(), kind);
          }));
        }
      }
    }
  }
}

TEST_P(guarded, products_of_long_rows_stay_within_their_memory) {
  expect_same_when_guarded([&] { return product_problem{56, 3072, 20}.run(GetParam(), epilogue::add); });
}

TEST_P(guarded, attention_stays_within_its_memory) {
  for (const std::size_t size : {4UL, 11UL, 32UL, 48UL, 80UL}) {
    for (const std::size_t tokens : {4UL, 16UL, 36UL, 52UL}) {
      SCOPED_TRACE(testing::Message() << tokens << " tokens, size " << size);
      ASSERT_NO_FATAL_FAILURE(expect_same_when_guarded([&] {
        return attention_problem{tokens, tokens, size}.run(GetParam());
      }));
      ASSERT_NO_FATAL_FAILURE(expect_same_when_guarded([&] {
        return naive::with_bias({tokens, tokens, size}).run(GetParam());
      }));
      ASSERT_NO_FATAL_FAILURE(expect_same_when_guarded([&] {
        return naive::with_bias({1, tokens, size}).run(GetParam());
      }));
      ASSERT_NO_FATAL_FAILURE(expect_same_when_guarded([&] {
        return naive::with_positions({tokens, tokens, size}, {.buckets = 8, .longest = 40}).run(GetParam());
      }));
    }
  }
}

TEST_P(guarded, normalization_stays_within_its_memory) {
  for (const std::size_t size : {1UL, 7UL, 16UL, 37UL, 384UL}) {
    SCOPED_TRACE(size);
    ASSERT_NO_FATAL_FAILURE(expect_same_when_guarded([&] { return normalization_problem{4, size}.run(GetParam()); }));
  }
}

TEST(guarded_memory, ends_the_process_beside_an_allocation_and_after_it) {
  const auto touch = [](guarded_side side, std::ptrdiff_t offset) {
    const guarded_memory memory(side);
    std::vector<float> values(12);
    const volatile float* outside = values.data() + offset;
    static_cast<void>(*outside);
  };
  touch(guarded_side::before, 0);
  touch(guarded_side::behind, 11);
  EXPECT_DEATH(touch(guarded_side::before, -1), "");
  EXPECT_DEATH(touch(guarded_side::behind, 12), "");
}

}  // namespace guarded_kernels_test
