// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/tables/subword_tables.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// What subword tokenizers need to know about one code point.
class character_class {
 public:
  constexpr explicit character_class(std::uint32_t bits) noexcept : bits_(bits) {}

  /// `\p{L}`, `\p{N}` and `\s` of the regular expression that byte-level pre-tokenizers split with.
  [[nodiscard]] constexpr bool letter() const noexcept { return (bits_ & 1U) != 0; }
  [[nodiscard]] constexpr bool number() const noexcept { return (bits_ & 2U) != 0; }
  [[nodiscard]] constexpr bool space() const noexcept { return (bits_ & 4U) != 0; }
  /// General category M, dropped by StripAccents.
  [[nodiscard]] constexpr bool mark() const noexcept { return (bits_ & 8U) != 0; }

  /// Parts of the rules for extended grapheme clusters, Unicode Standard Annex 29.
  [[nodiscard]] constexpr bool extends_cluster() const noexcept { return (bits_ & 16U) != 0; }
  [[nodiscard]] constexpr bool prepends() const noexcept { return (bits_ & 32U) != 0; }
  [[nodiscard]] constexpr bool control() const noexcept { return (bits_ & 64U) != 0; }
  [[nodiscard]] constexpr bool pictographic() const noexcept { return (bits_ & 128U) != 0; }
  /// May stand between a pictographic character and the joiner after it.
  [[nodiscard]] constexpr bool skipped_after_pictographic() const noexcept { return (bits_ & 256U) != 0; }
  [[nodiscard]] constexpr bool conjunct_consonant() const noexcept { return (bits_ & 512U) != 0; }
  [[nodiscard]] constexpr bool conjunct_linker() const noexcept { return (bits_ & 1024U) != 0; }
  /// May stand between the consonants of a conjunct.
  [[nodiscard]] constexpr bool skipped_in_conjunct() const noexcept { return (bits_ & 2048U) != 0; }

  [[nodiscard]] constexpr bool decimal_digit() const noexcept { return (bits_ & 4096U) != 0; }
  /// A capital sigma after a cased letter and before none is a final one in lower case; ignorable ones stand between.
  [[nodiscard]] constexpr bool cased() const noexcept { return (bits_ & 8192U) != 0; }
  [[nodiscard]] constexpr bool case_ignorable() const noexcept { return (bits_ & 16384U) != 0; }

 private:
  std::uint32_t bits_;
};

[[nodiscard]] constexpr std::uint16_t find_class_bits(char32_t code_point) noexcept {
  const std::uint32_t key = static_cast<std::uint32_t>(code_point) << 8 | 0xFFU;
  const auto* next = std::upper_bound(unicode::class_ranges.begin(), unicode::class_ranges.end(), key);
  return unicode::character_classes[*(next - 1) & 0xFFU];
}

inline constexpr auto ascii_classes = [] {
  std::array<std::uint16_t, 128> table{};
  for (char32_t code_point = 0; code_point < table.size(); ++code_point) {
    table[code_point] = find_class_bits(code_point);
  }
  return table;
}();

[[nodiscard]] constexpr character_class class_of(char32_t code_point) noexcept {
  return character_class(code_point < ascii_classes.size() ? ascii_classes[code_point] : find_class_bits(code_point));
}

/// Full compatibility decomposition; empty where it is the canonical one.
[[nodiscard]] constexpr std::span<const char32_t> compatibility_decomposition_of(char32_t code_point) noexcept {
  const auto& codes = unicode::compatible;
  const auto* found = std::lower_bound(codes.begin(), codes.end(), code_point);
  if (found == codes.end() || *found != code_point) {
    return {};
  }
  const auto index = static_cast<std::size_t>(found - codes.begin());
  const std::size_t first = unicode::compatible_offsets[index];
  const std::size_t last = unicode::compatible_offsets[index + 1];
  return std::span(unicode::compatible_pool).subspan(first, last - first);
}

/// The primary composite of two code points, 0 where there is none; Hangul syllables aside.
[[nodiscard]] constexpr char32_t composite_of(char32_t first, char32_t second) noexcept {
  const auto& pairs = unicode::compositions;
  const auto* found = std::lower_bound(
      pairs.begin(), pairs.end(), unicode::composition{first, second, 0},
      [](const auto& a, const auto& b) { return a.first != b.first ? a.first < b.first : a.second < b.second; });
  return found != pairs.end() && found->first == first && found->second == second ? found->composite : 0;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
