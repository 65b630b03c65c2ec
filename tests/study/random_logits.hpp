// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/exit_logits.hpp>

#include <cstddef>
#include <cstdint>
#include <random>

namespace offramp_tests {

/// How made-up logits are to look.
struct logits_shape {
  std::size_t texts = 1;
  std::size_t exits = 1;
  std::size_t labels = 2;
  float step = 0.0F;  ///< logits are multiples of it, so that confidences tie; 0: they do not
};

/// Exits on layers 2, 4, ..., with unequal temperatures; the deeper, the more often right. A gate that knows nothing.
inline offramp::study::exit_logits random_logits(const logits_shape& shape, std::uint32_t seed) {
  std::mt19937 bits(seed);
  const auto uniform = [&] { return static_cast<float>(bits() >> 8U) / 0x1p24F; };
  offramp::study::exit_logits logits{
      .num_texts = shape.texts, .num_labels = shape.labels, .exits = {}, .label_ids = {}, .tokens = {}, .values = {}};
  for (std::size_t text = 0; text < shape.texts; ++text) {
    logits.label_ids.push_back(static_cast<int>(bits() % shape.labels));
    logits.tokens.push_back(8);
  }
  for (std::size_t exit = 0; exit < shape.exits; ++exit) {
    const auto depth = static_cast<float>(exit + 1);
    logits.exits.push_back({static_cast<int>(2 * exit + 2), shape.step > 0.0F ? 1.0F : 0.5F + uniform()});
    for (std::size_t text = 0; text < shape.texts; ++text) {
      for (std::size_t label = 0; label < shape.labels; ++label) {
        float value = 3.0F * uniform();
        value += static_cast<int>(label) == logits.label_ids[text] ? depth * uniform() : 0.0F;
        logits.values.push_back(
            shape.step > 0.0F ? shape.step * static_cast<float>(static_cast<int>(value / shape.step)) : value);
      }
    }
  }
  for (std::size_t i = 0; i < shape.exits * shape.texts; ++i) {
    logits.uncertainties.push_back(shape.step > 0.0F ? static_cast<float>(bits() % 5) / 4.0F : uniform());
  }
  return logits;
}

}  // namespace offramp_tests
