// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace offramp_tests {

/// Exits on layers 1, 2 and 3, at most 24 tokens.
inline const offramp::classifier& model() {
  static const offramp::classifier loaded = offramp::classifier::load(tiny_directory("tiny"));
  return loaded;
}

inline const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = {
      "A good film.", "", "never dull, never bad", "the story of a man and a dog", "\xff", "not warm!"};
  return all;
}

/// `part` again and again, at least `size` bytes.
inline std::string repeated(std::string_view part, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    text += part;
  }
  return text;
}

/// The function must throw `invalid_argument` with a message that has `part`.
template <class Function>
void expect_invalid_argument(Function function, std::string_view part) {
  try {
    (void)function();
    ADD_FAILURE() << "nothing was thrown, expected: " << part;
  } catch (const offramp::error& caught) {
    EXPECT_EQ(caught.kind(), offramp::error_kind::invalid_argument) << caught.what();
    EXPECT_NE(std::string_view(caught.what()).find(part), std::string_view::npos)
        << part << " is not in: " << caught.what();
  }
}

}  // namespace offramp_tests
