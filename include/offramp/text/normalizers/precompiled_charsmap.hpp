// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/text/text_piece.hpp>
#include <offramp/text/unicode/graphemes.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The rewriting rules that a sentencepiece model carries: the size of a trie in bytes, the trie (a double array of
/// Darts-clone, 32-bit units), and the replacements, each ending in NUL. All numbers are little-endian. Const members
/// are safe from several threads and allocate nothing but what they append.
class precompiled_charsmap {
 public:
  /// Of one rule, in bytes; the longest of Unicode's compatibility decompositions has 33.
  static constexpr std::size_t longest_replacement = 1024;

  /// Follows every edge of the trie once, so that no text can lead out of it. Throws `bad_model`, with `where` at the
  /// start of the message.
  precompiled_charsmap(std::string_view bytes, std::string where) : where_(std::move(where)) {
    if (bytes.size() < 4) {
      refuse("has " + std::to_string(bytes.size()) + " bytes, expected at least 4");
    }
    const std::uint32_t trie_size = read_number(bytes, 0);
    if (trie_size > bytes.size() - 4 || trie_size % 4 != 0 || trie_size == 0) {
      refuse("has a trie of " + std::to_string(trie_size) + " bytes, expected a multiple of 4 from 4 to " +
             std::to_string(bytes.size() - 4));
    }
    units_.reserve(trie_size / 4);
    for (std::size_t position = 4; position < 4 + trie_size; position += 4) {
      units_.push_back(read_number(bytes, position));
    }
    replacements_ = bytes.substr(4 + trie_size);
    check_replacements();
    check_trie();
  }

  /// Appends the rewritten `text`, which must be well-formed, to `result`: a grapheme cluster of up to five bytes
  /// becomes the replacement of the shortest rule that it starts with, else each of its characters does, as Hugging
  /// Face's tokenizers have it (sentencepiece itself takes the longest rule, whatever the clusters). Returns how much
  /// of `text` is done: of an open one all but the last cluster.
  std::size_t append_rewritten(std::string_view text, text_end ending, std::string& result) const {
    constexpr std::size_t longest_cluster = 5;
    std::size_t start = 0;
    while (start < text.size()) {
      const std::size_t end = end_of_grapheme(text, start);
      if (end == text.size() && ending == text_end::open) {
        break;
      }
      const std::string_view cluster = text.substr(start, end - start);
      start = end;
      if (cluster.size() <= longest_cluster) {
        if (const auto replacement = find_replacement(cluster)) {
          result += *replacement;
          continue;
        }
      }
      append_characters(cluster, result);
    }
    return start;
  }

  /// Bytes of the longest replacement.
  [[nodiscard]] std::size_t longest() const noexcept { return longest_; }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw error(error_kind::bad_model, where_ + ": the precompiled charsmap " + problem);
  }

  [[nodiscard]] static std::uint32_t read_number(std::string_view bytes, std::size_t position) noexcept {
    std::uint32_t number = 0;
    for (std::size_t index = 0; index < 4; ++index) {
      number |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[position + index])) << 8 * index;
    }
    return number;
  }

  [[nodiscard]] static std::size_t children_of(std::size_t position, std::uint32_t unit) noexcept {
    return position ^ static_cast<std::size_t>(unit >> 10) << ((unit & 0x200U) >> 6);
  }
  [[nodiscard]] static bool has_value(std::uint32_t unit) noexcept { return (unit & 0x100U) != 0; }
  [[nodiscard]] static std::uint32_t label_of(std::uint32_t unit) noexcept { return unit & 0x800000FFU; }
  [[nodiscard]] static std::size_t value_of(std::uint32_t unit) noexcept { return unit & 0x7FFFFFFFU; }

  void append_characters(std::string_view cluster, std::string& result) const {
    for (std::size_t position = 0; position < cluster.size();) {
      const std::string_view character = cluster.substr(position, decode(cluster, position).length);
      position += character.size();
      result += find_replacement(character).value_or(character);
    }
  }

  /// Of the shortest rule that `text` starts with.
  [[nodiscard]] std::optional<std::string_view> find_replacement(std::string_view text) const noexcept {
    std::size_t children = children_of(0, units_[0]);
    for (const char character : text) {
      const auto byte = static_cast<unsigned char>(character);
      const std::size_t position = children ^ byte;
      if (byte == 0 || label_of(units_[position]) != byte) {
        break;
      }
      children = children_of(position, units_[position]);
      if (has_value(units_[position])) {
        return std::string_view(replacements_.c_str() + value_of(units_[children]));
      }
    }
    return std::nullopt;
  }

  void check_replacements() {
    if (!replacements_.empty() && replacements_.back() != '\0') {
      refuse("has replacements that do not end in NUL");
    }
    if (!is_well_formed_utf8(replacements_)) {
      refuse("has replacements that are not UTF-8");
    }
    for (std::size_t start = 0; start < replacements_.size();) {
      const std::size_t end = replacements_.find('\0', start);
      longest_ = std::max(longest_, end - start);
      if (end - start > longest_replacement) {
        refuse("has a replacement of " + std::to_string(end - start) + " bytes, expected at most " +
               std::to_string(longest_replacement));
      }
      start = end + 1;
    }
  }

  void check_trie() const {
    std::vector<bool> seen(units_.size(), false);
    std::vector<std::size_t> waiting;
    const auto follow = [&](std::size_t position) {
      const std::size_t children = children_of(position, units_[position]);
      if ((children | 0xFFU) >= units_.size()) {
        refuse("leads from unit " + std::to_string(position) + " to unit " + std::to_string(children) + " of " +
               std::to_string(units_.size()));
      }
      for (std::uint32_t byte = 0; byte < 256; ++byte) {  // sentencepiece's own search goes on at NUL
        const std::size_t child = children ^ byte;
        if (label_of(units_[child]) == byte && !seen[child]) {
          seen[child] = true;
          waiting.push_back(child);
        }
      }
    };
    follow(0);
    while (!waiting.empty()) {
      const std::size_t position = waiting.back();
      waiting.pop_back();
      follow(position);
      if (has_value(units_[position])) {
        check_value(value_of(units_[children_of(position, units_[position])]));
      }
    }
  }

  void check_value(std::size_t start) const {
    if (start >= replacements_.size() || (static_cast<unsigned char>(replacements_[start]) & 0xC0U) == 0x80U) {
      refuse("has a rule whose replacement starts at byte " + std::to_string(start) + " of " +
             std::to_string(replacements_.size()) + ", expected the start of a character");
    }
  }

  std::string where_;
  std::vector<std::uint32_t> units_;
  std::string replacements_;
  std::size_t longest_ = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
