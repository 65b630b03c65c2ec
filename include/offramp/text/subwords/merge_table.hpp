// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The merges of a byte-pair encoding by the pair that they merge: a hash table with open addressing, so that a lookup
/// costs about one cache line.
class merge_table {
 public:
  struct merge {
    std::uint32_t rank;  ///< lower ones come first
    std::int32_t id;     ///< of the result
  };
  static constexpr std::uint32_t no_rank = 0xFFFFFFFFU;

  merge_table() : slots_(16) {}

  /// The later of two merges of the same pair counts. Ids are not negative.
  void insert(std::int32_t first, std::int32_t second, merge merged) {
    if (2 * (size_ + 1) > slots_.size()) {
      grow();
    }
    slot& place = slots_[find_slot(key_of(first, second))];
    size_ += place.key == free ? 1 : 0;
    place = {key_of(first, second), merged};
  }

  /// The merge of a pair; one of rank `no_rank` where there is none.
  [[nodiscard]] merge find(std::int32_t first, std::int32_t second) const noexcept {
    return slots_[find_slot(key_of(first, second))].merged;
  }

 private:
  static constexpr std::uint64_t free = ~std::uint64_t{0};  // no pair of ids that are not negative

  struct slot {
    std::uint64_t key = free;
    merge merged{no_rank, -1};
  };

  [[nodiscard]] static std::uint64_t key_of(std::int32_t first, std::int32_t second) noexcept {
    return std::uint64_t{static_cast<std::uint32_t>(first)} << 32 | static_cast<std::uint32_t>(second);
  }

  /// The slot that holds `key`, or the free slot where it belongs. The table is never full.
  [[nodiscard]] std::size_t find_slot(std::uint64_t key) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    const std::uint64_t mixed = (key ^ key >> 29) * 0x9E3779B97F4A7C15U;
    std::size_t index = static_cast<std::size_t>(mixed >> 32) & mask;
    while (slots_[index].key != free && slots_[index].key != key) {
      index = (index + 1) & mask;
    }
    return index;
  }

  void grow() {
    const std::vector<slot> old = std::exchange(slots_, std::vector<slot>(2 * slots_.size()));
    for (const slot& entry : old) {
      if (entry.key != free) {
        slots_[find_slot(entry.key)] = entry;
      }
    }
  }

  std::vector<slot> slots_;  // a power of two
  std::size_t size_ = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
