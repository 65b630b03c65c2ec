// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/detail/batching.hpp>
#include <offramp/detail/floating_point.hpp>
#include <offramp/detail/input_failures.hpp>
#include <offramp/detail/lead_teams.hpp>
#include <offramp/detail/lend.hpp>
#include <offramp/detail/memory_pool.hpp>
#include <offramp/detail/model_parts.hpp>
#include <offramp/drift_audit.hpp>
#include <offramp/exits/engine.hpp>
#include <offramp/exits/policy_values.hpp>
#include <offramp/exits/top_k.hpp>
#include <offramp/model/exits/policy.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/model/heads.hpp>
#include <offramp/model/weights.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/team.hpp>
#include <offramp/text/tokenizer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/nn/reference_kernels.hpp>  // the compiled library has faster ones in src/kernels/
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// Everything a loaded model consists of.
struct classifier::state {
  model::config config;
  detail::text_reader reader;
  exits::early_exit_model model;
  std::vector<std::string> labels;
  std::vector<exit_info> exits;
  std::optional<input_kind> input;
  reaction other_input;
  exit_policy default_policy;
  std::vector<certificate> certificates;
  numeric_format format;
  std::vector<golden_text> golden_texts;
  model_info info;
  std::unique_ptr<detail::memory_pool<detail::call_memory>> call_pool;
  std::unique_ptr<detail::memory_pool<detail::batch_memory>> batch_pool;

  static std::shared_ptr<const state> load(const model::file_set& files, const load_options& options, const runner& run,
                                           const load_progress& report);

  /// The tokens of an input: the caller's own, else encoded into `memory`.
  [[nodiscard]] const encoding& encode(const detail::input_view& given, text::encode_memory& memory) const {
    if (given.tokens != nullptr) {
      check(*given.tokens);
      return *given.tokens;
    }
    check(given);
    return reader.encode(given.first, given.second, memory);
  }

  void check(const detail::input_view& given) const {
    if (given.is_null) {
      throw error(error_kind::invalid_argument, "the text is a null pointer, expected characters");
    }
    if (other_input == reaction::refuse && input && (*input == input_kind::pair) != given.second.has_value()) {
      throw error(error_kind::invalid_argument,
                  given.second ? "a pair of texts, expected a single text as in training (load_options::other_input)"
                               : "a single text, expected a pair of texts as in training (load_options::other_input)");
    }
  }

  void check(const encoding& tokens) const {
    const auto refuse = [](const std::string& what) { throw error(error_kind::invalid_argument, "encoding: " + what); };
    if (tokens.ids.empty() || tokens.ids.size() > reader.max_tokens) {
      refuse(std::to_string(tokens.ids.size()) + " tokens, expected 1 to " + std::to_string(reader.max_tokens));
    }
    if (!tokens.type_ids.empty() && tokens.type_ids.size() != tokens.ids.size()) {
      refuse(std::to_string(tokens.type_ids.size()) + " type ids, expected none or " +
             std::to_string(tokens.ids.size()));
    }
    const auto check_range = [&](const std::vector<std::int32_t>& ids, int end, const char* name) {
      for (const std::int32_t id : ids) {
        if (id < 0 || id >= end) {
          refuse(std::string(name) + " " + std::to_string(id) + ", expected 0 to " + std::to_string(end - 1));
        }
      }
    };
    check_range(tokens.ids, config.vocabulary_size, "token id");
    check_range(tokens.type_ids, config.type_vocabulary_size, "type id");
  }

  void check(const exit_policy& policy) const {
    exits::check_policy(policy, exits.size(), labels.size(), exits.front().layer);
    if (!model.heads.gate) {
      exits::refuse_learned(policy);
    }
  }

  /// Writes an answer into `result`, whose memory goes to the outcome in exchange.
  void predict(const encoding& tokens, exits::outcome& outcome, prediction& result) const {
    result.tokens = static_cast<int>(tokens.ids.size());
    result.truncated = tokens.truncated;
    result.stopped = outcome.stopped;
    std::swap(result.probabilities, outcome.probabilities);
    std::swap(result.logits, outcome.logits);
    std::swap(result.embedding, outcome.embedding);
    if (result.probabilities.empty()) {  // cancelled before the first exit
      result.label.clear();
      result.label_id = result.layer = -1;
      result.confidence = 0.0F;
      return;
    }
    const std::size_t label = exits::most_probable(result.probabilities);
    result.label = labels[label];
    result.label_id = static_cast<int>(label);
    result.confidence = result.probabilities[label];
    result.layer = exits[outcome.exit].layer;
  }

