// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/text_piece.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

/// Random texts, and random cuts of them.
namespace random_pieces {

class random_source {
 public:
  explicit random_source(std::uint32_t seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_()) % bound; }

  template <typename Values>
  const auto& one_of(const Values& values) {
    return values[below(values.size())];
  }

 private:
  std::mt19937 engine_;
};

/// Characters in a random order, with long runs and periods.
inline std::string random_text(random_source& random, const std::vector<std::string>& characters, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    std::string period;
    for (std::size_t left = 1 + random.below(4); left > 0; --left) {
      period += random.one_of(characters);
    }
    const std::size_t repeats = random.below(3) > 0 ? 1 : 1 + random.below(random.below(8) > 0 ? 8 : 3000);
    for (std::size_t left = repeats; left > 0; --left) {
      text += period;
    }
  }
  return text;
}

/// Cuts `text` at random between characters and gives each piece to `take(piece, end)`.
template <typename Take>
void take_in_pieces(random_source& random, std::string_view text, std::size_t largest, const Take& take) {
  while (!text.empty()) {
    const std::size_t size = offramp::text::character_start(text, 1 + random.below(largest));
    if (size == text.size() && random.below(2) > 0) {
      take(text, offramp::text::text_end::closed);
      return;
    }
    take(text.substr(0, size), offramp::text::text_end::open);
    text.remove_prefix(size);
  }
  take(std::string_view(), offramp::text::text_end::closed);
}

}  // namespace random_pieces
