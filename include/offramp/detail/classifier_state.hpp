// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/detail/batching.hpp>
#include <offramp/detail/lend.hpp>
#include <offramp/detail/memory_pool.hpp>
#include <offramp/detail/model_parts.hpp>
#include <offramp/drift_audit.hpp>
#include <offramp/exits/engine.hpp>
#include <offramp/model/exits/policy.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/model/heads.hpp>
#include <offramp/model/weights.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/team.hpp>
#include <offramp/text/tokenizer.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/nn/reference_kernels.hpp>  // the compiled library has faster ones in src/kernels/
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace detail {

/// Sends a team's helpers home at the end of its life, also when the leader leaves by an exception.
class closing_team {
 public:
  explicit closing_team(nn::team& team) : team_(team) {}
  closing_team(const closing_team&) = delete;
  closing_team& operator=(const closing_team&) = delete;
  ~closing_team() { team_.close(); }

 private:
  nn::team& team_;
};

}  // namespace detail

/// Everything a loaded model consists of.
struct classifier::state {
  model::config config;
  detail::text_reader reader;
  exits::early_exit_model model;
  std::vector<std::string> labels;
  std::vector<exit_info> exits;
  std::optional<input_kind> input;
  exit_policy default_policy;
  std::vector<certificate> certificates;
  numeric_format format;
  std::vector<golden_text> golden_texts;
  model_info info;
  std::unique_ptr<detail::memory_pool<detail::call_memory>> call_pool;
  std::unique_ptr<detail::memory_pool<detail::batch_memory>> batch_pool;

  static std::shared_ptr<const state> load(const model::file_set& files, const load_options& options);

  /// The tokens of an input: the caller's own, else encoded into `memory`.
  [[nodiscard]] const encoding& encode(const detail::input_view& given, text::encode_memory& memory) const {
    if (given.tokens != nullptr) {
      check(*given.tokens);
      return *given.tokens;
    }
    return reader.encode(given.first, given.second, memory);
  }

