// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/byte_trie.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// What must stand beside an added token for it to count.
enum class token_boundary {
  any,
  word,        ///< no word character on either side: `single_word`
  whitespace,  ///< whitespace or the end of the text on both sides
};

/// A string that is one token wherever it stands in the text.
struct added_token {
  std::string content;
  std::int32_t id = 0;
  token_boundary boundary = token_boundary::any;
  bool lstrip = false;      ///< takes the whitespace before it along
  bool rstrip = false;      ///< takes the whitespace after it along
  bool normalized = false;  ///< looked for in the normalized text, in its normalized form
};

/// Cuts a text at added tokens: leftmost first, the longest at each place. Const members are safe from several threads.
class added_token_matcher {
 public:
  /// `content` of the tokens is searched as it is; no token is empty.
  explicit added_token_matcher(std::vector<added_token> tokens) : tokens_(std::move(tokens)) {
    for (std::size_t index = 0; index < tokens_.size(); ++index) {
      trie_.insert(tokens_[index].content, static_cast<std::int32_t>(index));
    }
  }

  [[nodiscard]] bool empty() const noexcept { return tokens_.empty(); }

  /// Calls `segment(part, id)` for each part in order, with the id of an added token or nothing for text between them,
  /// as long as it returns true. Returns whether it always did.
  template <typename Segment>
  bool split(std::string_view text, Segment&& segment) const {
    std::size_t done = 0;
    for (std::size_t position = 0; position < text.size() && !tokens_.empty();) {
      const std::optional<byte_trie::match> found = trie_.longest_prefix(text.substr(position));
      if (!found) {
        ++position;
        continue;
      }
      const added_token& token = tokens_[static_cast<std::size_t>(found->value)];
      const std::size_t matched_end = position + found->length;
      const std::size_t matched_start = std::exchange(position, matched_end);
      if (!stands_alone(token.boundary, text, matched_start, matched_end)) {
        continue;
      }
      const std::size_t start = token.lstrip ? std::max(before_whitespace(text, matched_start), done) : matched_start;
      const std::size_t end = token.rstrip ? after_whitespace(text, matched_end) : matched_end;
      if (done < start && !segment(text.substr(done, start - done), std::optional<std::int32_t>())) {
        return false;
      }
      if (!segment(text.substr(start, end - start), std::optional(token.id))) {
        return false;
      }
      done = end;
    }
    return done >= text.size() || segment(text.substr(done), std::optional<std::int32_t>());
  }

 private:
  [[nodiscard]] static bool stands_alone(token_boundary boundary, std::string_view text, std::size_t start,
                                         std::size_t end) noexcept {
    const auto separates = [boundary](char32_t code_point) {
      return boundary == token_boundary::word ? !is_word_character(code_point)
                                              : properties_of(code_point).whitespace();
    };
    return boundary == token_boundary::any ||
           ((start == 0 || separates(decode_before(text, start).code_point)) &&
            (end == text.size() || separates(decode(text, end).code_point)));
  }

  [[nodiscard]] static std::size_t before_whitespace(std::string_view text, std::size_t position) noexcept {
    while (position > 0) {
      const decoded previous = decode_before(text, position);
      if (!properties_of(previous.code_point).whitespace()) {
        break;
      }
      position -= previous.length;
    }
    return position;
  }

  [[nodiscard]] static std::size_t after_whitespace(std::string_view text, std::size_t position) noexcept {
    while (position < text.size()) {
      const decoded next = decode(text, position);
      if (!properties_of(next.code_point).whitespace()) {
        break;
      }
      position += next.length;
    }
    return position;
  }

  std::vector<added_token> tokens_;
  byte_trie trie_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
