// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/drift_audit.hpp>
#include <offramp/encoding.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/exits/engine_memory.hpp>
#include <offramp/nn/aligned_vector.hpp>
#include <offramp/nn/team.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// Most tokens that run through the encoder together (a longer single text runs alone): bounds the memory of a call.
inline constexpr std::size_t largest_cut = 1024;

/// Fewest tokens worth a cut of their own: below, reading the weights costs more than multiplying.
inline constexpr std::size_t smallest_cut = 256;

/// Cuts for each of several threads. They take them as they come, so that whoever has a long one gets fewer.
inline constexpr std::size_t cuts_per_thread = 4;

enum class batch_order { longest_first, as_given };

/// The lists of one call with many inputs. Reused from call to call, so that a call of a size seen before allocates
/// nothing here.
struct batch_memory {
  std::vector<encoding> encoded;                // by input; of those that came as text
  std::vector<const encoding*> texts;           // by input
  std::vector<std::size_t> order;               // inputs, cut after cut
  std::vector<std::size_t> ends;                // of the cuts, in the order
  std::vector<exits::request> requests;         // in the order
  std::vector<drift_observation> observations;  // in the order; of an audit
  std::unique_ptr<nn::team[]> teams;            // by cut
  std::size_t teams_size = 0;

  /// A new team for each cut.
  [[nodiscard]] std::span<nn::team> new_teams(std::size_t most_workers) {
    if (teams_size < ends.size()) {
      teams = std::make_unique<nn::team[]>(ends.size());
      teams_size = ends.size();
    }
    for (std::size_t cut = 0; cut < ends.size(); ++cut) {
      std::destroy_at(&teams[cut]);
      std::construct_at(&teams[cut], most_workers);
    }
    return {teams.get(), ends.size()};
  }

  [[nodiscard]] std::size_t bytes() const noexcept {
    using nn::bytes_of;
    std::size_t sum = bytes_of(encoded) + bytes_of(texts) + bytes_of(order) + bytes_of(ends) + bytes_of(requests) +
                      bytes_of(observations) + teams_size * sizeof(nn::team);
    for (const encoding& text : encoded) {
      sum += bytes_of(text.ids) + bytes_of(text.type_ids) + bytes_of(text.cut_ids);
    }
    return sum;
  }
};

/// Into how many cuts of at most `most` tokens so many go, for so many threads.
[[nodiscard]] inline std::size_t count_cuts(std::size_t tokens, std::size_t threads, std::size_t most) {
  const std::size_t by_memory = (tokens + most - 1) / most;
  const std::size_t by_threads = threads == 1 ? 1 : std::min(cuts_per_thread * threads, tokens / smallest_cut);
  return std::max({std::size_t{1}, by_memory, by_threads});
}

/// Cuts the texts into parts of about as many tokens each, which run through the encoder one by one: fills `order`,
/// each input exactly once, and `ends`.
inline void cut_batches(batch_memory& memory, batch_order order, std::size_t threads, std::size_t most = largest_cut) {
  const auto tokens_of = [&](std::size_t index) { return memory.texts[index]->ids.size(); };
  std::size_t total = 0;
  for (const encoding* text : memory.texts) {
    total += text->ids.size();
  }
  const std::size_t cuts = count_cuts(total, threads, most);
  memory.order.resize(memory.texts.size());
  std::iota(memory.order.begin(), memory.order.end(), std::size_t{0});
  if (order == batch_order::longest_first) {
    // By index where they are equally long: a stable sort would allocate.
    std::sort(memory.order.begin(), memory.order.end(), [&](std::size_t a, std::size_t b) {
      return tokens_of(a) != tokens_of(b) ? tokens_of(a) > tokens_of(b) : a < b;
    });
  }
  memory.ends.clear();
  std::size_t tokens = 0;  // of all cuts so far
  std::size_t begin = 0;   // of this cut
  for (std::size_t position = 0; position < memory.order.size(); ++position) {
    const std::size_t more = tokens_of(memory.order[position]);
    const bool is_past_share = tokens + more / 2 >= total * (memory.ends.size() + 1) / cuts;
    if (tokens > begin && (is_past_share || tokens - begin + more > most)) {
      memory.ends.push_back(position);
      begin = tokens;
    }
    tokens += more;
  }
  if (!memory.order.empty()) {
    memory.ends.push_back(memory.order.size());
  }
}

[[nodiscard]] inline bool is_cancelled(const exit_policy& policy) { return policy.stop_token().stop_requested(); }

/// The audit that samples the texts of a call, if it has one.
[[nodiscard]] inline const drift_audit* audit_of(const exit_policy& policy) {
  return policy.audit() && !policy.deadline() ? &*policy.audit() : nullptr;
}

/// Tokens that run together where a deadline or a stop token is to be noticed soon: one layer of a BERT-base takes
/// some tens of milliseconds, and about as long per token as with more.
inline constexpr std::size_t tokens_of_quick_cut = 512;

[[nodiscard]] inline std::size_t count_tokens(std::span<const encoding* const> texts) {
  return std::accumulate(texts.begin(), texts.end(), std::size_t{0},
                         [](std::size_t sum, const encoding* text) { return sum + text->ids.size(); });
}

/// Takes out the inputs that have no tokens. The indices of the others, or none where that was all of them.
[[nodiscard]] inline std::vector<std::size_t> remove_failed(batch_memory& batch) {
  std::vector<std::size_t> inputs;
  if (std::find(batch.texts.begin(), batch.texts.end(), nullptr) == batch.texts.end()) {
    return inputs;
  }
  for (std::size_t i = 0; i < batch.texts.size(); ++i) {
    if (batch.texts[i] != nullptr) {
      batch.texts[inputs.size()] = batch.texts[i];
      inputs.push_back(i);
    }
  }
  batch.texts.resize(inputs.size());
  return inputs;
}

/// Cuts the encoded texts and writes their requests. An audit, where the policy has one, counts from `first_number` on.
inline void plan_cuts(const exit_policy& policy, std::size_t threads, std::uint64_t first_number, batch_memory& batch) {
  const auto order = policy.deadline() ? batch_order::as_given : batch_order::longest_first;
  const bool must_be_quick = policy.deadline() || policy.stop_token().stop_possible();
  cut_batches(batch, order, threads, must_be_quick ? tokens_of_quick_cut : largest_cut);
  batch.requests.clear();
  batch.observations.assign(batch.texts.size(), {});
  const drift_audit* audit = audit_of(policy);
  for (const std::size_t index : batch.order) {
    batch.requests.push_back(
        {.tokens = batch.texts[index], .is_sampled = audit != nullptr && audit->samples(first_number + index)});
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
