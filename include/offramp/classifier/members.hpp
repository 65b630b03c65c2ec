// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/classifier/batches.hpp>
#include <offramp/classifier/input_failures.hpp>
#include <offramp/classifier/loading.hpp>
#include <offramp/classifier/state.hpp>
#include <offramp/detail/floating_point.hpp>
#include <offramp/detail/memory_pool.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/policy_values.hpp>
#include <offramp/exits/top_k.hpp>
#include <offramp/model/encoder_flops.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

OFFRAMP_INLINE prediction classifier::classify_one(const detail::input_view& input, const exit_policy& policy,
                                                   const runner& run) const {
  state_->check(policy);
  prediction result;
  state_->run_one(input, {policy}, run,
                  [&](const encoding& tokens, exits::outcome& outcome) { state_->predict(tokens, outcome, result); });
  return result;
}

OFFRAMP_INLINE std::vector<prediction> classifier::classify_many(const detail::batch_view& inputs,
                                                                 const exit_policy& policy, const runner& run) const {
  std::vector<prediction> results(inputs.size);
  classify_into(inputs, results, policy, run);
  return results;
}

OFFRAMP_INLINE void classifier::classify_into(const detail::batch_view& inputs, std::span<prediction> results,
                                              const exit_policy& policy, const runner& run) const {
  state_->check(policy);
  if (results.size() != inputs.size) {
    throw error(error_kind::invalid_argument, "classify_batch_into: room for " + std::to_string(results.size()) +
                                                  " results, expected " + std::to_string(inputs.size));
  }
  detail::input_failures failures;
  state_->run_batches(inputs, {policy}, run, state::on_failure::stop, failures,
                      [&](std::size_t input, const encoding& tokens, exits::outcome& outcome) {
                        state_->predict(tokens, outcome, results[input]);
                      });
}

OFFRAMP_INLINE void classifier::classify_as_ready(const detail::batch_view& inputs,
                                                  const detail::prediction_sink& on_result, const exit_policy& policy,
                                                  const runner& run) const {
  struct given_up {};
  state_->check(policy);
  std::mutex mutex;
  std::atomic<bool> is_given_up{false};
  std::exception_ptr why;
  detail::input_failures failures;
  try {
    state_->run_batches(inputs, {.policy = policy, .is_given_up = &is_given_up}, run, state::on_failure::stop, failures,
                        [&](std::size_t input, const encoding& tokens, exits::outcome& outcome) {
                          prediction answer;
                          state_->predict(tokens, outcome, answer);
                          const std::scoped_lock lock(mutex);
                          if (is_given_up) {
                            throw given_up();
                          }
                          try {
                            on_result.call(on_result.function, input, std::move(answer));
                          } catch (...) {
                            why = std::current_exception();
                            is_given_up = true;
                            throw given_up();
                          }
                        });
  } catch (const given_up&) {
    std::rethrow_exception(why);
  }
}

OFFRAMP_INLINE std::vector<std::variant<prediction, error>> classifier::try_classify_many(
    const detail::batch_view& inputs, const exit_policy& policy, const runner& run) const {
  state_->check(policy);
  std::vector<std::variant<prediction, error>> results(inputs.size);
  detail::input_failures failures;
  state_->run_batches(inputs, {policy}, run, state::on_failure::go_on, failures,
                      [&](std::size_t input, const encoding& tokens, exits::outcome& outcome) {
                        state_->predict(tokens, outcome, std::get<prediction>(results[input]));
                      });
  for (const detail::input_failure& failure : failures.all()) {
    results[failure.input] = failure.what;
  }
  return results;
}

OFFRAMP_INLINE std::vector<exit_output> classifier::every_exit_of_one(const detail::input_view& input,
                                                                      const runner& run) const {
  const exit_policy policy = exit_policy::full_depth();
  std::vector<exit_output> exits;
  state_->run_one(input, {.policy = policy, .kept = exits::keep::every_visit}, run,
                  [&](const encoding& tokens, exits::outcome& outcome) { exits = state_->report(tokens, outcome); });
  return exits;
}

