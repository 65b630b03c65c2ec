// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/encoding.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// Most tokens that run through the encoder together (a longer single text runs alone): bounds the memory of a call.
inline constexpr std::size_t batch_token_budget = 4096;

enum class batch_order { longest_first, as_given };

/// Fewest tokens worth a batch of their own: below, reading the weights costs more than multiplying.
inline constexpr std::size_t smallest_batch = 256;

/// Cuts texts into batches of at most `batch_token_budget` tokens, or fewer, so that each of `threads` gets one.
/// Indices into `texts`, each exactly once.
inline std::vector<std::vector<std::size_t>> cut_batches(std::span<const encoding> texts, batch_order order,
                                                         std::size_t threads) {
  std::size_t total = 0;
  for (const encoding& text : texts) {
    total += text.ids.size();
  }
  const std::size_t budget = std::clamp((total + threads - 1) / threads, smallest_batch, batch_token_budget);
  std::vector<std::size_t> indices(texts.size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  if (order == batch_order::longest_first) {
    std::stable_sort(indices.begin(), indices.end(),
                     [&](std::size_t a, std::size_t b) { return texts[a].ids.size() > texts[b].ids.size(); });
  }
  std::vector<std::vector<std::size_t>> batches;
  std::size_t tokens = 0;
  for (const std::size_t index : indices) {
    if (batches.empty() || tokens + texts[index].ids.size() > budget) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(index);
    tokens += texts[index].ids.size();
  }
  return batches;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
