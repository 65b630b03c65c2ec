// SPDX-License-Identifier: Apache-2.0
#include "model_inputs.hpp"

#include <random>

namespace offramp_bench {

namespace {

bool has_piece(const offramp::classifier& model, std::int32_t id) {
  try {
    return !model.piece(id).empty();
  } catch (const offramp::error&) {
    return false;
  }
}

/// The first power-of-two step and then bisection: vocabularies have no holes.
std::int32_t vocabulary_size(const offramp::classifier& model) {
  std::int32_t present = 0;
  std::int32_t absent = 1;
  while (has_piece(model, absent)) {
    present = absent;
    absent *= 2;
  }
  while (absent - present > 1) {
    const std::int32_t middle = present + (absent - present) / 2;
    (has_piece(model, middle) ? present : absent) = middle;
  }
  return absent;
}

}  // namespace

std::vector<offramp::encoding> random_inputs(const offramp::classifier& model, std::size_t count, std::size_t tokens) {
  const offramp::encoding empty = model.tokenize("");
  const auto size = static_cast<std::uint32_t>(vocabulary_size(model));
  std::mt19937 random(1);  // its sequence is fixed by the standard, unlike that of distributions
  std::vector<offramp::encoding> inputs(count);
  for (offramp::encoding& input : inputs) {
    input.ids.push_back(empty.ids.front());
    while (input.ids.size() + 1 < tokens) {
      input.ids.push_back(static_cast<std::int32_t>(random() % size));
    }
    input.ids.push_back(empty.ids.back());
  }
  return inputs;
}

}  // namespace offramp_bench
