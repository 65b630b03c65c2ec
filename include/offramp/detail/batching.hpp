// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/drift_audit.hpp>
#include <offramp/encoding.hpp>
#include <offramp/exits/engine_memory.hpp>

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

/// The lists of one call with many inputs. Reused from call to call, so that a call of a size seen before allocates
/// nothing here.
struct batch_memory {
  std::vector<encoding> encoded;                // by input; of those that came as text
  std::vector<const encoding*> texts;           // by input
  std::vector<std::size_t> order;               // inputs, batch after batch
  std::vector<std::size_t> ends;                // of the batches, in the order
  std::vector<exits::request> requests;         // in the order
  std::vector<drift_observation> observations;  // in the order; of an audit

  /// Most inputs whose lists are kept for the next call: some megabytes.
  static constexpr std::size_t most_kept = 4096;

  /// Gives back what an unusually large call needed.
  void trim() {
    if (texts.size() > most_kept) {
      *this = {};
    }
  }
};

/// Cuts the texts into batches of at most `batch_token_budget` tokens, or fewer, so that each of `threads` gets one:
/// fills `order`, each input exactly once, and `ends`.
inline void cut_batches(batch_memory& memory, batch_order order, std::size_t threads) {
  const auto tokens_of = [&](std::size_t index) { return memory.texts[index]->ids.size(); };
  std::size_t total = 0;
  for (const encoding* text : memory.texts) {
    total += text->ids.size();
  }
  const std::size_t budget = std::clamp((total + threads - 1) / threads, smallest_batch, batch_token_budget);
  memory.order.resize(memory.texts.size());
  std::iota(memory.order.begin(), memory.order.end(), std::size_t{0});
  if (order == batch_order::longest_first) {
    // By index where they are equally long: a stable sort would allocate.
    std::sort(memory.order.begin(), memory.order.end(), [&](std::size_t a, std::size_t b) {
      return tokens_of(a) != tokens_of(b) ? tokens_of(a) > tokens_of(b) : a < b;
    });
  }
  memory.ends.clear();
  std::size_t tokens = 0;
  for (std::size_t position = 0; position < memory.order.size(); ++position) {
    const std::size_t more = tokens_of(memory.order[position]);
    if (position > 0 && tokens + more > budget) {
      memory.ends.push_back(position);
      tokens = 0;
    }
    tokens += more;
  }
  if (!memory.order.empty()) {
    memory.ends.push_back(memory.order.size());
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
