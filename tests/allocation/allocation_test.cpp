// SPDX-License-Identifier: Apache-2.0
// After a call of the same size, a call allocates only what its result owns. A program of its own, because it counts
// every allocation in the process.
#include "text/subword_corpus.hpp"

#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <vector>

namespace {

std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept { std::free(memory); }

namespace {

using offramp::classifier;
using offramp::numeric_format;

std::size_t allocations_of(const std::function<void()>& call) {
  const std::size_t before = allocations.load();
  call();
  return allocations.load() - before;
}

class allocation : public testing::TestWithParam<numeric_format> {};

INSTANTIATE_TEST_SUITE_P(formats, allocation,
                         testing::Values(numeric_format::float32, numeric_format::bfloat16, numeric_format::int8));

TEST(counter, counts) {
  EXPECT_EQ(allocations_of([] {
              const std::vector<int> one(3);
              EXPECT_EQ(one[0], 0);
            }),
            1U);
}

TEST_P(allocation, classify_allocates_its_result_only) {
  const classifier model = classifier::load(OFFRAMP_SOURCE_DIR "/models/sentiment-en", {.format = GetParam()});
  const std::string text = "A film about grief that somehow leaves you smiling.";
  const offramp::encoding tokens = model.tokenize(text);
  const auto classify_tokens = [&] { EXPECT_EQ(model.classify(tokens, 2.0F).probabilities.size(), 2U); };
  const auto classify_text = [&] { EXPECT_EQ(model.classify(text, 2.0F).probabilities.size(), 2U); };
  classify_tokens();
  EXPECT_LE(allocations_of(classify_tokens), 1U);  // probabilities; a short label needs no memory
  classify_text();
  EXPECT_LE(allocations_of(classify_text), 1U);
}

TEST(allocation, subword_tokenizers_keep_their_memory) {
  for (const std::string variant : {"xlm_roberta", "albert", "roberta", "unigram_nfkc"}) {
    const offramp::text::tokenizer subject = corpus::load_subwords(variant);
    const std::string text = "Ka to\u0301  ri \uac00\u1100\u1161 \uff76\uff9e, ``it's'' <mask> \u2460\u0301\u0323.";
    offramp::text::encode_memory memory;
    const auto encode = [&] { EXPECT_GT(subject.encode(text, 64, memory).ids.size(), 10U); };
    encode();
    EXPECT_EQ(allocations_of(encode), 0U) << variant;
  }
}

}  // namespace