  [[nodiscard]] encoding encode(const detail::input_view& given) const {
    text::encode_memory memory;
    return encode(given, memory);
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

  [[nodiscard]] prediction predict(const encoding& tokens, std::vector<float> probabilities, std::size_t exit,
                                   stop_reason stopped) const {
    const std::size_t label = exits::most_probable(probabilities);
    const float confidence = probabilities[label];
    return {.label = labels[label],
            .label_id = static_cast<int>(label),
            .confidence = confidence,
            .probabilities = std::move(probabilities),
            .layer = exits[exit].layer,
            .tokens = static_cast<int>(tokens.ids.size()),
            .truncated = tokens.truncated,
            .stopped = stopped};
  }

  [[nodiscard]] prediction predict(const encoding& tokens, exits::outcome& outcome) const {
    return predict(tokens, std::move(outcome.probabilities), outcome.exit, outcome.stopped);
  }

  [[nodiscard]] std::vector<exit_output> report(const encoding& tokens, exits::outcome& outcome) const {
    std::vector<exit_output> outputs;
    outputs.reserve(outcome.visits.size());
    for (exits::visit_record& visit : outcome.visits) {
      const bool is_last = visit.exit + 1 == exits.size();
      outputs.push_back({std::move(visit.logits),
                         predict(tokens, std::move(visit.probabilities), visit.exit,
                                 is_last ? stop_reason::last_exit : stop_reason::layer_limit),
                         visit.uncertainty});
    }
    return outputs;
  }

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

  static void report_to_audit(const exit_policy& policy, std::span<const detail::drift_observation> texts) {
    if (const drift_audit* audit = audit_of(policy)) {
      audit->count(texts);
    } else if (policy.audit()) {
      policy.audit()->count_under_deadline(texts.size());
    }
  }

  /// Runs one batch on the threads that `run` lends: the first to start leads, the others help until it is done, and
  /// those that start later find nothing left to do. Gives each text's outcome to `finish(index, outcome)`.
  template <class Finish>
  void run_batch(std::span<const exits::request> texts, const exit_policy& policy, exits::keep kept, const runner& run,
                 exits::engine_memory& engine_memory, const Finish& finish) const {
    const std::size_t workers = run ? std::max(1U, std::thread::hardware_concurrency()) : 1;
    nn::team team(workers);
    std::atomic<bool> has_leader{false};
    detail::lend(run, workers, [&](std::size_t /*index*/) {
      if (has_leader.exchange(true)) {
        team.help();
        return;
      }
      const detail::closing_team closing(team);
      const std::span<exits::outcome> outcomes = exits::engine(model, policy, kept, engine_memory, team).run(texts);
      for (std::size_t i = 0; i < outcomes.size(); ++i) {
        finish(i, outcomes[i]);
      }
    });
  }

  /// Encodes and runs one input; `finish(encoding, outcome)` makes the result.
  template <class Finish>
  [[nodiscard]] auto run_one(const detail::input_view& given, const exit_policy& policy, exits::keep kept,
                             const runner& run, const Finish& finish) const {
    const typename detail::memory_pool<detail::call_memory>::lease memory(*call_pool);
    const drift_audit* audit = audit_of(policy);
    const exits::request text{.tokens = &encode(given, memory->text),
                              .is_sampled = audit != nullptr && audit->samples(audit->take_numbers(1))};
    detail::drift_observation observation;
    decltype(finish(*text.tokens, memory->engine.outcomes.front())) result;
    run_batch(std::span(&text, 1), policy, kept, run, memory->engine,
              [&](std::size_t /*index*/, exits::outcome& outcome) {
                observation = observe(text, outcome);
                result = finish(*text.tokens, outcome);
              });
    report_to_audit(policy, std::span(&observation, 1));
    return result;
  }

  /// Encodes every input, on the threads that `run` lends.
  void encode_all(const detail::batch_view& inputs, const runner& run, detail::batch_memory& batch) const {
    constexpr std::size_t at_once = 8;  // inputs that a thread takes at a time
    nn::grow(batch.encoded, inputs.size);
    batch.texts.resize(inputs.size);
    detail::lend(run, nn::layout::ceil_divide(inputs.size, at_once), [&](std::size_t piece) {
      const detail::memory_pool<detail::call_memory>::lease memory(*call_pool);
      for (std::size_t i = piece * at_once; i < std::min(inputs.size, (piece + 1) * at_once); ++i) {
        const detail::input_view given = inputs.at(inputs.elements, i);
        batch.texts[i] = &encode(given, memory->text);
        if (given.tokens == nullptr) {
          batch.encoded[i] = *batch.texts[i];
          batch.texts[i] = &batch.encoded[i];
        }
      }
    });
  }

  /// Cuts the encoded texts into batches and writes their requests.
  static void plan(const exit_policy& policy, std::size_t threads, detail::batch_memory& batch) {
    const auto order = policy.deadline() ? detail::batch_order::as_given : detail::batch_order::longest_first;
    detail::cut_batches(batch, order, threads);
    batch.requests.clear();
    batch.observations.resize(batch.texts.size());
    const drift_audit* audit = audit_of(policy);
    const std::uint64_t first_number = audit == nullptr ? 0 : audit->take_numbers(batch.texts.size());
    for (const std::size_t index : batch.order) {
      batch.requests.push_back(
          {.tokens = batch.texts[index], .is_sampled = audit != nullptr && audit->samples(first_number + index)});
    }
  }

  /// Encodes every input, cuts batches, runs them on the threads that `run` lends, and gives each text's outcome to
  /// `finish(encoding, outcome)`; results in input order.
  template <class Result, class Finish>
  [[nodiscard]] std::vector<Result> run_batches(const detail::batch_view& inputs, const exit_policy& policy,
                                                exits::keep kept, const runner& run, const Finish& finish) const {
    const typename detail::memory_pool<detail::batch_memory>::lease batch(*batch_pool);
    encode_all(inputs, run, *batch);
    plan(policy, run ? std::max(1U, std::thread::hardware_concurrency()) : 1, *batch);
    std::vector<Result> results(inputs.size);
    const auto run_cut = [&](std::size_t cut, const runner& lent) {
      const typename detail::memory_pool<detail::call_memory>::lease memory(*call_pool);
      const std::size_t begin = cut == 0 ? 0 : batch->ends[cut - 1];
      const auto texts = std::span(batch->requests).subspan(begin, batch->ends[cut] - begin);
      run_batch(texts, policy, kept, lent, memory->engine, [&](std::size_t i, exits::outcome& outcome) {
        batch->observations[begin + i] = observe(texts[i], outcome);
        results[batch->order[begin + i]] = finish(*texts[i].tokens, outcome);
      });
    };
    if (batch->ends.size() == 1) {
      run_cut(0, run);
    } else {
      detail::lend(run, batch->ends.size(), [&](std::size_t cut) { run_cut(cut, {}); });
    }
    report_to_audit(policy, batch->observations);
    batch->trim();
    return results;
  }
};

inline std::shared_ptr<const classifier::state> classifier::state::load(const model::file_set& files,
                                                                        const load_options& options) {
  const nn::kernels kernels = nn::choose_kernels(options);
  const model::config config = model::read_config(files);
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
    detail::warn_of_temperature(description.exits[j], options.format, info.warnings);
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
  std::vector<certificate> certificates =
      model::certificates_for(description, options.format, layers, reader.max_tokens);
  nn::encoder encoder = model::read_encoder(tensors, config, last_layer, kernels);
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
            .default_policy = std::move(policy),
            .certificates = std::move(certificates),
            .format = options.format,
            .golden_texts = description.golden,
            .info = std::move(info),
            .call_pool = std::make_unique<detail::memory_pool<detail::call_memory>>(),
            .batch_pool = std::make_unique<detail::memory_pool<detail::batch_memory>>()});
}

