// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/unicode/character_classes.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Where extended grapheme clusters end (Unicode Standard Annex 29, rules GB3 to GB11), fed with one code point after
/// another. Two regional indicators are not joined: nothing here depends on clusters of more than five bytes.
class grapheme_cluster {
 public:
  explicit grapheme_cluster(char32_t first) noexcept { append(first, class_of(first)); }

  /// Takes `next` into the cluster, or returns false where it starts the next one.
  [[nodiscard]] bool extend(char32_t next) noexcept {
    const character_class properties = class_of(next);
    const bool joined = last_ == U'\r' ? next == U'\n' : joins(next, properties);
    if (joined) {
      append(next, properties);
    }
    return joined;
  }

 private:
  enum class syllable_part { none, leading, vowel, trailing, leading_vowel, whole };
  enum class conjunct_state { none, consonant, linked };

  static constexpr char32_t zero_width_joiner = 0x200D;

  [[nodiscard]] static constexpr syllable_part syllable_part_of(char32_t code_point) noexcept {
    const auto within = [code_point](char32_t first, char32_t last) { return code_point - first <= last - first; };
    if (within(0x1100, 0x115F) || within(0xA960, 0xA97C)) {
      return syllable_part::leading;
    }
    if (within(0x1160, 0x11A7) || within(0xD7B0, 0xD7C6)) {
      return syllable_part::vowel;
    }
    if (within(0x11A8, 0x11FF) || within(0xD7CB, 0xD7FB)) {
      return syllable_part::trailing;
    }
    if (within(0xAC00, 0xD7A3)) {
      return (code_point - 0xAC00) % 28 == 0 ? syllable_part::leading_vowel : syllable_part::whole;
    }
    return syllable_part::none;
  }

  [[nodiscard]] static constexpr bool continues_syllable(syllable_part before, syllable_part next) noexcept {
    using enum syllable_part;
    if (before == leading) {
      return next == leading || next == vowel || next == leading_vowel || next == whole;
    }
    if (before == vowel || before == leading_vowel) {
      return next == vowel || next == trailing;
    }
    return (before == trailing || before == whole) && next == trailing;
  }

  [[nodiscard]] bool joins(char32_t next, character_class properties) const noexcept {
    if (last_class_.control() || properties.control()) {
      return false;
    }
    return properties.extends_cluster() || last_class_.prepends() ||
           continues_syllable(syllable_part_of(last_), syllable_part_of(next)) ||
           (conjunct_ == conjunct_state::linked && properties.conjunct_consonant()) ||
           (after_pictographic_ && last_ == zero_width_joiner && properties.pictographic());
  }

  void append(char32_t next, character_class properties) noexcept {
    after_pictographic_ =
        properties.pictographic() ||
        (after_pictographic_ && (next == zero_width_joiner || properties.skipped_after_pictographic()));
    if (properties.conjunct_consonant()) {
      conjunct_ = conjunct_state::consonant;
    } else if (conjunct_ != conjunct_state::none && properties.conjunct_linker()) {
      conjunct_ = conjunct_state::linked;
    } else if (!properties.skipped_in_conjunct()) {
      conjunct_ = conjunct_state::none;
    }
    last_ = next;
    last_class_ = properties;
  }

  char32_t last_ = 0;
  character_class last_class_{0};
  bool after_pictographic_ = false;
  conjunct_state conjunct_ = conjunct_state::none;
};

/// The end of the cluster that starts at `start`, which must be inside the well-formed `text`.
[[nodiscard]] inline std::size_t end_of_grapheme(std::string_view text, std::size_t start) noexcept {
  const decoded first = decode(text, start);
  std::size_t end = start + first.length;
  grapheme_cluster cluster(first.code_point);
  while (end < text.size()) {
    const decoded next = decode(text, end);
    if (!cluster.extend(next.code_point)) {
      break;
    }
    end += next.length;
  }
  return end;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
