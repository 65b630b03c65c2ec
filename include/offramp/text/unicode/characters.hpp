// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/ascii.hpp>
#include <offramp/text/tables/unicode_tables.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// What the normalizer and the pre-tokenizer need to know about one code point.
class character_properties {
 public:
  constexpr explicit character_properties(std::uint32_t bits) noexcept : bits_(bits) {}

  /// Removed by clean_text: NUL, U+FFFD and the categories Cc, Cf and Co, except tab, line feed and carriage return.
  [[nodiscard]] constexpr bool dropped() const noexcept { return (bits_ & 1U) != 0; }
  [[nodiscard]] constexpr bool whitespace() const noexcept { return (bits_ & 2U) != 0; }
  [[nodiscard]] constexpr bool punctuation() const noexcept { return (bits_ & 4U) != 0; }
  /// General category Mn.
  [[nodiscard]] constexpr bool nonspacing_mark() const noexcept { return (bits_ & 8U) != 0; }
  /// Has an entry in the decomposition table; Hangul syllables have none.
  [[nodiscard]] constexpr bool decomposes() const noexcept { return (bits_ & 16U) != 0; }
  /// Rank of the canonical combining class: 0 for a starter, else ordered as the classes are.
  [[nodiscard]] constexpr unsigned combining_rank() const noexcept { return bits_ >> 5 & 0x3FU; }

 private:
  std::uint32_t bits_;
};

[[nodiscard]] constexpr character_properties find_properties(char32_t code_point) noexcept {
  const std::uint32_t key = static_cast<std::uint32_t>(code_point) << 11 | 0x7FFU;
  const auto* next = std::upper_bound(unicode::property_ranges.begin(), unicode::property_ranges.end(), key);
  return character_properties(*(next - 1));
}

inline constexpr auto ascii_properties = [] {
  std::array<std::uint16_t, 128> table{};
  for (char32_t code_point = 0; code_point < table.size(); ++code_point) {
    const std::uint32_t key = static_cast<std::uint32_t>(code_point) << 11 | 0x7FFU;
    const auto* next = std::upper_bound(unicode::property_ranges.begin(), unicode::property_ranges.end(), key);
    table[code_point] = static_cast<std::uint16_t>(*(next - 1) & 0x7FFU);
  }
  return table;
}();

[[nodiscard]] constexpr character_properties properties_of(char32_t code_point) noexcept {
  return code_point < ascii_properties.size() ? character_properties(ascii_properties[code_point])
                                              : find_properties(code_point);
}

/// Matches \w of the regular expressions that `single_word` added tokens are checked with.
[[nodiscard]] constexpr bool is_word_character(char32_t code_point) noexcept {
  const auto& boundaries = unicode::word_boundaries;
  const auto* next = std::upper_bound(boundaries.begin(), boundaries.end(), code_point);
  return (next - boundaries.begin()) % 2 == 1;
}

/// The ideographs that BERT puts spaces around. The range that starts at 2B920 starts at 2B820 in the original code of
/// BERT; the fast tokenizers have a slip there, and models are used with it.
[[nodiscard]] constexpr bool is_chinese_character(char32_t code_point) noexcept {
  const auto within = [code_point](char32_t first, char32_t last) { return code_point >= first && code_point <= last; };
  return within(0x4E00, 0x9FFF) || within(0x3400, 0x4DBF) || within(0x20000, 0x2A6DF) || within(0x2A700, 0x2B73F) ||
         within(0x2B740, 0x2B81F) || within(0x2B920, 0x2CEAF) || within(0xF900, 0xFAFF) || within(0x2F800, 0x2FA1F);
}

/// Lower case of every code point but U+0130, whose lower case has two.
[[nodiscard]] constexpr char32_t simple_lowercase(char32_t code_point) noexcept {
  if (code_point < 0x80) {
    return code_point >= U'A' && code_point <= U'Z' ? code_point + 32 : code_point;
  }
  const auto& runs = unicode::lowercase_runs;
  const auto* run = std::lower_bound(runs.begin(), runs.end(), code_point,
                                     [](const auto& candidate, char32_t value) { return candidate.last < value; });
  if (run == runs.end() || code_point < run->first ||
      (code_point - run->first) % static_cast<char32_t>(run->stride) != 0) {
    return code_point;
  }
  return static_cast<char32_t>(static_cast<std::int32_t>(code_point) + run->difference);
}

/// Whether the well-formed character at `position` is an ideograph or a Hangul syllable, told by its first two bytes:
/// U+4000 to U+9FFF or U+AC00 to U+D77F. These have no case, are no marks, and decompose and compose with nothing
/// before them.
[[nodiscard]] constexpr bool is_plain_east_asian(std::string_view text, std::size_t position) noexcept {
  const auto lead = static_cast<unsigned char>(text[position]);
  if (lead < 0xE4 || lead > 0xED) {
    return false;
  }
  const auto second = static_cast<unsigned char>(text[position + 1]);
  return (lead != 0xEA || second >= 0xB0) && (lead != 0xED || second < 0x9E);
}

/// Appends a well-formed text in lower case.
inline void append_lowercase(std::string_view text, std::string& result) {
  constexpr char32_t capital_i_with_dot_above = 0x130;
  for (std::size_t position = 0; position < text.size();) {
    const char byte = text[position];
    if (static_cast<unsigned char>(byte) < 0x80) {
      result += offramp::detail::ascii_lowercase(byte);
      ++position;
    } else if (is_plain_east_asian(text, position)) {
      result.append(text, position, 3);
      position += 3;
    } else {
      const decoded next = decode(text, position);
      append_utf8(result, next.code_point == capital_i_with_dot_above ? U'i' : simple_lowercase(next.code_point));
      if (next.code_point == capital_i_with_dot_above) {
        append_utf8(result, 0x307);
      }
      position += next.length;
    }
  }
}

/// Full canonical decomposition of a code point whose properties say that it decomposes.
[[nodiscard]] constexpr std::span<const char32_t> decomposition_of(char32_t code_point) noexcept {
  const auto& codes = unicode::decomposable;
  const auto* found = std::lower_bound(codes.begin(), codes.end(), code_point);
  const auto index = static_cast<std::size_t>(found - codes.begin());
  const std::size_t first = unicode::decomposition_offsets[index];
  const std::size_t last = unicode::decomposition_offsets[index + 1];
  return std::span(unicode::decomposition_pool).subspan(first, last - first);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
