// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/unicode/character_classes.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The character that stands for each byte in byte-level vocabularies (GPT-2, Radford et al. 2019): the printable ones
/// of Latin-1 for themselves, the others in order from U+0100 on.
inline constexpr auto byte_characters = [] {
  std::array<char32_t, 256> table{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < table.size(); ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    table[byte] = printable ? byte : next++;
  }
  return table;
}();

inline void append_byte_characters(std::string_view bytes, std::string& result) {
  for (const char byte : bytes) {
    append_utf8(result, byte_characters[static_cast<unsigned char>(byte)]);
  }
}

/// Cuts text as GPT-2 does: English endings after an apostrophe; runs of letters, of numbers and of anything else but
/// whitespace, each with one space before it; runs of whitespace, whose last character is left to what follows.
class gpt2_splitter {
 public:
  /// `text` is well-formed.
  explicit gpt2_splitter(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const noexcept { return start_ == text_.size(); }

  /// The next part, never empty. Not to be called when done.
  [[nodiscard]] std::string_view next() noexcept {
    const std::size_t end = find_end();
    const std::string_view part = text_.substr(start_, end - start_);
    start_ = end;
    return part;
  }

  /// Everything from the next part on, as one.
  [[nodiscard]] std::string_view rest() noexcept {
    const std::string_view part = text_.substr(start_);
    start_ = text_.size();
    return part;
  }

 private:
  enum class kind { letter, number, space, other };

  [[nodiscard]] static kind kind_of(char32_t code_point) noexcept {
    const character_class properties = class_of(code_point);
    return properties.letter()   ? kind::letter
           : properties.number() ? kind::number
           : properties.space()  ? kind::space
                                 : kind::other;
  }

  [[nodiscard]] std::size_t find_end() const noexcept {
    if (const std::size_t length = contraction_length()) {
      return start_ + length;
    }
    const std::size_t first = start_ + (text_[start_] == ' ' ? 1 : 0);
    if (first < text_.size()) {
      const kind run = kind_of(decode(text_, first).code_point);
      if (run != kind::space) {
        return end_of_run(run, first).end;
      }
    }
    const run_end whitespace = end_of_run(kind::space, start_);
    const bool leave_last = whitespace.end < text_.size() && whitespace.last > start_;
    return leave_last ? whitespace.last : whitespace.end;
  }

  [[nodiscard]] std::size_t contraction_length() const noexcept {
    const std::string_view rest = text_.substr(start_);
    for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
      if (rest.starts_with(ending)) {
        return ending.size();
      }
    }
    return 0;
  }

  struct run_end {
    std::size_t end;
    std::size_t last;  ///< where the last character of the run starts
  };

  [[nodiscard]] run_end end_of_run(kind run, std::size_t start) const noexcept {
    run_end result{start, start};
    while (result.end < text_.size()) {
      const decoded next = decode(text_, result.end);
      if (kind_of(next.code_point) != run) {
        break;
      }
      result = {result.end + next.length, result.end};
    }
    return result;
  }

  std::string_view text_;
  std::size_t start_ = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
