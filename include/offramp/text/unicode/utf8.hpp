// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Stands for every maximal ill-formed part of a byte string (Unicode 15.0, section 3.9, U+FFFD substitution).
inline constexpr char32_t replacement_character = 0xFFFD;

struct decoded {
  char32_t code_point;
  std::size_t length;  ///< bytes consumed, at least 1
  bool well_formed;
};

/// The bytes that may follow a lead byte, and the payload the lead byte carries.
struct utf8_lead {
  std::size_t length;  ///< of the whole sequence; 0 for a byte that starts none
  char32_t payload;
  unsigned char second_low;
  unsigned char second_high;
};

[[nodiscard]] constexpr utf8_lead classify_lead(unsigned char byte) noexcept {
  if (byte < 0x80) {
    return {1, byte, 0, 0};
  }
  if (byte >= 0xC2 && byte <= 0xDF) {
    return {2, byte & 0x1FU, 0x80, 0xBF};
  }
  if (byte >= 0xE0 && byte <= 0xEF) {
    const unsigned char low = byte == 0xE0 ? 0xA0 : 0x80;   // shorter forms exist below
    const unsigned char high = byte == 0xED ? 0x9F : 0xBF;  // surrogates above
    return {3, byte & 0x0FU, low, high};
  }
  if (byte >= 0xF0 && byte <= 0xF4) {
    const unsigned char low = byte == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = byte == 0xF4 ? 0x8F : 0xBF;
    return {4, byte & 0x07U, low, high};
  }
  return {0, 0, 0, 0};
}

/// The code point that starts at `position`, which must be inside `bytes`. An ill-formed sequence is consumed up to the
/// longest prefix that some well-formed sequence starts with, as Python's errors="replace" does.
[[nodiscard]] constexpr decoded decode(std::string_view bytes, std::size_t position) noexcept {
  const utf8_lead lead = classify_lead(static_cast<unsigned char>(bytes[position]));
  if (lead.length == 0) {
    return {replacement_character, 1, false};
  }
  char32_t code_point = lead.payload;
  for (std::size_t index = 1; index < lead.length; ++index) {
    const unsigned char low = index == 1 ? lead.second_low : 0x80;
    const unsigned char high = index == 1 ? lead.second_high : 0xBF;
    if (bytes.size() - position <= index) {
      return {replacement_character, index, false};
    }
    const auto byte = static_cast<unsigned char>(bytes[position + index]);
    if (byte < low || byte > high) {
      return {replacement_character, index, false};
    }
    code_point = code_point << 6 | (byte & 0x3FU);
  }
  return {code_point, lead.length, true};
}

/// The code point that ends right before `position`, which must be in [1, bytes.size()].
[[nodiscard]] constexpr decoded decode_before(std::string_view bytes, std::size_t position) noexcept {
  for (std::size_t length = 1; length <= 4 && length <= position; ++length) {
    const decoded candidate = decode(bytes.substr(0, position), position - length);
    if (candidate.well_formed && candidate.length == length) {
      return candidate;
    }
  }
  return {replacement_character, 1, false};
}

/// Writes `code_point`, a Unicode scalar value, to `target`, which has room for 4 bytes. Returns the bytes written.
constexpr std::size_t encode_utf8(char32_t code_point, char* target) noexcept {
  const auto continuation = [code_point](int shift) {
    return static_cast<char>(0x80U | (code_point >> shift & 0x3FU));
  };
  if (code_point < 0x80) {
    target[0] = static_cast<char>(code_point);
    return 1;
  }
  if (code_point < 0x800) {
    target[0] = static_cast<char>(0xC0U | code_point >> 6);
    target[1] = continuation(0);
    return 2;
  }
  if (code_point < 0x10000) {
    target[0] = static_cast<char>(0xE0U | code_point >> 12);
    target[1] = continuation(6);
    target[2] = continuation(0);
    return 3;
  }
  target[0] = static_cast<char>(0xF0U | code_point >> 18);
  target[1] = continuation(12);
  target[2] = continuation(6);
  target[3] = continuation(0);
  return 4;
}

inline void append_utf8(std::string& text, char32_t code_point) {
  char bytes[4];
  text.append(bytes, encode_utf8(code_point, bytes));
}

/// Bytes of a well-formed character by its first one.
[[nodiscard]] constexpr std::size_t character_length(char lead) noexcept {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// Characters of a well-formed text.
[[nodiscard]] constexpr std::size_t count_characters(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t position = 0; position < text.size(); position += character_length(text[position])) {
    ++count;
  }
  return count;
}

/// The end of the run of well-formed characters that starts at `position`.
[[nodiscard]] constexpr std::size_t end_of_well_formed(std::string_view bytes, std::size_t position) noexcept {
  const auto byte = [bytes](std::size_t index) { return static_cast<unsigned char>(bytes[index]); };
  while (position < bytes.size()) {
    if (byte(position) < 0x80) {
      ++position;
    } else if (byte(position) >= 0xE1 && byte(position) <= 0xEC && bytes.size() - position > 2 &&
               (byte(position + 1) & 0xC0U) == 0x80 && (byte(position + 2) & 0xC0U) == 0x80) {
      position += 3;  // most of what is written in three bytes
    } else if (const decoded next = decode(bytes, position); next.well_formed) {
      position += next.length;
    } else {
      break;
    }
  }
  return position;
}

/// Appends `bytes` with U+FFFD for what is ill-formed.
inline void append_well_formed(std::string_view bytes, std::string& result) {
  for (std::size_t position = 0; position < bytes.size();) {
    const std::size_t end = end_of_well_formed(bytes, position);
    result += bytes.substr(position, end - position);
    position = end;
    if (position < bytes.size()) {
      append_utf8(result, replacement_character);
      position += decode(bytes, position).length;
    }
  }
}

[[nodiscard]] constexpr bool is_well_formed_utf8(std::string_view bytes) noexcept {
  for (std::size_t position = 0; position < bytes.size();) {
    const decoded next = decode(bytes, position);
    if (!next.well_formed) {
      return false;
    }
    position += next.length;
  }
  return true;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
