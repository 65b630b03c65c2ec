// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Texts are read in pieces of whole characters, so that a long one takes no more memory and time than its first tokens
/// need. A piece leaves its text open unless it is the last one.
enum class text_end { open, closed };

/// Bytes of a piece: much more than a sentence, so that most texts are one piece.
inline constexpr std::size_t piece_size = 2048;

/// The last place, at most `position`, where a character of `bytes` starts, ill-formed ones included.
[[nodiscard]] constexpr std::size_t character_start(std::string_view bytes, std::size_t position) noexcept {
  const auto continues = [bytes](std::size_t index) {
    return (static_cast<unsigned char>(bytes[index]) & 0xC0U) == 0x80U;
  };
  if (position >= bytes.size()) {
    return bytes.size();
  }
  std::size_t start = position;
  for (int before = 0; before < 3 && start > 0 && continues(start); ++before) {
    --start;
  }
  return continues(start) ? position : start;  // more than three in a row continue nothing
}

/// Gives memory back that only an unusual text needed.
template <typename Container>
void trim(Container& memory) {
  constexpr std::size_t kept_bytes = std::size_t{1} << 18;
  if (memory.capacity() * sizeof(typename Container::value_type) > kept_bytes) {
    Container().swap(memory);
  }
}

/// Text of earlier pieces that waits for what follows it.
class waiting_text {
 public:
  /// Joins `piece` to what waits and calls `std::size_t use(std::string_view)`, which returns how much of it is done;
  /// all is when `end` is closed. What cannot be used yet is offered again when it has doubled, so that the time is
  /// linear in the text.
  template <typename Use>
  void join(std::string_view piece, text_end end, const Use& use) {
    if (!text_.empty()) {
      text_ += piece;
      if (end == text_end::open && text_.size() < next_size_) {
        return;
      }
      piece = text_;
    }
    const std::size_t done = use(piece);
    if (end == text_end::closed) {
      text_.clear();
    } else if (text_.empty()) {
      text_ = piece.substr(done);
    } else {
      text_.erase(0, done);
    }
    next_size_ = 2 * text_.size();
  }

  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

  void clear() { text_.clear(); }

  /// Gives memory back that only an unusual text needed.
  void trim() { text::trim(text_); }

 private:
  std::string text_;
  std::size_t next_size_ = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
