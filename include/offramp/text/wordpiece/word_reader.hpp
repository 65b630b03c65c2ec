// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/token_sink.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/text/wordpiece/wordpiece.hpp>
#include <offramp/version.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Cuts normalized code points into words and the words into pieces. Of a word that is too long for any vocabulary only
/// its length is remembered.
class word_reader {
 public:
  word_reader(const wordpiece& pieces, word_splitting splitting, token_sink& tokens)
      : pieces_(pieces), splitting_(splitting), tokens_(tokens) {}

  /// Returns whether more is wanted.
  bool operator()(char32_t code_point) {
    const character_properties properties = properties_of(code_point);
    if (properties.whitespace()) {
      return finish();
    }
    if (properties.punctuation() && splitting_ == word_splitting::whitespace_and_punctuation) {
      if (!finish()) {
        return false;
      }
      append(code_point);
      return finish();
    }
    append(code_point);
    return true;
  }

  /// Ends the word, if one has begun. Returns whether more is wanted.
  bool finish() {
    if (characters_ == 0) {
      return true;
    }
    for (const std::int32_t id : pieces_.split({bytes_.data(), size_}, characters_, buffer_)) {
      if (!tokens_.push(id)) {
        return false;
      }
    }
    size_ = 0;
    characters_ = 0;
    return true;
  }

 private:
  void append(char32_t code_point) {
    if (characters_ < pieces_.max_word_characters()) {
      size_ += encode_utf8(code_point, bytes_.data() + size_);
    }
    ++characters_;
  }

  const wordpiece& pieces_;
  word_splitting splitting_;
  token_sink& tokens_;
  std::array<char, 4 * wordpiece::max_word_limit> bytes_;
  std::size_t size_ = 0;
  std::size_t characters_ = 0;
  wordpiece::piece_buffer buffer_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
