// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/text_piece.hpp>
#include <offramp/text/unicode/character_classes.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
  std::array<char, 256> characters;  // all are below U+0800
  while (!bytes.empty()) {
    const std::string_view block = bytes.substr(0, characters.size() / 2);
    std::size_t size = 0;
    for (const char byte : block) {
      size += encode_utf8(byte_characters[static_cast<unsigned char>(byte)], characters.data() + size);
    }
    result.append(characters.data(), size);
    bytes.remove_prefix(block.size());
  }
}

/// Cuts text as GPT-2 does: English endings after an apostrophe; runs of letters, of numbers and of anything else but
/// whitespace, each with one space before it; runs of whitespace, whose last character is left to what follows.
class gpt2_splitter {
 public:
  enum class kind { letter, number, space, other };

  struct part {
    std::string_view bytes;
    text_end end;  ///< open: a run that goes on where the text does
    kind run;
  };

  /// `text` is well-formed and starts where a part does, or goes on with the `run` that an open part began: after an
  /// open run of whitespace with the last character of it, which `rest` gave back.
  gpt2_splitter(std::string_view text, text_end end, std::optional<kind> run) : text_(text), end_(end), run_(run) {}

  /// The next part; only what is left of an open run may be empty. Nothing where none is left or more text is needed.
  [[nodiscard]] std::optional<part> next() noexcept {
    if (run_) {
      return next_of_run(*std::exchange(run_, std::nullopt), start_, start_);
    }
    const std::size_t left = text_.size() - start_;
    if (left == 0 || (end_ == text_end::open && text_[start_] == '\'' && left < longest_ending)) {
      return std::nullopt;
    }
    if (const std::size_t length = contraction_length()) {
      return take(start_ + length, text_end::closed, kind::other);
    }
    const std::size_t first = start_ + (text_[start_] == ' ' ? 1 : 0);
    if (first < text_.size()) {
      const kind run = kind_of(first);
      if (run != kind::space) {
        return next_of_run(run, first, start_);
      }
    }
    return next_of_run(kind::space, start_, start_ + decode(text_, start_).length);
  }

  /// What `next` has not taken.
  [[nodiscard]] std::string_view rest() const noexcept { return text_.substr(start_); }

 private:
  static constexpr std::size_t longest_ending = 3;

  [[nodiscard]] static constexpr kind kind_of_class(character_class properties) noexcept {
    return properties.letter()   ? kind::letter
           : properties.number() ? kind::number
           : properties.space()  ? kind::space
                                 : kind::other;
  }

  static constexpr auto ascii_kinds() noexcept {
    std::array<kind, 128> kinds{};
    for (char32_t code_point = 0; code_point < kinds.size(); ++code_point) {
      kinds[code_point] = kind_of_class(class_of(code_point));
    }
    return kinds;
  }

  [[nodiscard]] kind kind_of(std::size_t position) const noexcept {
    static constexpr auto kinds = ascii_kinds();
    const auto lead = static_cast<unsigned char>(text_[position]);
    if (lead < 0x80) {
      return kinds[lead];
    }
    if ((lead >= 0xE5 && lead <= 0xE8) || lead == 0xEB || lead == 0xEC) {
      return kind::letter;  // U+5000 to U+8FFF and U+B000 to U+CFFF
    }
    return kind_of_class(class_of(decode(text_, position).code_point));
  }

  [[nodiscard]] std::size_t contraction_length() const noexcept {
    if (text_[start_] != '\'') {
      return 0;
    }
    const std::string_view rest = text_.substr(start_);
    for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
      if (rest.starts_with(ending)) {
        return ending.size();
      }
    }
    return 0;
  }

  /// The run of one kind at `position`. Whitespace leaves its last character, when that starts at `shortest` or later,
  /// to what follows.
  [[nodiscard]] std::optional<part> next_of_run(kind run, std::size_t position, std::size_t shortest) noexcept {
    std::size_t last = start_;
    while (position < text_.size() && kind_of(position) == run) {
      last = position;
      position += character_length(text_[position]);
    }
    const bool at_end = position == text_.size();
    if (run == kind::space && !(at_end && end_ == text_end::closed)) {
      if (last >= shortest) {
        position = last;
      } else if (at_end) {
        return std::nullopt;
      }
    }
    if (!at_end || end_ == text_end::closed) {
      return take(position, text_end::closed, run);
    }
    return position > start_ ? std::optional(take(position, text_end::open, run)) : std::nullopt;
  }

  [[nodiscard]] part take(std::size_t end, text_end part_end, kind run) noexcept {
    const std::string_view bytes = text_.substr(start_, end - start_);
    start_ = end;
    return {bytes, part_end, run};
  }

  std::string_view text_;
  text_end end_;
  std::optional<kind> run_;
  std::size_t start_ = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
