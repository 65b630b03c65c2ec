// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Finds the longest of many strings that a text starts with. The edges of all nodes lie in one hash table, so that a
/// lookup costs one probe per byte and allocates nothing.
class byte_trie {
 public:
  struct match {
    std::int32_t value;
    std::size_t length;
  };

  byte_trie() : slots_(16), values_(1, no_value) {}

  /// `value` is not negative. A string inserted twice keeps its latest value.
  void insert(std::string_view bytes, std::int32_t value) {
    std::uint32_t node = 0;
    for (const char byte : bytes) {
      node = child_or_new(node, byte);
    }
    values_[node] = value;
  }

  /// The longest inserted string, the empty one aside, that `text` starts with.
  [[nodiscard]] std::optional<match> longest_prefix(std::string_view text) const noexcept {
    std::optional<match> best;
    for_each_prefix(text, [&best](match found) { best = found; });
    return best;
  }

  /// Calls `visit(match)` for each inserted string, the empty one aside, that `text` starts with, shortest first.
  template <typename Visit>
  void for_each_prefix(std::string_view text, const Visit& visit) const {
    std::uint32_t node = 0;
    for (std::size_t index = 0; index < text.size(); ++index) {
      const slot& edge = slots_[find_slot(key_of(node, text[index]))];
      if (edge.key == 0) {
        break;
      }
      node = edge.target;
      if (values_[node] != no_value) {
        visit(match{values_[node], index + 1});
      }
    }
  }

  /// The value of `text`, if it was inserted.
  [[nodiscard]] std::optional<std::int32_t> find(std::string_view text) const noexcept {
    const std::optional<match> longest = longest_prefix(text);
    return longest && longest->length == text.size() ? std::optional(longest->value) : std::nullopt;
  }

 private:
  static constexpr std::int32_t no_value = -1;

  struct slot {
    std::uint64_t key = 0;  ///< 0 for a free slot
    std::uint32_t target = 0;
  };

  [[nodiscard]] static std::uint64_t key_of(std::uint32_t node, char byte) noexcept {
    return (std::uint64_t{node} << 8 | static_cast<unsigned char>(byte)) + 1;
  }

  /// The slot that holds `key`, or the free slot where it belongs. The table is never full.
  [[nodiscard]] std::size_t find_slot(std::uint64_t key) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t index = static_cast<std::size_t>(key * 0x9E3779B97F4A7C15U >> 32) & mask;
    while (slots_[index].key != 0 && slots_[index].key != key) {
      index = (index + 1) & mask;
    }
    return index;
  }

  std::uint32_t child_or_new(std::uint32_t node, char byte) {
    const std::uint64_t key = key_of(node, byte);
    std::size_t index = find_slot(key);
    if (slots_[index].key == 0) {
      if (values_.size() * 2 > slots_.size()) {
        grow();
        index = find_slot(key);
      }
      slots_[index] = {key, static_cast<std::uint32_t>(values_.size())};
      values_.push_back(no_value);
    }
    return slots_[index].target;
  }

  void grow() {
    const std::vector<slot> old = std::move(slots_);
    slots_.assign(old.size() * 2, slot{});
    for (const slot& edge : old) {
      if (edge.key != 0) {
        slots_[find_slot(edge.key)] = edge;
      }
    }
  }

  std::vector<slot> slots_;  // open addressing, a power of two
  std::vector<std::int32_t> values_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
