// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/text_piece.hpp>
#include <offramp/text/unicode/character_classes.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The normalization forms of Unicode (Unicode Standard Annex 15).
enum class unicode_form { nfd, nfkd, nfc, nfkc };

/// The first code point of a decomposition: of `compatible`, else the canonical one, else `code_point` itself.
[[nodiscard]] constexpr char32_t first_of_decomposition(char32_t code_point,
                                                        std::span<const char32_t> compatible) noexcept {
  if (compatible.empty() && properties_of(code_point).decomposes()) {
    compatible = decomposition_of(code_point);
  }
  return compatible.empty() ? code_point : compatible.front();
}

/// Whether no mark before a character can be ordered behind it or a part of it.
[[nodiscard]] constexpr bool starts_with_starter(char32_t code_point, std::span<const char32_t> compatible) noexcept {
  return properties_of(first_of_decomposition(code_point, compatible)).combining_rank() == 0;
}

/// Whether a character or its first part may become one with a character before it.
[[nodiscard]] constexpr bool may_compose_with_previous(char32_t code_point,
                                                       std::span<const char32_t> compatible) noexcept {
  const char32_t first = first_of_decomposition(code_point, compatible);
  const bool vowel_or_trailing = first >= 0x1161 && first <= 0x11FF;
  return vowel_or_trailing ||
         (first >= 0x300 && std::any_of(unicode::compositions.begin(), unicode::compositions.end(),
                                        [first](const unicode::composition& pair) { return pair.second == first; }));
}

/// Brings texts into a form; its memory is kept from text to text.
class unicode_former {
 public:
  /// Appends `text`, which must be well-formed, to `result`.
  void append(unicode_form form, std::string_view text, std::string& result) {
    for (std::size_t position = 0; position < text.size();) {
      const std::size_t plain = end_of_plain(form, text, position);
      result += text.substr(position, plain - position);
      const std::size_t end = end_of_stretch(form, text, plain);
      append_stretch(form, text.substr(plain, end - plain), result);
      position = end;
    }
  }

  /// Gives memory back that only an unusual text needed.
  void trim() { text::trim(entries_); }

 private:
  /// Characters that no form changes and that compose with nothing before them.
  [[nodiscard]] static bool is_plain(unicode_form form, std::string_view text, std::size_t position) noexcept {
    return static_cast<unsigned char>(text[position]) < 0x80 ||
           ((form == unicode_form::nfc || form == unicode_form::nfkc) && is_plain_east_asian(text, position));
  }

  /// Up to where plain characters stand, but the last one before one that is not.
  [[nodiscard]] static std::size_t end_of_plain(unicode_form form, std::string_view text,
                                                std::size_t position) noexcept {
    std::size_t last = position;
    while (position < text.size()) {
      if (!is_plain(form, text, position)) {
        return last;
      }
      last = position;
      position += character_length(text[position]);
    }
    return position;
  }

  /// The end of the first character at `position` and of those after it that are not plain.
  [[nodiscard]] static std::size_t end_of_stretch(unicode_form form, std::string_view text,
                                                  std::size_t position) noexcept {
    while (position < text.size()) {
      position += decode(text, position).length;
      if (position < text.size() && is_plain(form, text, position)) {
        break;
      }
    }
    return position;
  }

  void append_stretch(unicode_form form, std::string_view text, std::string& result) {
    entries_.clear();
    const bool compatible = form == unicode_form::nfkd || form == unicode_form::nfkc;
    for (std::size_t position = 0; position < text.size();) {
      const decoded next = decode(text, position);
      position += next.length;
      if (next.code_point < 0x80) {
        add(next.code_point);
      } else {
        decompose(next.code_point,
                  compatible ? compatibility_decomposition_of(next.code_point) : std::span<const char32_t>());
      }
    }
    order();
    if (form == unicode_form::nfc || form == unicode_form::nfkc) {
      compose();
    }
    for (const std::uint64_t entry : entries_) {
      append_utf8(result, code_point_of(entry));
    }
  }

  // Rank of the combining class << 58 | number in the text << 21 | code point: sorting marks keeps their order within
  // a class and needs no memory.
  static constexpr int rank_shift = 58;
  static constexpr int number_shift = 21;

  static constexpr char32_t first_syllable = 0xAC00;
  static constexpr char32_t first_leading = 0x1100;
  static constexpr char32_t first_vowel = 0x1161;
  static constexpr char32_t before_trailing = 0x11A7;
  static constexpr char32_t leading_count = 19;
  static constexpr char32_t vowel_count = 21;
  static constexpr char32_t trailing_count = 28;
  static constexpr char32_t syllable_count = leading_count * vowel_count * trailing_count;

  [[nodiscard]] static char32_t code_point_of(std::uint64_t entry) noexcept {
    return static_cast<char32_t>(entry & 0x1FFFFFU);
  }
  [[nodiscard]] static std::uint64_t rank_of(std::uint64_t entry) noexcept { return entry >> rank_shift; }

  void add(char32_t code_point) {
    const std::uint64_t rank = properties_of(code_point).combining_rank();
    entries_.push_back(rank << rank_shift | std::uint64_t{entries_.size()} << number_shift | code_point);
  }

  void decompose(char32_t code_point, std::span<const char32_t> compatible) {
    const char32_t syllable = code_point - first_syllable;
    if (syllable < syllable_count) {
      add(first_leading + syllable / (vowel_count * trailing_count));
      add(first_vowel + syllable % (vowel_count * trailing_count) / trailing_count);
      if (syllable % trailing_count != 0) {
        add(before_trailing + syllable % trailing_count);
      }
      return;
    }
    if (compatible.empty() && properties_of(code_point).decomposes()) {
      compatible = decomposition_of(code_point);
    }
    if (compatible.empty()) {
      add(code_point);
    }
    for (const char32_t part : compatible) {
      add(part);
    }
  }

  void order() {
    const auto is_starter = [](std::uint64_t entry) { return rank_of(entry) == 0; };
    for (auto first = entries_.begin(); first != entries_.end();) {
      first = std::find_if_not(first, entries_.end(), is_starter);
      const auto last = std::find_if(first, entries_.end(), is_starter);
      std::sort(first, last);
      first = last;
    }
  }

  [[nodiscard]] static char32_t compose_pair(char32_t first, char32_t second) noexcept {
    const char32_t leading = first - first_leading;
    const char32_t vowel = second - first_vowel;
    if (leading < leading_count && vowel < vowel_count) {
      return first_syllable + (leading * vowel_count + vowel) * trailing_count;
    }
    const char32_t syllable = first - first_syllable;
    const char32_t trailing = second - before_trailing;
    if (syllable < syllable_count && syllable % trailing_count == 0 && trailing - 1 < trailing_count - 1) {
      return first + trailing;
    }
    return composite_of(first, second);
  }

  void compose() {
    std::size_t kept = 0;
    std::size_t starter = 0;  // the latest one before `kept`, where there is one
    bool any_starter = false;
    for (const std::uint64_t entry : entries_) {
      const bool adjacent = any_starter && starter + 1 == kept;
      const bool blocked = !any_starter || (!adjacent && rank_of(entries_[kept - 1]) >= rank_of(entry));
      const char32_t composite = blocked ? 0 : compose_pair(code_point_of(entries_[starter]), code_point_of(entry));
      if (composite != 0) {
        entries_[starter] = composite;
        continue;
      }
      if (rank_of(entry) == 0) {
        starter = kept;
        any_starter = true;
      }
      entries_[kept++] = entry;
    }
    entries_.resize(kept);
  }

  std::vector<std::uint64_t> entries_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
