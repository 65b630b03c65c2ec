// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/byte_trie.hpp>
#include <offramp/text/text_piece.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <array>
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

/// How far a text has been cut at added tokens.
struct added_token_progress {
  std::size_t done = 0;                 ///< handed out
  std::size_t position = 0;             ///< no token starts before it that was not handed out
  std::size_t next_piece = piece_size;  ///< where a piece is handed out though no token has been found
  bool within_part = false;  ///< a piece of the text between two tokens was handed out, and another one follows
};

/// Cuts a text at added tokens: leftmost first, the longest at each place. Const members are safe from several threads.
class added_token_matcher {
 public:
  /// `content` of the tokens is searched as it is; no token is empty.
  explicit added_token_matcher(std::vector<added_token> tokens) : tokens_(std::move(tokens)) {
    for (std::size_t index = 0; index < tokens_.size(); ++index) {
      const std::string& content = tokens_[index].content;
      trie_.insert(content, static_cast<std::int32_t>(index));
      starts_[static_cast<unsigned char>(content.front())] = true;
      longest_ = std::max(longest_, content.size());
      any_lstrip_ = any_lstrip_ || tokens_[index].lstrip;
    }
  }

  [[nodiscard]] bool empty() const noexcept { return tokens_.empty(); }

  /// Calls `segment(piece, id, end)` in order as long as it returns true: with the id of an added token, or with
  /// nothing for a piece of the text between tokens. The last piece before a token and that at the end are closed, and
  /// may be empty where others came before. Returns whether `segment` always returned true.
  template <typename Segment>
  bool split(std::string_view text, Segment&& segment) const {
    added_token_progress progress;
    return advance(text, text_end::closed, progress, segment);
  }

  /// As `split` where more may follow. In the next call `text` may start later, but one character before `done` and
  /// `position`.
  template <typename Segment>
  bool advance(std::string_view text, text_end end, added_token_progress& progress, Segment& segment) const {
    const std::size_t needed = end == text_end::open ? longest_ + longest_character : 0;
    while (text.size() > progress.position && text.size() - progress.position >= needed) {
      if (progress.position >= progress.next_piece && !hand_out_piece(text, progress, segment)) {
        return false;
      }
      if (!starts_[static_cast<unsigned char>(text[progress.position])]) {
        ++progress.position;
        continue;
      }
      const std::optional<place> found = find(text, progress.position);
      if (!found) {
        ++progress.position;
        continue;
      }
      if (end == text_end::open && found->token->rstrip && found->end == text.size()) {
        break;
      }
      progress.position = found->matched_end;
      if (stands_alone(found->token->boundary, text, found->start, found->matched_end) &&
          !hand_out_token(text, *found, progress, segment)) {
        return false;
      }
    }
    return end == text_end::open ? hand_out_piece(text, progress, segment)
                                 : close_part(text, text.size(), progress, segment);
  }

 private:
  static constexpr std::size_t longest_character = 4;

  struct place {
    const added_token* token;
    std::size_t start;
    std::size_t matched_end;
    std::size_t end;  ///< with the whitespace that it takes along
  };

  [[nodiscard]] std::optional<place> find(std::string_view text, std::size_t start) const {
    const std::optional<byte_trie::match> found = trie_.longest_prefix(text.substr(start));
    if (!found) {
      return std::nullopt;
    }
    const added_token& token = tokens_[static_cast<std::size_t>(found->value)];
    const std::size_t matched_end = start + found->length;
    return place{&token, start, matched_end, token.rstrip ? after_whitespace(text, matched_end) : matched_end};
  }

  /// Hands out what no token can take any more.
  template <typename Segment>
  bool hand_out_piece(std::string_view text, added_token_progress& progress, Segment& segment) const {
    std::size_t end = character_start(text, progress.position);
    if (any_lstrip_ && end > progress.done) {
      end = before_whitespace(text, end);
    }
    const std::string_view piece = end > progress.done ? text.substr(progress.done, end - progress.done) : "";
    progress.done += piece.size();
    progress.next_piece =
        progress.position + std::max(piece_size, progress.position - std::min(progress.position, progress.done));
    progress.within_part = progress.within_part || !piece.empty();
    return piece.empty() || segment(piece, std::optional<std::int32_t>(), text_end::open);
  }

  template <typename Segment>
  bool close_part(std::string_view text, std::size_t end, added_token_progress& progress, Segment& segment) const {
    const std::string_view piece = end > progress.done ? text.substr(progress.done, end - progress.done) : "";
    progress.done += piece.size();
    const bool any = std::exchange(progress.within_part, false) || !piece.empty();
    return !any || segment(piece, std::optional<std::int32_t>(), text_end::closed);
  }

  template <typename Segment>
  bool hand_out_token(std::string_view text, const place& found, added_token_progress& progress,
                      Segment& segment) const {
    const std::size_t start =
        found.token->lstrip ? std::max(before_whitespace(text, found.start), progress.done) : found.start;
    if (start >= found.end) {  // within what the one before has taken from its right
      return true;
    }
    if (!close_part(text, start, progress, segment)) {
      return false;
    }
    progress.done = found.end;
    progress.next_piece = found.end + piece_size;
    return segment(text.substr(start, found.end - start), std::optional(found.token->id), text_end::closed);
  }

  [[nodiscard]] static bool stands_alone(token_boundary boundary, std::string_view text, std::size_t start,
                                         std::size_t end) noexcept {
    const auto separates = [boundary](char32_t code_point) {
      return boundary == token_boundary::word ? !is_word_character(code_point) : properties_of(code_point).whitespace();
    };
    return boundary == token_boundary::any || ((start == 0 || separates(decode_before(text, start).code_point)) &&
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
  std::array<bool, 256> starts_{};  // of tokens, by their first byte
  std::size_t longest_ = 0;
  bool any_lstrip_ = false;
};

/// Cuts a text that arrives in pieces at added tokens.
class added_token_stream {
 public:
  /// `window` is memory; its content goes.
  added_token_stream(const added_token_matcher& tokens, std::string& window) : tokens_(tokens), window_(window) {
    window_.clear();
  }

  /// `segment` is as in added_token_matcher. Returns whether it always returned true.
  template <typename Segment>
  bool take(std::string_view piece, text_end end, Segment&& segment) {
    if (tokens_.empty()) {
      return segment(piece, std::optional<std::int32_t>(), end);
    }
    window_ += piece;
    if (end == text_end::open && window_.size() < next_size_) {
      return true;
    }
    if (!tokens_.advance(window_, end, progress_, segment)) {
      return false;
    }
    if (end == text_end::closed) {
      window_.clear();
      progress_ = {};
      next_size_ = 0;
    } else {
      forget();
    }
    return true;
  }

 private:
  /// All but one character before what is still looked at.
  void forget() {
    const std::size_t needed = std::min(progress_.done, progress_.position);
    const std::size_t start = needed == 0 ? 0 : character_start(window_, needed - 1);
    window_.erase(0, start);
    progress_.done -= start;
    progress_.position -= start;
    progress_.next_piece -= std::min(progress_.next_piece, start);
    next_size_ = 2 * window_.size();
  }

  const added_token_matcher& tokens_;
  std::string& window_;
  added_token_progress progress_;
  std::size_t next_size_ = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
