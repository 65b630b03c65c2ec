// SPDX-License-Identifier: Apache-2.0
// How a loaded model runs one input, and many: encodes them, cuts batches and gives them to lent threads.
#pragma once

#include <offramp/call_meter.hpp>
#include <offramp/classifier.hpp>
#include <offramp/classifier/input_failures.hpp>
#include <offramp/classifier/state.hpp>
#include <offramp/detail/floating_point.hpp>
#include <offramp/detail/interruption.hpp>
#include <offramp/detail/lead_teams.hpp>
#include <offramp/detail/lend.hpp>
#include <offramp/detail/memory_pool.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/batching.hpp>
#include <offramp/exits/engine.hpp>
#include <offramp/nn/layout.hpp>
#include <offramp/nn/team.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace detail {

/// Gives every input that did not fail an outcome without an answer.
template <class Finish>
void cancel_all(const batch_memory& batch, const input_failures& failures, const Finish& finish) {
  const encoding nothing;
  for (std::size_t i = 0; i < batch.texts.size(); ++i) {
    if (failures.has(i)) {
      continue;
    }
    exits::outcome cancelled{.stopped = stop_reason::cancelled};
    finish(i, batch.texts[i] == nullptr ? nothing : *batch.texts[i], cancelled);
  }
}

}  // namespace detail

class classifier::state::tokenizing_clock {
 public:
  explicit tokenizing_clock(const exit_policy& policy) : policy_(policy) {
    if (policy.meter()) {
      start_ = std::chrono::steady_clock::now();
    }
  }
  tokenizing_clock(const tokenizing_clock&) = delete;
  tokenizing_clock& operator=(const tokenizing_clock&) = delete;
  ~tokenizing_clock() {
    if (policy_.meter()) {
      policy_.meter()->add({.tokenizing = std::chrono::steady_clock::now() - start_});
    }
  }

 private:
  const exit_policy& policy_;
  std::chrono::steady_clock::time_point start_;
};

template <class Finish>
void classifier::state::run_cut(std::span<const exits::request> texts, const call_plan& call,
                                exits::waiting_texts* waiting, nn::team& team, exits::engine_memory& engine_memory,
                                const Finish& finish) const {
  call_statistics statistics;
  const exits::assignment assignment{.policy = call.policy,
                                     .kept = call.kept,
                                     .waiting = waiting,
                                     .statistics = call.policy.meter() ? &statistics : nullptr};
  exits::engine(model, assignment, exits::leave_callback(finish), engine_memory, team).run(texts);
  if (call.policy.meter()) {
    statistics.texts = static_cast<std::int64_t>(texts.size());
    for (const exits::request& text : texts) {
      statistics.tokens += static_cast<std::int64_t>(text.tokens->ids.size());
    }
    call.policy.meter()->add(statistics);
  }
}

OFFRAMP_INLINE const encoding& classifier::state::encode_for_call(const detail::input_view& given,
                                                                  const exit_policy& policy,
                                                                  text::encode_memory& memory) const {
  const detail::default_floating_point environment;
  const tokenizing_clock clock(policy);
  const detail::interruption stop{policy.stop_token()};
  return encode(given, memory, policy.stop_token().stop_possible() ? &stop : nullptr);
}

template <class Finish>
void classifier::state::run_one(const detail::input_view& given, const call_plan& call, const runner& run,
                                const Finish& finish) const {
  const typename detail::memory_pool<detail::call_memory>::lease memory(*call_pool);
  const encoding& tokens = encode_for_call(given, call.policy, memory->text);
  if (detail::is_cancelled(call.policy)) {
    exits::outcome cancelled{.stopped = stop_reason::cancelled};
    finish(encoding{}, cancelled);
    return;
  }
  const drift_audit* audit = detail::audit_of(call.policy);
  const exits::request text{.tokens = &tokens,
                            .is_sampled = audit != nullptr && audit->samples(audit->take_numbers(1))};
  detail::drift_observation observation;
  const auto finish_text = [&](std::size_t /*index*/, exits::outcome& outcome) {
    if (outcome.failed_layer) {
      throw failure_of(outcome);
    }
    observation = observe(text, outcome);
    finish(*text.tokens, outcome);
  };
  nn::team team(run.width());
  detail::lead_teams(run, std::span(&team, 1), [&](std::size_t /*cut*/, nn::team& workers) {
    run_cut(std::span(&text, 1), call, nullptr, workers, memory->engine, finish_text);
  });
  report_to_audit(call.policy, std::span(&observation, 1));
}

