// SPDX-License-Identifier: Apache-2.0
// Memory that runs out at any allocation of any call is an exception: nothing leaks, and the model goes on answering.
#include "failing_memory.hpp"

#include "public_calls.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr std::ptrdiff_t bundled_step = 500;

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

/// Every `step`th allocation of the call fails, alone or with all that follow.
void expect_survives(const public_call& call, std::ptrdiff_t step, span how_long) {
  SCOPED_TRACE(call.name + (how_long == span::once ? ", once" : ", from then on"));
  static_cast<void>(call.run());
  const std::string expected = call.run();
  const std::ptrdiff_t count = allocations_of(call);
  std::ptrdiff_t refused = 0;
  for (std::ptrdiff_t first = 0; first < count; first += step) {
    const std::ptrdiff_t live = failing_memory::live_blocks;
    if (const std::optional<std::string> found = outcome(call, first, how_long)) {
      ASSERT_EQ(*found, expected) << "allocation " << first << " of " << count;
    } else {
      ++refused;
    }
    // What the call keeps for the next one is freed or grown by then; only what nobody finds again adds up.
    if (failing_memory::live_blocks > live) {
      static_cast<void>(outcome(call, first, how_long));
      const std::ptrdiff_t again = failing_memory::live_blocks;
      static_cast<void>(outcome(call, first, how_long));
      ASSERT_LE(failing_memory::live_blocks, again) << "allocation " << first << " of " << count << " leaks";
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(call.run(), expected) << "usable afterwards";
}

void expect_all_survive(const std::vector<public_call>& calls, std::ptrdiff_t step) {
  for (const public_call& call : calls) {
    expect_survives(call, step, span::once);
    expect_survives(call, step, span::from_then_on);
  }
}

TEST(failing_memory, is_noticed) {
  const std::ptrdiff_t live = failing_memory::live_blocks;
  const public_call makes_a_list{"list", [] { return std::to_string(std::vector<int>(100).size()); }};
  EXPECT_EQ(allocations_of(makes_a_list), 1);
  EXPECT_EQ(outcome(makes_a_list, 0, span::once), std::nullopt);
  EXPECT_EQ(outcome(makes_a_list, 1, span::once), "100");
  EXPECT_EQ(failing_memory::live_blocks, live);
}

TEST(allocation_failures, of_loading) {
  for (const char* model : {"tiny", "tiny-pair", "family-xlm-roberta"}) {
    SCOPED_TRACE(model);
    const public_calls calls(model);
    expect_all_survive(calls.loading(), 1);
  }
}

TEST(allocation_failures, of_classifying) {
  const public_calls calls;
  expect_all_survive(public_calls::classifying(calls.model()), 1);
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
  expect_all_survive(public_calls::classifying(calls.model(), one_by_one), 1);
}

// Thousands of allocations of tens of megabytes each; some of them are enough.
TEST(allocation_failures, of_the_bundled_models) {
  for (const std::string name : {"sentiment-en", "sentiment-ko"}) {
    const std::string directory = OFFRAMP_SOURCE_DIR "/models/" + name;
    const auto model = offramp::classifier::load(directory);
    const public_call load{name, [&] { return std::to_string(offramp::classifier::load(directory).num_layers()); }};
    SCOPED_TRACE(name);
    const std::ptrdiff_t count = allocations_of(load);
    for (std::ptrdiff_t first = 0; first < count; first += bundled_step) {
      EXPECT_NO_THROW(static_cast<void>(outcome(load, first, span::once)));
    }
    expect_all_survive(public_calls::classifying(model), 1);
  }
}

TEST(allocation_failures, of_studying) {
  const public_calls calls;
  expect_all_survive(calls.studying(), 1);
}

}  // namespace