OFFRAMP_INLINE classifier classifier::load(const std::filesystem::path& directory, const load_options& options) {
  return classifier(state::load(model::file_set(directory), options));
}

OFFRAMP_INLINE classifier classifier::load(std::span<const model_file> files, const load_options& options) {
  std::vector<model::file_set::blob> blobs;
  for (const model_file& file : files) {
    blobs.push_back({std::string(file.name), file.bytes});
  }
  return classifier(state::load(model::file_set(std::move(blobs)), options));
}

OFFRAMP_INLINE prediction classifier::classify_one(const detail::input_view& input, const exit_policy& policy,
                                                   const runner& run) const {
  state_->check(policy);
  return state_->run_one(
      input, policy, exits::keep::last_visit, run,
      [&](const encoding& tokens, exits::outcome& outcome) { return state_->predict(tokens, outcome); });
}

OFFRAMP_INLINE std::vector<prediction> classifier::classify_many(const detail::batch_view& inputs,
                                                                 const exit_policy& policy, const runner& run) const {
  state_->check(policy);
  return state_->run_batches<prediction>(
      inputs, policy, exits::keep::last_visit, run,
      [&](const encoding& tokens, exits::outcome& outcome) { return state_->predict(tokens, outcome); });
}

OFFRAMP_INLINE std::vector<exit_output> classifier::every_exit_of_one(const detail::input_view& input,
                                                                      const runner& run) const {
  return state_->run_one(
      input, exit_policy::full_depth(), exits::keep::every_visit, run,
      [&](const encoding& tokens, exits::outcome& outcome) { return state_->report(tokens, outcome); });
}

OFFRAMP_INLINE std::vector<std::vector<exit_output>> classifier::every_exit_of_many(const detail::batch_view& inputs,
                                                                                    const runner& run) const {
  return state_->run_batches<std::vector<exit_output>>(
      inputs, exit_policy::full_depth(), exits::keep::every_visit, run,
      [&](const encoding& tokens, exits::outcome& outcome) { return state_->report(tokens, outcome); });
}

OFFRAMP_INLINE void classifier::check(const exit_policy& policy) const { state_->check(policy); }

OFFRAMP_INLINE encoding classifier::tokenize_one(const detail::input_view& input) const {
  return state_->encode(input);
}

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