OFFRAMP_INLINE void classifier::state::warm_up(int tokens, int threads) const {
  if (tokens < 1 || threads < 1) {
    throw error(error_kind::invalid_argument, "warm_up: " + std::to_string(tokens) + " tokens and " +
                                                  std::to_string(threads) + " threads, expected at least 1 of each");
  }
  std::size_t left =
      std::clamp(static_cast<std::size_t>(tokens), std::size_t{1}, std::max(detail::largest_cut, reader.max_tokens));
  std::vector<encoding> texts;
  for (; left > 0; left -= texts.back().ids.size()) {
    texts.push_back({.ids = std::vector<std::int32_t>(std::min(left, reader.max_tokens)), .type_ids = {}});
  }
  std::vector<exits::request> requests;
  requests.reserve(texts.size());
  for (const encoding& text : texts) {
    requests.push_back({.tokens = &text});
  }
  std::string words;
  for (std::size_t word = 0; word < texts.front().ids.size(); ++word) {
    words += "a ";
  }
  const exit_policy policy = exit_policy::full_depth();
  std::list<detail::memory_pool<detail::call_memory>::lease> pieces;
  while (pieces.size() < static_cast<std::size_t>(threads)) {
    detail::call_memory& memory = *pieces.emplace_back(*call_pool);
    nn::team alone;
    run_cut(requests, {policy}, nullptr, alone, memory.engine, [](std::size_t, const exits::outcome&) {});
    (void)encode_for_call({.first = words, .second = {}}, policy, memory.text);
  }
}

OFFRAMP_INLINE void classifier::state::encode_all(const detail::batch_view& inputs, const exit_policy& policy,
                                                  const runner& run, detail::batch_memory& batch,
                                                  detail::input_failures& failures) const {
  constexpr std::size_t at_once = 8;  // inputs that a thread takes at a time
  batch.encoded.resize(std::max(batch.encoded.size(), inputs.size));
  batch.texts.assign(inputs.size, nullptr);
  detail::lend(run, nn::layout::ceil_divide(inputs.size, at_once), [&](std::size_t piece) {
    const detail::memory_pool<detail::call_memory>::lease memory(*call_pool);
    const tokenizing_clock clock(policy);
    const detail::interruption stop{policy.stop_token()};
    for (std::size_t i = piece * at_once; i < std::min(inputs.size, (piece + 1) * at_once); ++i) {
      if (detail::is_cancelled(policy)) {
        return;
      }
      try {
        const detail::input_view given = inputs.at(inputs.elements, i);
        const encoding& tokens = encode(given, memory->text, policy.stop_token().stop_possible() ? &stop : nullptr);
        if (detail::is_cancelled(policy)) {
          return;  // perhaps in the middle of this text
        }
        if (given.tokens == nullptr) {
          batch.encoded[i] = tokens;
        }
        batch.texts[i] = given.tokens == nullptr ? &batch.encoded[i] : given.tokens;
      } catch (const error& problem) {
        failures.add(i, problem);
      }
    }
  });
}

template <class Finish>
void classifier::state::run_batches(const detail::batch_view& inputs, const call_plan& call, const runner& run,
                                    on_failure reaction, detail::input_failures& failures, const Finish& finish) const {
  const typename detail::memory_pool<detail::batch_memory>::lease batch(*batch_pool);
  encode_all(inputs, call.policy, run, *batch, failures);
  if (reaction == on_failure::stop) {
    failures.throw_first();
  }
  if (detail::is_cancelled(call.policy)) {
    detail::cancel_all(*batch, failures, finish);
  } else {
    run_encoded(call, run, *batch, failures, finish);
  }
  if (reaction == on_failure::stop) {
    failures.throw_first();
  }
  report_to_audit(call.policy, batch->observations);
}

template <class Finish>
void classifier::state::run_encoded(const call_plan& call, const runner& run, detail::batch_memory& batch,
                                    detail::input_failures& failures, const Finish& finish) const {
  const std::vector<std::size_t> inputs = detail::remove_failed(batch);
  const drift_audit* audit = detail::audit_of(call.policy);
  detail::plan_cuts(call.policy, run.width(), audit == nullptr ? 0 : audit->take_numbers(batch.texts.size()), batch);
  exits::waiting_texts waiting(call.policy.deadline() ? detail::count_tokens(batch.texts) : 0, run.width());
  detail::lead_teams(run, batch.new_teams(run.width()), [&](std::size_t cut, nn::team& team) {
    if (call.is_given_up != nullptr && *call.is_given_up) {
      return;
    }
    const std::size_t begin = cut == 0 ? 0 : batch.ends[cut - 1];
    const auto texts = std::span(batch.requests).subspan(begin, batch.ends[cut] - begin);
    const auto finish_text = [&](std::size_t i, exits::outcome& outcome) {
      const std::size_t text = batch.order[begin + i];
      const std::size_t index = inputs.empty() ? text : inputs[text];
      if (outcome.failed_layer) {
        failures.add(index, failure_of(outcome));
        return;
      }
      batch.observations[begin + i] = observe(texts[i], outcome);
      finish(index, *texts[i].tokens, outcome);
    };
    if (detail::is_cancelled(call.policy)) {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        exits::outcome cancelled{.stopped = stop_reason::cancelled};
        finish_text(i, cancelled);
      }
      return;
    }
    if (call.policy.deadline()) {
      waiting.begin(exits::count_tokens(texts));
    }
    const typename detail::memory_pool<detail::call_memory>::lease memory(*call_pool);
    run_cut(texts, call, call.policy.deadline() ? &waiting : nullptr, team, memory->engine, finish_text);
  });
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