  [[nodiscard]] std::vector<exit_output> report(const encoding& tokens, exits::outcome& outcome) const {
    std::vector<exit_output> outputs;
    outputs.reserve(outcome.visits.size());
    for (exits::visit_record& visit : outcome.visits) {
      const bool is_last = visit.exit + 1 == exits.size();
      exits::outcome here{.exit = visit.exit,
                          .probabilities = std::move(visit.probabilities),
                          .stopped = is_last ? stop_reason::last_exit : stop_reason::layer_limit};
      exit_output& output = outputs.emplace_back();
      output.logits = std::move(visit.logits);
      predict(tokens, here, output.answer);
      output.uncertainty = visit.uncertainty;
    }
    return outputs;
  }

  [[nodiscard]] static error failure_of(const exits::outcome& outcome) {
    return {error_kind::bad_model, "the logits of the exit on layer " + std::to_string(*outcome.failed_layer) +
                                       " are not finite, expected finite numbers"};
  }

  [[nodiscard]] static bool is_cancelled(const exit_policy& policy) { return policy.stop_token().stop_requested(); }

  /// The audit that samples the texts of a call, if it has one.
  [[nodiscard]] static const drift_audit* audit_of(const exit_policy& policy) {
    return policy.audit() && !policy.deadline() ? &*policy.audit() : nullptr;
  }

  [[nodiscard]] detail::drift_observation observe(const exits::request& text, const exits::outcome& outcome) const {
    return {.layer = exits[outcome.exit].layer,
            .is_sampled = text.is_sampled,
            .is_early = outcome.exit + 1 < exits.size(),
            .disagrees = outcome.audit == exits::audit_result::disagrees};
  }

  /// Not of a cancelled call: which texts it answered is no fair sample.
  static void report_to_audit(const exit_policy& policy, std::span<const detail::drift_observation> texts) {
    if (is_cancelled(policy)) {
      return;
    }
    if (const drift_audit* audit = audit_of(policy)) {
      audit->count(texts);
    } else if (policy.audit()) {
      policy.audit()->count_under_deadline(texts.size());
    }
  }

  /// What a call does with each text, besides the text.
  struct call_plan {
    const exit_policy& policy;
    exits::keep kept = exits::keep::last_visit;
    const std::atomic<bool>* is_given_up = nullptr;  // set when nobody wants the rest of a batch
  };

