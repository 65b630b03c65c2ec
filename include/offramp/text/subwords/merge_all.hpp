// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/subwords/merge_table.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// A symbol of a word that is being merged; its neighbours by the numbers that they had before.
struct merge_symbol {
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::int32_t merged_away = -1;

  std::int32_t id;  ///< `merged_away` for what belongs to a symbol before it
  std::uint32_t previous;
  std::uint32_t next;

  [[nodiscard]] bool is_merged_away() const noexcept { return id == merged_away; }
};

/// Neighbours that are one symbol later; of equal ranks the leftmost pair merges first.
struct merge_candidate {
  std::uint32_t rank;
  std::uint32_t position;
  std::int32_t id;
};

/// Merges `ids` into `symbols`, of which those that are not merged away are the result.
inline void merge_all(const merge_table& merges, std::span<const std::int32_t> ids, std::vector<merge_symbol>& symbols,
                      std::vector<merge_candidate>& candidates) {
  symbols.clear();
  for (std::uint32_t index = 0; index < ids.size(); ++index) {
    symbols.push_back({ids[index], index - 1, index + 1});
  }
  if (!symbols.empty()) {
    symbols.back().next = merge_symbol::none;
  }
  const auto worse = [](const merge_candidate& a, const merge_candidate& b) {
    return std::tie(a.rank, a.position) > std::tie(b.rank, b.position);
  };
  const auto offer = [&](std::uint32_t left, std::uint32_t right) {
    if (const auto found = merges.find(symbols[left].id, symbols[right].id); found.rank != merge_table::no_rank) {
      candidates.push_back({found.rank, left, found.id});
      std::push_heap(candidates.begin(), candidates.end(), worse);
    }
  };
  candidates.clear();
  for (std::uint32_t right = 1; right < symbols.size(); ++right) {
    offer(right - 1, right);
  }
  while (!candidates.empty()) {
    std::pop_heap(candidates.begin(), candidates.end(), worse);
    const merge_candidate best = candidates.back();
    candidates.pop_back();
    merge_symbol& left = symbols[best.position];
    if (left.is_merged_away() || left.next == merge_symbol::none) {
      continue;
    }
    merge_symbol& right = symbols[left.next];
    if (const auto current = merges.find(left.id, right.id);
        current.rank == merge_table::no_rank || current.id != best.id) {
      continue;  // a neighbour has changed since
    }
    left.id = best.id;
    right.id = merge_symbol::merged_away;
    left.next = right.next;
    if (left.next != merge_symbol::none) {
      symbols[left.next].previous = best.position;
      offer(best.position, left.next);
    }
    if (best.position > 0) {
      offer(left.previous, best.position);
    }
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
