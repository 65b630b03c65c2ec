// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Finds the strings of a fixed set that a text starts with: a trie as a double array (Aoe, An Efficient Digital Search
/// Algorithm by Using a Double-Array Structure, 1989), so that a byte costs one load. Const members are safe from
/// several threads and allocate nothing.
class piece_trie {
 public:
  struct entry {
    std::string_view bytes;
    std::int32_t value;  ///< not negative
  };

  /// Of equal strings the last one counts; the empty one is not found.
  explicit piece_trie(std::vector<entry> entries) {
    std::stable_sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) { return a.bytes < b.bytes; });
    add_block();
    units_[root].parent = taken;
    place_children({root, 0, entries});
  }

  /// Calls `visit(value, length)` for each string, shortest first.
  template <typename Visit>
  void for_each_prefix(std::string_view text, const Visit& visit) const {
    std::uint32_t node = root;
    const unit* units = units_.data();
    for (std::size_t index = 0; index < text.size(); ++index) {
      const std::uint32_t child = units[node].children ^ static_cast<unsigned char>(text[index]);
      if (units[child].parent != node) {
        break;
      }
      node = child;
      if (units[node].value >= 0) {
        visit(units[node].value, index + 1);
      }
    }
  }

  [[nodiscard]] std::optional<std::int32_t> find(std::string_view text) const {
    std::optional<std::int32_t> result;
    for_each_prefix(text, [&](std::int32_t value, std::size_t length) {
      result = length == text.size() ? std::optional(value) : std::nullopt;
    });
    return result;
  }

 private:
  static constexpr std::uint32_t root = 0;
  static constexpr std::uint32_t block = 256;
  static constexpr std::uint32_t free = 0xFFFFFFFFU;
  static constexpr std::uint32_t taken = 0xFFFFFFFEU;  // by a node without a parent

  struct unit {
    std::uint32_t parent = free;
    std::uint32_t children = 0;  ///< that of byte b is at `children` ^ b, if it names this node as its parent
    std::int32_t value = -1;
  };

  /// A node, and the sorted strings that lead through it, which have `depth` bytes in common.
  struct branch {
    std::uint32_t node;
    std::size_t depth;
    std::vector<entry>::const_iterator first;
    std::vector<entry>::const_iterator last;

    branch(std::uint32_t place, std::size_t length, const std::vector<entry>& entries)
        : branch(place, length, entries.begin(), entries.end()) {}
    branch(std::uint32_t place, std::size_t length, std::vector<entry>::const_iterator begin,
           std::vector<entry>::const_iterator end)
        : node(place), depth(length), first(begin), last(end) {}
  };

  void place_children(const branch& whole) {
    std::vector<branch> waiting = {whole};
    std::vector<branch> children;
    while (!waiting.empty()) {
      const branch current = waiting.back();
      waiting.pop_back();
      auto first = current.first;
      for (; first != current.last && first->bytes.size() == current.depth; ++first) {
        units_[current.node].value = current.depth == 0 ? -1 : first->value;
      }
      children.clear();
      while (first != current.last) {
        const char byte = first->bytes[current.depth];
        const auto last =
            std::find_if(first, current.last, [&](const entry& other) { return other.bytes[current.depth] != byte; });
        children.emplace_back(static_cast<unsigned char>(byte), current.depth + 1, first, last);
        first = last;
      }
      if (children.empty()) {
        continue;
      }
      const std::uint32_t base = find_base(children);
      units_[current.node].children = base;
      for (branch& child : children) {
        child.node ^= base;
        units_[child.node].parent = current.node;
        waiting.push_back(child);
      }
    }
  }

  /// Where all children fit. Where a search takes long, the fullest block is left alone from then on.
  [[nodiscard]] std::uint32_t find_base(const std::vector<branch>& children) {
    constexpr std::uint32_t tries = 2048;
    while (first_free_ < units_.size() && units_[first_free_].parent != free) {
      ++first_free_;
    }
    const auto size = static_cast<std::uint32_t>(units_.size());
    const std::uint32_t last = std::min(size, first_free_ + tries);
    for (std::uint32_t place = first_free_; place < last; ++place) {
      const std::uint32_t base = place ^ children.front().node;
      if (std::all_of(children.begin(), children.end(),
                      [&](const branch& child) { return units_[base ^ child.node].parent == free; })) {
        return base;
      }
    }
    if (last < size) {
      first_free_ = (first_free_ / block + 1) * block;
    }
    add_block();
    return size;
  }

  void add_block() { units_.resize(units_.size() + block); }

  std::vector<unit> units_;  // a multiple of `block`, so that every byte leads to a unit
  std::uint32_t first_free_ = 1;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