  /// Runs one cut of texts with a team. Gives each text's outcome to `finish(index, outcome)` as it leaves.
  template <class Finish>
  void run_cut(std::span<const exits::request> texts, const call_plan& call, exits::waiting_texts* waiting,
               nn::team& team, exits::engine_memory& engine_memory, const Finish& finish) const {
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

  /// Adds the time since it began to a policy's meter, if it has one.
  class tokenizing_clock {
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

  [[nodiscard]] const encoding& encode_for_call(const detail::input_view& given, const exit_policy& policy,
                                                text::encode_memory& memory) const {
    const detail::default_floating_point environment;
    const tokenizing_clock clock(policy);
    return encode(given, memory);
  }

  /// Encodes and runs one input; `finish(encoding, outcome)` makes the result.
  template <class Finish>
  void run_one(const detail::input_view& given, const call_plan& call, const runner& run, const Finish& finish) const {
    const typename detail::memory_pool<detail::call_memory>::lease memory(*call_pool);
    const encoding& tokens = encode_for_call(given, call.policy, memory->text);
    if (is_cancelled(call.policy)) {
      exits::outcome cancelled{.stopped = stop_reason::cancelled};
      finish(encoding{}, cancelled);
      return;
    }
    const drift_audit* audit = audit_of(call.policy);
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

  /// Runs made-up texts of so many tokens, as one batch, in `threads` pieces of memory at a time.
  void warm_up(int tokens, int threads) const {
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

  /// Encodes the inputs, on the threads that `run` lends, until the policy's token stops it; those that could not be,
  /// or were not, have no tokens.
  void encode_all(const detail::batch_view& inputs, const exit_policy& policy, const runner& run,
                  detail::batch_memory& batch, detail::input_failures& failures) const {
    constexpr std::size_t at_once = 8;  // inputs that a thread takes at a time
    batch.encoded.resize(std::max(batch.encoded.size(), inputs.size));
    batch.texts.assign(inputs.size, nullptr);
    detail::lend(run, nn::layout::ceil_divide(inputs.size, at_once), [&](std::size_t piece) {
      const detail::memory_pool<detail::call_memory>::lease memory(*call_pool);
      const tokenizing_clock clock(policy);
      for (std::size_t i = piece * at_once; i < std::min(inputs.size, (piece + 1) * at_once); ++i) {
        if (is_cancelled(policy)) {
          return;
        }
        try {
          const detail::input_view given = inputs.at(inputs.elements, i);
          const encoding& tokens = encode(given, memory->text);
          if (is_cancelled(policy)) {
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

  /// Tokens that run together where a deadline or a stop token is to be noticed soon: one layer of a BERT-base takes
  /// some tens of milliseconds, and about as long per token as with more.
  static constexpr std::size_t tokens_of_quick_cut = 512;

  [[nodiscard]] static std::size_t count_tokens(std::span<const encoding* const> texts) {
    return std::accumulate(texts.begin(), texts.end(), std::size_t{0},
                           [](std::size_t sum, const encoding* text) { return sum + text->ids.size(); });
  }
  [[nodiscard]] static std::size_t count_tokens(std::span<const exits::request> texts) {
    return std::accumulate(texts.begin(), texts.end(), std::size_t{0},
                           [](std::size_t sum, const exits::request& text) { return sum + text.tokens->ids.size(); });
  }

  /// Takes out the inputs that have no tokens. The indices of the others, or none where that was all of them.
  [[nodiscard]] static std::vector<std::size_t> remove_failed(detail::batch_memory& batch) {
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

  /// Cuts the encoded texts into batches and writes their requests.
  static void plan(const exit_policy& policy, std::size_t threads, detail::batch_memory& batch) {
    const auto order = policy.deadline() ? detail::batch_order::as_given : detail::batch_order::longest_first;
    const bool must_be_quick = policy.deadline() || policy.stop_token().stop_possible();
    detail::cut_batches(batch, order, threads, must_be_quick ? tokens_of_quick_cut : detail::largest_cut);
    batch.requests.clear();
    batch.observations.assign(batch.texts.size(), {});
    const drift_audit* audit = audit_of(policy);
    const std::uint64_t first_number = audit == nullptr ? 0 : audit->take_numbers(batch.texts.size());
    for (const std::size_t index : batch.order) {
      batch.requests.push_back(
          {.tokens = batch.texts[index], .is_sampled = audit != nullptr && audit->samples(first_number + index)});
    }
  }

  enum class on_failure { stop, go_on };

  /// Encodes every input, cuts batches, runs them on the threads that `run` lends, and gives each text's outcome to
  /// `finish(input, encoding, outcome)` as it leaves. Inputs that fail get none: where the call goes on, they are in
  /// `failures`; else it throws.
  template <class Finish>
  void run_batches(const detail::batch_view& inputs, const call_plan& call, const runner& run, on_failure reaction,
                   detail::input_failures& failures, const Finish& finish) const {
    const typename detail::memory_pool<detail::batch_memory>::lease batch(*batch_pool);
    encode_all(inputs, call.policy, run, *batch, failures);
    if (reaction == on_failure::stop) {
      failures.throw_first();
    }
    if (is_cancelled(call.policy)) {
      cancel_all(*batch, failures, finish);
    } else {
      run_encoded(call, run, *batch, failures, finish);
    }
    if (reaction == on_failure::stop) {
      failures.throw_first();
    }
  }

  /// Gives every input that did not fail an outcome without an answer.
  template <class Finish>
  void cancel_all(const detail::batch_memory& batch, const detail::input_failures& failures,
                  const Finish& finish) const {
    const encoding nothing;
    for (std::size_t i = 0; i < batch.texts.size(); ++i) {
      if (failures.has(i)) {
        continue;
      }
      exits::outcome cancelled{.stopped = stop_reason::cancelled};
      finish(i, batch.texts[i] == nullptr ? nothing : *batch.texts[i], cancelled);
    }
  }

  /// Runs those of a batch that were encoded.
  template <class Finish>
  void run_encoded(const call_plan& call, const runner& run, detail::batch_memory& batch,
                   detail::input_failures& failures, const Finish& finish) const {
    const std::vector<std::size_t> inputs = remove_failed(batch);
    plan(call.policy, run.width(), batch);
    exits::waiting_texts waiting(call.policy.deadline() ? count_tokens(batch.texts) : 0, run.width());
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
      if (is_cancelled(call.policy)) {
        for (std::size_t i = 0; i < texts.size(); ++i) {
          exits::outcome cancelled{.stopped = stop_reason::cancelled};
          finish_text(i, cancelled);
        }
        return;
      }
      if (call.policy.deadline()) {
        waiting.begin(count_tokens(texts));
      }
      const typename detail::memory_pool<detail::call_memory>::lease memory(*call_pool);
      run_cut(texts, call, call.policy.deadline() ? &waiting : nullptr, team, memory->engine, finish_text);
    });
    report_to_audit(call.policy, batch.observations);
  }
};

inline std::shared_ptr<const classifier::state> classifier::state::load(const model::file_set& files,
                                                                        const load_options& options, const runner& run,
                                                                        const load_progress& report) {
  const nn::kernels kernels = nn::choose_kernels(options);
  const model::config config = model::read_config(files);
  model::check_sums(config, files, options.format);
  std::optional<model::exits_file> exits_file = model::read_exits_file(files, config);
  const model::checkpoint tensors = model::open_checkpoint(files);
  const bool is_described = exits_file.has_value();
  const model::exit_plan plan = detail::plan_exits(std::move(exits_file), files, tensors, config);
  const model::exits_file& description = plan.description;
  if (description.labels.size() < 2) {
    throw error(error_kind::unsupported, files.describe("config.json") + ": num_labels is " +
                                             std::to_string(description.labels.size()) + ", expected at least 2");
  }
  exits::head_set heads = is_described
                              ? model::read_heads(plan, model::open_exits(files, description), config, kernels.layout)
                              : model::read_heads(plan, tensors, config, kernels.layout);
  std::vector<std::size_t> answering = detail::answering_exits(heads, options.exits);
  detail::text_reader reader = detail::load_text_reader(files, description, options, config);
  model_info info{.kernels = kernels.name, .weight_bytes = 0, .warnings = {}};
  std::vector<exit_info> exit_infos;
  std::vector<int> layers;
  for (const std::size_t j : answering) {
    heads.heads[j].exit = exit_infos.size();
    exit_infos.push_back({heads.heads[j].layer, heads.heads[j].temperature});
    layers.push_back(heads.heads[j].layer);
    detail::warn_of_temperature(description.exits[j], options, info.warnings);
  }
  const int last_layer = heads.heads[answering.back()].layer;
  exit_policy policy =
      description.default_policy ? model::make_policy(*description.default_policy) : exit_policy::full_depth();
  // A stored policy speaks of all exits; with some left out, one threshold per exit has lost its meaning.
  const bool is_by_exit =
      policy.rule_kind() == exit_policy::rule::per_exit || policy.rule_kind() == exit_policy::rule::per_class;
  const bool ends_below = policy.max_layer() && *policy.max_layer() < heads.heads[answering.front()].layer;
  if (ends_below || (is_by_exit && answering.size() != heads.heads.size())) {
    policy = exit_policy::full_depth();
    info.warnings.emplace_back("the stored policy does not fit the chosen exits; full depth is the default");
  }
  if (description.input == input_kind::pair && options.other_input == reaction::warn) {
    info.warnings.emplace_back(
        "the model was trained on pairs of texts: single texts are classified too, but are not what it knows");
  }
  std::vector<certificate> certificates =
      model::certificates_for(description, options.format, layers, reader.max_tokens);
  nn::encoder encoder = model::read_encoder(tensors, config, last_layer, kernels, run, report);
  info.weight_bytes = encoder.bytes() + heads.bytes();
  return std::make_shared<const state>(
      state{.config = config,
            .reader = std::move(reader),
            .model = {.encoder = std::move(encoder),
                      .heads = std::move(heads),
                      .answering = std::move(answering),
                      .schedule = options.schedule},
            .labels = description.labels,
            .exits = std::move(exit_infos),
            .input = description.input,
            .other_input = options.other_input,
            .default_policy = std::move(policy),
            .certificates = std::move(certificates),
            .format = options.format,
            .golden_texts = description.golden,
            .info = std::move(info),
            .call_pool = std::make_unique<detail::memory_pool<detail::call_memory>>(detail::most_kept_for_calls),
            .batch_pool = std::make_unique<detail::memory_pool<detail::batch_memory>>(detail::most_kept_for_batches)});
}

OFFRAMP_INLINE classifier classifier::load(const std::filesystem::path& directory, const load_options& options,
                                           const runner& run, const load_progress& report) {
  const detail::default_floating_point environment;
  return classifier(state::load(model::file_set(directory), options, run, report));
}

OFFRAMP_INLINE classifier classifier::load(std::span<const model_file> files, const load_options& options,
                                           const runner& run, const load_progress& report) {
  const detail::default_floating_point environment;
  std::vector<model::file_set::blob> blobs;
  for (const model_file& file : files) {
    blobs.push_back({std::string(file.name), file.bytes});
  }
  return classifier(state::load(model::file_set(std::move(blobs)), options, run, report));
}

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

OFFRAMP_INLINE int classifier::num_layers() const noexcept { return state_->config.num_layers; }

OFFRAMP_INLINE const std::vector<exit_info>& classifier::exits() const noexcept { return state_->exits; }

OFFRAMP_INLINE int classifier::max_tokens() const noexcept { return static_cast<int>(state_->reader.max_tokens); }

OFFRAMP_INLINE std::optional<input_kind> classifier::expected_input() const noexcept { return state_->input; }

OFFRAMP_INLINE const exit_policy& classifier::default_policy() const noexcept { return state_->default_policy; }

OFFRAMP_INLINE const std::vector<certificate>& classifier::certificates() const noexcept {
  return state_->certificates;
}

OFFRAMP_INLINE std::optional<exit_policy> classifier::certified(double epsilon, certified_loss loss) const {
  const certificate* boldest = nullptr;
  for (const certificate& candidate : state_->certificates) {
    if (candidate.loss == loss && candidate.epsilon <= epsilon &&
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

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