OFFRAMP_INLINE std::vector<std::vector<exit_output>> classifier::every_exit_of_many(const detail::batch_view& inputs,
                                                                                    const runner& run) const {
  const exit_policy policy = exit_policy::full_depth();
  std::vector<std::vector<exit_output>> results(inputs.size);
  detail::input_failures failures;
  state_->run_batches(inputs, {.policy = policy, .kept = exits::keep::every_visit}, run, state::on_failure::stop,
                      failures, [&](std::size_t input, const encoding& tokens, exits::outcome& outcome) {
                        results[input] = state_->report(tokens, outcome);
                      });
  return results;
}

OFFRAMP_INLINE memory_bytes classifier::memory_usage() const {
  return {.weights = state_->info.weight_bytes, .waiting = state_->call_pool->bytes() + state_->batch_pool->bytes()};
}

OFFRAMP_INLINE void classifier::release_memory() const {
  state_->call_pool->release();
  state_->batch_pool->release();
}

OFFRAMP_INLINE void classifier::check(const exit_policy& policy) const { state_->check(policy); }

OFFRAMP_INLINE encoding classifier::tokenize_one(const detail::input_view& input) const {
  const detail::default_floating_point environment;
  text::encode_memory memory;
  return state_->encode(input, memory);
}

OFFRAMP_INLINE std::vector<encoding> classifier::tokenize_many(const detail::batch_view& inputs,
                                                               const runner& run) const {
  const detail::memory_pool<detail::batch_memory>::lease batch(*state_->batch_pool);
  detail::input_failures failures;
  state_->encode_all(inputs, exit_policy::full_depth(), run, *batch, failures);
  failures.throw_first();
  const auto end = batch->encoded.begin() + static_cast<std::ptrdiff_t>(inputs.size);
  std::vector<encoding> results(batch->encoded.begin(), end);
  return results;
}

OFFRAMP_INLINE void classifier::warm_up(int tokens, int threads) const { state_->warm_up(tokens, threads); }

OFFRAMP_INLINE std::string_view classifier::piece(std::int32_t id) const { return state_->reader.tokenizer.piece(id); }

OFFRAMP_INLINE const std::vector<std::string>& classifier::labels() const noexcept { return state_->labels; }

OFFRAMP_INLINE const std::vector<float>& classifier::cuts() const noexcept { return state_->model.heads.cuts; }

OFFRAMP_INLINE int classifier::num_layers() const noexcept { return state_->config.num_layers; }

OFFRAMP_INLINE const std::vector<exit_info>& classifier::exits() const noexcept { return state_->exits; }

OFFRAMP_INLINE int classifier::max_tokens() const noexcept { return static_cast<int>(state_->reader.max_tokens); }

OFFRAMP_INLINE std::optional<input_kind> classifier::expected_input() const noexcept { return state_->input; }

OFFRAMP_INLINE const exit_policy& classifier::default_policy() const noexcept { return state_->default_policy; }

OFFRAMP_INLINE const std::vector<certificate>& classifier::certificates() const noexcept {
  return state_->certificates;
}

OFFRAMP_INLINE std::optional<exit_policy> classifier::certified(double epsilon, certified_loss loss,
                                                                certified_scope scope) const {
  const certificate* boldest = nullptr;
  for (const certificate& candidate : state_->certificates) {
    if (candidate.loss == loss && candidate.scope == scope && candidate.epsilon <= epsilon &&
        (boldest == nullptr || candidate.epsilon >= boldest->epsilon)) {
      boldest = &candidate;
    }
  }
  return boldest == nullptr ? std::nullopt : std::optional(boldest->policy);
}

OFFRAMP_INLINE numeric_format classifier::format() const noexcept { return state_->format; }

OFFRAMP_INLINE const std::vector<golden_text>& classifier::golden_texts() const noexcept {
  return state_->golden_texts;
}

OFFRAMP_INLINE const model_info& classifier::info() const noexcept { return state_->info; }

OFFRAMP_INLINE std::int64_t classifier::flops(int layers, int tokens) const {
  const auto check = [](const char* name, int given, int lowest, int highest) {
    if (given < lowest || given > highest) {
      throw error(error_kind::invalid_argument, "flops of " + std::to_string(given) + " " + name + ", expected " +
                                                    std::to_string(lowest) + " to " + std::to_string(highest));
    }
  };
  check("layers", layers, 0, num_layers());
  check("tokens", tokens, 1, max_tokens());
  return model::count_flops(state_->config, static_cast<std::size_t>(layers), static_cast<std::size_t>(tokens));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
