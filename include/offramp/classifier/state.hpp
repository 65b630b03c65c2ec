// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/classifier/input_failures.hpp>
#include <offramp/detail/interruption.hpp>
#include <offramp/detail/memory_pool.hpp>
#include <offramp/drift_audit.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/batching.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/exits/early_exit_model.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/exits/labelling.hpp>
#include <offramp/exits/visit_plan.hpp>
#include <offramp/exits/waiting_texts.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/model_parts.hpp>
#include <offramp/nn/team.hpp>
#include <offramp/text/tokenizer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

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
  [[nodiscard]] const encoding& encode(const detail::input_view& given, text::encode_memory& memory,
                                       const detail::interruption* stop = nullptr) const {
    if (given.tokens != nullptr) {
      check(*given.tokens);
      return *given.tokens;
    }
    check(given);
    return reader.encode(given.first, given.second, memory, stop);
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
    check_range(tokens.cut_ids, config.vocabulary_size, "token id");
    check_range(tokens.type_ids, config.type_vocabulary_size, "type id");
  }

  void check(const exit_policy& policy) const {
    exits::check_policy(policy, exits.size(), labels.size(), exits.front().layer);
    if (!model.heads.gate) {
      exits::refuse_learned(policy);
    }
    if (model.heads.labels().is_multi_label()) {
      exits::refuse_exclusive(policy);
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
    result.label_ids.clear();
    if (result.probabilities.empty()) {  // cancelled before the first exit
      result.label.clear();
      result.label_id = result.layer = -1;
      result.confidence = 0.0F;
      return;
    }
    result.confidence = model.heads.labels().confidence(result.probabilities);
    result.layer = exits[outcome.exit].layer;
    if (model.heads.labels().is_multi_label()) {
      name_given(result);
      return;
    }
    const std::size_t label = exits::most_probable(result.probabilities);
    result.label = labels[label];
    result.label_id = static_cast<int>(label);
  }

  /// Names all labels that a multi-label model gives with the result's probabilities.
  void name_given(prediction& result) const {
    result.label.clear();
    result.label_id = -1;
    float highest = 0.0F;
    for (std::size_t label = 0; label < labels.size(); ++label) {
      if (!model.heads.labels().gives(result.probabilities, label)) {
        continue;
      }
      result.label.append(result.label_ids.empty() ? "" : ",").append(labels[label]);
      result.label_ids.push_back(static_cast<int>(label));
      if (result.probabilities[label] > highest) {
        highest = result.probabilities[label];
        result.label_id = static_cast<int>(label);
      }
    }
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

  [[nodiscard]] detail::drift_observation observe(const exits::request& text, const exits::outcome& outcome) const {
    return {.is_answered = true,
            .layer = exits[outcome.exit].layer,
            .is_sampled = text.is_sampled,
            .is_early = outcome.exit + 1 < exits.size(),
            .disagrees = outcome.audit == exits::audit_result::disagrees};
  }

  /// Not of a cancelled call: which texts it answered is no fair sample.
  static void report_to_audit(const exit_policy& policy, std::span<const detail::drift_observation> texts) {
    if (detail::is_cancelled(policy)) {
      return;
    }
    if (const drift_audit* audit = detail::audit_of(policy)) {
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
               nn::team& team, exits::engine_memory& engine_memory, const Finish& finish) const;

  /// Adds the time since it began to a policy's meter, if it has one.
  class tokenizing_clock;

  [[nodiscard]] const encoding& encode_for_call(const detail::input_view& given, const exit_policy& policy,
                                                text::encode_memory& memory) const;

  /// Encodes and runs one input; `finish(encoding, outcome)` makes the result.
  template <class Finish>
  void run_one(const detail::input_view& given, const call_plan& call, const runner& run, const Finish& finish) const;

  /// Runs made-up texts of so many tokens, as one batch, in `threads` pieces of memory at a time.
  void warm_up(int tokens, int threads) const;

  /// Encodes the inputs, on the threads that `run` lends, until the policy's token stops it; those that could not be,
  /// or were not, have no tokens.
  void encode_all(const detail::batch_view& inputs, const exit_policy& policy, const runner& run,
                  detail::batch_memory& batch, detail::input_failures& failures) const;

  enum class on_failure { stop, go_on };

  /// Encodes every input, cuts batches, runs them on the threads that `run` lends, and gives each text's outcome to
  /// `finish(input, encoding, outcome)` as it leaves. Inputs that fail get none: where the call goes on, they are in
  /// `failures`; else it throws.
  template <class Finish>
  void run_batches(const detail::batch_view& inputs, const call_plan& call, const runner& run, on_failure reaction,
                   detail::input_failures& failures, const Finish& finish) const;

  /// Runs those of a batch that were encoded.
  template <class Finish>
  void run_encoded(const call_plan& call, const runner& run, detail::batch_memory& batch,
                   detail::input_failures& failures, const Finish& finish) const;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
