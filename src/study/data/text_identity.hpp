// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/sha256.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/normalization_forms.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// When two texts are one text. docs/model-format.md says it for other programs.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// NFKC, then lower case, then without white space and without what is not seen.
[[nodiscard]] inline std::string normalized_text(std::string_view text) {
  std::string well_formed;
  text::append_well_formed(text, well_formed);
  std::string formed;
  text::unicode_former().append(text::unicode_form::nfkc, well_formed, formed);
  std::string lower;
  text::append_lowercase(formed, lower);
  std::string kept;
  for (std::size_t position = 0; position < lower.size();) {
    const text::decoded next = text::decode(lower, position);
    const text::character_properties properties = text::properties_of(next.code_point);
    if (!properties.whitespace() && !properties.dropped()) {
      kept += lower.substr(position, next.length);
    }
    position += next.length;
  }
  return kept;
}

/// SHA-256 in hexadecimal digits, of a pair with a line feed, which no normalized text holds, between its texts.
[[nodiscard]] inline std::string text_digest(const labelled_text& text) {
  const std::string first = normalized_text(text.first);
  return model::sha256_hex(text.second ? first + '\n' + normalized_text(*text.second) : first);
}

/// The same of the first text alone.
[[nodiscard]] inline std::string first_text_digest(const labelled_text& text) {
  return model::sha256_hex(normalized_text(text.first));
}

/// The first 8 bytes of a digest, as a number.
[[nodiscard]] inline std::uint64_t leading_bits(std::string_view digest) {
  std::uint64_t leading = 0;
  std::from_chars(digest.data(), digest.data() + 16, leading, 16);
  return leading;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
