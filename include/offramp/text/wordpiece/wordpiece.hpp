// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/byte_trie.hpp>
#include <offramp/version.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Splits words greedily into the longest pieces of a vocabulary. Const members are safe from several threads and
/// allocate nothing.
class wordpiece {
 public:
  /// The longest word that a vocabulary may allow, in code points.
  static constexpr std::size_t max_word_limit = 1000;

  using piece_buffer = std::array<std::int32_t, max_word_limit>;

  /// Words of more than `max_word_characters` code points, at most max_word_limit, are unknown as a whole.
  wordpiece(std::string_view continuation_prefix, std::int32_t unknown_id, std::size_t max_word_characters)
      : continuation_prefix_(continuation_prefix), unknown_id_(unknown_id), max_word_characters_(max_word_characters) {}

  void insert(std::string_view piece, std::int32_t id) {
    initial_.insert(piece, id);
    if (piece.starts_with(continuation_prefix_)) {
      continuation_.insert(piece.substr(continuation_prefix_.size()), id);
    }
  }

  /// Ids of the pieces of a word of `characters` code points, written to `buffer`; the unknown id alone when some part
  /// is in no piece.
  [[nodiscard]] std::span<const std::int32_t> split(std::string_view word, std::size_t characters,
                                                    piece_buffer& buffer) const noexcept {
    if (characters > max_word_characters_) {
      return unknown(buffer);
    }
    std::size_t count = 0;
    for (const byte_trie* pieces = &initial_; !word.empty(); pieces = &continuation_) {
      const std::optional<byte_trie::match> longest = pieces->longest_prefix(word);
      if (!longest) {
        return unknown(buffer);
      }
      buffer[count++] = longest->value;
      word.remove_prefix(longest->length);
    }
    return std::span(buffer).first(count);
  }

  [[nodiscard]] std::size_t max_word_characters() const noexcept { return max_word_characters_; }

 private:
  [[nodiscard]] std::span<const std::int32_t> unknown(piece_buffer& buffer) const noexcept {
    buffer[0] = unknown_id_;
    return std::span(buffer).first(1);
  }

  std::string continuation_prefix_;
  std::int32_t unknown_id_;
  std::size_t max_word_characters_;
  byte_trie initial_;
  byte_trie continuation_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
