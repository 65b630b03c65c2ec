// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The bytes that `encoded` stands for in the standard alphabet with padding (RFC 4648, section 4); nothing when it is
/// not well-formed.
[[nodiscard]] inline std::optional<std::string> decode_base64(std::string_view encoded) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (encoded.size() % 4 != 0) {
    return std::nullopt;
  }
  const std::size_t padding = encoded.ends_with("==") ? 2 : encoded.ends_with('=') ? 1 : 0;
  std::string result;
  result.reserve(encoded.size() / 4 * 3);
  std::uint32_t bits = 0;
  std::size_t count = 0;
  for (const char character : encoded.substr(0, encoded.size() - padding)) {
    const std::size_t digit = alphabet.find(character);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xFFFFU;
    if (++count % 4 != 1) {
      result += static_cast<char>(bits >> (count % 4 == 2 ? 4 : count % 4 == 3 ? 2 : 0) & 0xFFU);
    }
  }
  const std::uint32_t unused = padding == 2 ? bits & 0xFU : padding == 1 ? bits & 0x3U : 0;
  return unused == 0 ? std::optional(std::move(result)) : std::nullopt;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
