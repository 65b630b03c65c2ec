// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The ids of short words seen lately, a few thousand at most: a word takes the place of another one with the same
/// hash.
class word_cache {
 public:
  static constexpr std::size_t longest_word = 24;  // bytes

  /// A word, with zeros behind it.
  struct key {
    std::array<std::uint64_t, longest_word / 8> bytes{};
    std::uint32_t size = 0;

    /// `word` has at most `longest_word` bytes.
    explicit key(std::string_view word) noexcept : size(static_cast<std::uint32_t>(word.size())) {
      std::memcpy(bytes.data(), word.data(), word.size());
    }
    key() = default;

    bool operator==(const key&) const = default;
  };

  /// A word and its ids; a free one has an empty word.
  struct entry {
    key word;
    std::uint32_t count = 0;
    std::array<std::int32_t, 4> ids{};

    [[nodiscard]] std::span<const std::int32_t> found() const noexcept { return std::span(ids).first(count); }

    /// Takes another word, unless it has too many ids.
    void put(const key& other, std::span<const std::int32_t> other_ids) noexcept {
      if (other_ids.size() <= ids.size()) {
        word = other;
        count = static_cast<std::uint32_t>(other_ids.size());
        std::copy(other_ids.begin(), other_ids.end(), ids.begin());
      }
    }
  };

  /// Forgets everything unless it is of the model `owner`, which is not 0.
  void serve(std::uint64_t owner) {
    if (owner_ != owner) {
      entries_.assign(std::size_t{1} << bits, entry());
      owner_ = owner;
    }
  }

  /// Where `word` is, or whose place it would take.
  [[nodiscard]] entry& place_of(const key& word) noexcept {
    const std::uint64_t mixed =
        word.bytes[0] * 0x9E3779B97F4A7C15U ^ word.bytes[1] * 0xC2B2AE3D27D4EB4FU ^ word.bytes[2] * 0x165667B19E3779F9U;
    return entries_[static_cast<std::size_t>((mixed ^ mixed >> 32) * 0x9E3779B97F4A7C15U >> (64 - bits))];
  }

 private:
  static constexpr int bits = 11;

  std::vector<entry> entries_;
  std::uint64_t owner_ = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
