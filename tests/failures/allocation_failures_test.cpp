// SPDX-License-Identifier: Apache-2.0
// Memory that runs out at any allocation of any call is an exception: nothing leaks, and the model goes on answering.
#include "public_calls.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

// After the headers of the system that declare what it replaces.
#include "failing_memory.hpp"

namespace {

using failing_memory::span;
using failing_memory::watch;
using offramp_tests::public_call;
using offramp_tests::public_calls;

/// What the call returned, or nothing where it said that memory had run out.
std::optional<std::string> outcome(const public_call& call, std::ptrdiff_t first_failure, span how_long) {
  try {
    const watch failing(first_failure, how_long);
    return call.run();
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  } catch (const offramp::error&) {  // a system call had no memory, which some say of files
    return std::nullopt;
  }
}

std::ptrdiff_t allocations_of(const public_call& call) {
  const watch none(-1);
  static_cast<void>(call.run());
  return failing_memory::calls;
}

/// Whether the same failure again and again takes more and more memory. What a call keeps for the next one may come and
/// go meanwhile.
bool grows(const public_call& call, std::ptrdiff_t first_failure, span how_long) {
  const auto most_of = [&](int rounds) {
    std::ptrdiff_t most = 0;
    for (int round = 0; round < rounds; ++round) {
      static_cast<void>(outcome(call, first_failure, how_long));
      most = std::max<std::ptrdiff_t>(most, failing_memory::live_blocks);
    }
    return most;
  };
  const std::ptrdiff_t soon = most_of(16);
  return most_of(16) > soon;
}

constexpr std::ptrdiff_t all = 1 << 20;

/// How many allocations of a long call fail: few, or, for whoever has minutes, as many as `thorough`.
std::ptrdiff_t few_or(std::ptrdiff_t few, std::ptrdiff_t thorough) {
  return std::getenv("OFFRAMP_EVERY_ALLOCATION") == nullptr ? few : thorough;
}

/// Every allocation of the call fails, or about `most` of them evenly spread; alone or with all that follow.
void expect_survives(const public_call& call, std::ptrdiff_t most, span how_long) {
  SCOPED_TRACE(call.name + (how_long == span::once ? ", once" : ", from then on"));
  static_cast<void>(call.run());
  const std::string expected = call.run();
  const std::ptrdiff_t count = allocations_of(call);
  const std::ptrdiff_t step = std::max<std::ptrdiff_t>(1, count / most);
  std::ptrdiff_t refused = 0;
  for (std::ptrdiff_t first = 0; first < count; first += step) {
    const std::ptrdiff_t live = failing_memory::live_blocks;
    if (const std::optional<std::string> found = outcome(call, first, how_long)) {
      ASSERT_EQ(*found, expected) << "allocation " << first << " of " << count;
    } else {
      ++refused;
    }
    if (failing_memory::live_blocks > live) {
      ASSERT_FALSE(grows(call, first, how_long)) << "allocation " << first << " of " << count << " leaks";
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(call.run(), expected) << "usable afterwards";
}

void expect_all_survive(const std::vector<public_call>& calls, std::ptrdiff_t most) {
  for (const public_call& call : calls) {
    expect_survives(call, most, span::once);
    expect_survives(call, most, span::from_then_on);
  }
}

TEST(failing_memory, is_noticed) {
  const std::ptrdiff_t live = failing_memory::live_blocks;
  const public_call makes_a_list{"list", [] {
                                   const std::vector<int> list(100);
                                   const int* const volatile seen = list.data();  // else a compiler may leave it out
                                   return std::to_string(seen == nullptr ? 0 : list.size());
                                 }};
  EXPECT_EQ(allocations_of(makes_a_list), 1);
  EXPECT_EQ(outcome(makes_a_list, 0, span::once), std::nullopt);
  EXPECT_EQ(outcome(makes_a_list, 1, span::once), "100");
  EXPECT_EQ(failing_memory::live_blocks, live);
}

TEST(failing_memory, tells_a_leak) {
  static std::vector<std::string*> lost;
  lost.reserve(100);
  const public_call leaks{"leak", [] {
                            lost.push_back(new std::string(100, 'a'));
                            return *std::make_unique<std::string>(100, 'b');
                          }};
  EXPECT_TRUE(grows(leaks, 3, span::once));
  for (const std::string* one : lost) {
    delete one;
  }
  EXPECT_FALSE(grows({"list", [] { return std::to_string(std::vector<int>(100).size()); }}, 0, span::once));
}

TEST(allocation_failures, of_loading) {
  const public_calls calls("tiny");
  expect_survives(calls.loading()[0], all, span::once);
  expect_survives(calls.loading()[0], few_or(300, all), span::from_then_on);
  expect_all_survive({calls.loading()[1]}, few_or(300, all));
}

TEST(allocation_failures, of_loading_other_tokenizers) {
  for (const char* model : {"family-xlm-roberta", "family-roberta"}) {
    SCOPED_TRACE(model);
    expect_all_survive({public_calls(model).loading()[0]}, few_or(300, all));
  }
}

TEST(allocation_failures, of_classifying) {
  const public_calls calls;
  expect_all_survive(public_calls::classifying(calls.model()), all);
}

// What a model makes at its first call and keeps.
TEST(allocation_failures, of_the_first_calls) {
  const public_calls calls;
  const std::vector<public_call> expected = public_calls::classifying(calls.model());
  for (std::size_t index = 0; index < expected.size(); ++index) {
    SCOPED_TRACE(expected[index].name);
    std::ptrdiff_t first = 0;
    for (bool is_done = false; !is_done; ++first) {
      const auto fresh = offramp::classifier::load(calls.directory() / "model");
      const public_call call = public_calls::classifying(fresh)[index];
      is_done = outcome(call, first, span::once).has_value();
      ASSERT_EQ(call.run(), expected[index].run()) << "allocation " << first;
    }
    EXPECT_GT(first, 1);
  }
}

TEST(allocation_failures, of_threads_that_are_lent) {
  const public_calls calls;
  const auto one_by_one = [](std::size_t n, const std::function<void(std::size_t)>& body) {
    for (std::size_t i = 0; i < n; ++i) {
      body(i);
    }
  };
  expect_all_survive(public_calls::classifying(calls.model(), one_by_one), all);
}

TEST(allocation_failures, of_the_bundled_models) {
  for (const std::string name : {"sentiment-en", "sentiment-ko", "news-topics-en"}) {
    const std::string directory = OFFRAMP_SOURCE_DIR "/models/" + name;
    const auto model = offramp::classifier::load(directory);
    const auto load = [&] { return std::to_string(offramp::classifier::load(directory).num_layers()); };
    SCOPED_TRACE(name);
    // Hundreds of thousands of allocations: every 500th, where there are minutes.
    expect_survives({name, load}, few_or(20, allocations_of({name, load}) / 500), span::once);
    expect_all_survive(public_calls::classifying(model), all);
  }
}

TEST(allocation_failures, of_studying) {
  const public_calls calls;
  expect_all_survive(calls.studying(), few_or(150, all));
}

}  // namespace
