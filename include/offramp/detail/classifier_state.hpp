// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/detail/batching.hpp>
#include <offramp/detail/lend.hpp>
#include <offramp/exits/engine.hpp>
#include <offramp/model/heads.hpp>
#include <offramp/model/weights.hpp>
#include <offramp/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// Everything a loaded model consists of.
struct classifier::state {
  model::config config;
  text::tokenizer tokenizer;
  exits::early_exit_model model;
  std::vector<std::string> labels;
  std::vector<exit_info> exits;
  std::optional<input_kind> input;
  exit_policy default_policy;
  std::size_t max_tokens;
  std::vector<golden_text> golden_texts;
  model_info info;

  static std::shared_ptr<const state> load(const model::file_set& files, const load_options& options);

  [[nodiscard]] encoding encode(const detail::input_view& given) const {
    if (given.tokens != nullptr) {
      check(*given.tokens);
      return *given.tokens;
    }
    return given.second ? tokenizer.encode(given.first, *given.second, max_tokens)
                        : tokenizer.encode(given.first, max_tokens);
  }

  void check(const encoding& tokens) const {
    const auto refuse = [](const std::string& what) {
      throw error(error_kind::invalid_argument, "encoding: " + what);
    };
    if (tokens.ids.empty() || tokens.ids.size() > max_tokens) {
      refuse(std::to_string(tokens.ids.size()) + " tokens, expected 1 to " + std::to_string(max_tokens));
    }
    if (!tokens.type_ids.empty() && tokens.type_ids.size() != tokens.ids.size()) {
      refuse(std::to_string(tokens.type_ids.size()) + " type ids, expected none or " + std::to_string(tokens.ids.size()));
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

  [[nodiscard]] prediction predict(const encoding& tokens, exits::outcome outcome) const {
    exits::visit& answer = outcome.visits.back();
    return predict(tokens, std::move(answer.probabilities), answer.exit, outcome.stopped);
  }

  [[nodiscard]] std::vector<exit_output> report(const encoding& tokens, exits::outcome outcome) const {
    std::vector<exit_output> outputs;
    outputs.reserve(outcome.visits.size());
    for (exits::visit& visit : outcome.visits) {
      const bool is_last = visit.exit + 1 == exits.size();
      outputs.push_back({std::move(visit.logits),
                         predict(tokens, std::move(visit.probabilities), visit.exit,
                                 is_last ? stop_reason::last_exit : stop_reason::layer_limit)});
    }
    return outputs;
  }

  /// Encodes every input, cuts batches, runs them through `run`, and gives each text's outcome to `finish(encoding,
  /// outcome)`; results in input order.
  template <class Result, class Finish>
  [[nodiscard]] std::vector<Result> run_batches(const detail::batch_view& inputs, const exit_policy& policy,
                                                exits::keep kept, const runner& run, const Finish& finish) const {
    std::vector<encoding> texts(inputs.size);
    detail::lend(run, inputs.size, [&](std::size_t i) { texts[i] = encode(inputs.at(inputs.elements, i)); });
    const auto order = policy.deadline() ? detail::batch_order::as_given : detail::batch_order::longest_first;
    const std::vector<std::vector<std::size_t>> batches = detail::cut_batches(texts, order);
    std::vector<Result> results(inputs.size);
    detail::lend(run, batches.size(), [&](std::size_t b) {
      std::vector<encoding> batch;
      for (const std::size_t index : batches[b]) {
        batch.push_back(texts[index]);
      }
      std::vector<exits::outcome> outcomes = exits::engine(model, policy, kept).run(batch);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        results[batches[b][i]] = finish(batch[i], std::move(outcomes[i]));
      }
    });
    return results;
  }
};

namespace detail {

/// The exits of `heads` that may answer: all, or those on `layers`.
inline std::vector<std::size_t> answering_exits(const exits::head_set& heads, const std::vector<int>& layers) {
  std::vector<std::size_t> answering;
  for (std::size_t j = 0; j < heads.heads.size(); ++j) {
    if (layers.empty() || std::find(layers.begin(), layers.end(), heads.heads[j].layer) != layers.end()) {
      answering.push_back(j);
    }
  }
  for (const int layer : layers) {
    if (std::none_of(heads.heads.begin(), heads.heads.end(), [&](const auto& head) { return head.layer == layer; })) {
      throw error(error_kind::invalid_argument,
                  "load_options: exits names layer " + std::to_string(layer) + ", which has no exit");
    }
  }
  return answering;
}

inline std::size_t choose_max_tokens(const load_options& options, const std::optional<model::exits_file>& exits,
                                     const text::tokenizer& tokenizer, const model::config& config) {
  const auto positions = static_cast<std::size_t>(config.max_positions);
  constexpr int fewest = 4;  // the special tokens of a pair and one more
  if (options.max_tokens) {
    if (*options.max_tokens < fewest || *options.max_tokens > config.max_positions) {
      throw error(error_kind::invalid_argument, "load_options: max_tokens is " + std::to_string(*options.max_tokens) +
                                                    ", expected " + std::to_string(fewest) + " to " +
                                                    std::to_string(positions));
    }
    return static_cast<std::size_t>(*options.max_tokens);
  }
  if (exits && exits->max_tokens) {
    return static_cast<std::size_t>(*exits->max_tokens);
  }
  return std::min(tokenizer.model_max_length().value_or(positions), positions);
}

inline std::vector<golden_text> copy_golden_texts(const model::exits_file& exits) {
  std::vector<golden_text> texts;
  for (const model::golden_text& golden : exits.golden) {
    texts.push_back({golden.text,
                     exits.input == model::input_kind::pair ? std::optional(golden.hypothesis) : std::nullopt,
                     golden.logits});
  }
  return texts;
}

}  // namespace detail

inline std::shared_ptr<const classifier::state> classifier::state::load(const model::file_set& files,
                                                                        const load_options& options) {
  if (options.format != numeric_format::float32) {
    throw error(error_kind::unsupported, "load_options: format is not float32, the only one that this version runs");
  }
  const model::config config = model::read_config(files);
  const std::optional<model::exits_file> exits_file = model::read_exits_file(files, config);
  const model::checkpoint tensors = model::open_checkpoint(files);
  if (!exits_file && config.num_labels < 2) {
    throw error(error_kind::unsupported, files.describe("config.json") + ": num_labels is " +
                                             std::to_string(config.num_labels) + ", expected at least 2");
  }
  exits::head_set heads = exits_file ? model::read_heads(*exits_file, model::open_exits(files), config)
                                     : model::read_sequence_classification_head(tensors, config);
  std::vector<std::size_t> answering = detail::answering_exits(heads, options.exits);
  text::tokenizer tokenizer = text::tokenizer::load(
      files, exits_file && exits_file->pretokenizer == model::pretokenizer::whitespace ? text::pretokenizer::whitespace
                                                                                       : text::pretokenizer::bert);
  if (tokenizer.vocabulary_size() > static_cast<std::size_t>(config.vocabulary_size)) {
    throw error(error_kind::bad_model, files.describe("config.json") + ": vocab_size is " +
                                           std::to_string(config.vocabulary_size) + ", expected at least the tokenizer's " +
                                           std::to_string(tokenizer.vocabulary_size()));
  }
  model_info info{.kernels = "reference float32", .weight_bytes = 0, .warnings = {}};
  std::vector<exit_info> exit_infos;
  for (const std::size_t j : answering) {
    exit_infos.push_back({heads.heads[j].layer, heads.heads[j].temperature});
    if (exits_file && !exits_file->exits[j].temperature.float32) {
      info.warnings.push_back("the exit on layer " + std::to_string(heads.heads[j].layer) +
                              " has no temperature for float32; 1 is used");
    }
  }
  const int last_layer = heads.heads[answering.back()].layer;
  const std::size_t max_tokens = detail::choose_max_tokens(options, exits_file, tokenizer, config);
  // A stored policy speaks of all exits; with some left out, one threshold per exit has lost its meaning.
  exit_policy policy = exits_file && exits_file->default_policy ? model::make_policy(*exits_file->default_policy)
                                                                : exit_policy::full_depth();
  if (answering.size() != heads.heads.size() &&
      (policy.kind() == exit_policy::rule::per_exit || policy.kind() == exit_policy::rule::per_class)) {
    policy = exit_policy::full_depth();
    info.warnings.emplace_back("the stored policy does not fit the chosen exits; full depth is the default");
  }
  nn::encoder encoder = model::read_encoder(tensors, config, last_layer);
  info.weight_bytes = encoder.bytes() + heads.bytes();
  return std::make_shared<const state>(
      state{.config = config,
            .tokenizer = std::move(tokenizer),
            .model = {.encoder = std::move(encoder), .heads = std::move(heads), .answering = std::move(answering)},
            .labels = exits_file ? exits_file->labels : config.labels,
            .exits = std::move(exit_infos),
            .input = exits_file ? std::optional(exits_file->input == model::input_kind::pair ? input_kind::pair
                                                                                             : input_kind::single)
                                : std::nullopt,
            .default_policy = std::move(policy),
            .max_tokens = max_tokens,
            .golden_texts = exits_file ? detail::copy_golden_texts(*exits_file) : std::vector<golden_text>{},
            .info = std::move(info)});
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

OFFRAMP_INLINE prediction classifier::classify_one(const detail::input_view& input, const exit_policy& policy) const {
  state_->check(policy);
  const encoding tokens = state_->encode(input);
  exits::engine engine(state_->model, policy, exits::keep::last_visit);
  return state_->predict(tokens, std::move(engine.run(std::span(&tokens, 1)).front()));
}

OFFRAMP_INLINE std::vector<prediction> classifier::classify_many(const detail::batch_view& inputs,
                                                                 const exit_policy& policy, const runner& run) const {
  state_->check(policy);
  return state_->run_batches<prediction>(
      inputs, policy, exits::keep::last_visit, run, [&](const encoding& tokens, exits::outcome outcome) {
        return state_->predict(tokens, std::move(outcome));
      });
}

OFFRAMP_INLINE std::vector<exit_output> classifier::every_exit_of_one(const detail::input_view& input) const {
  const encoding tokens = state_->encode(input);
  const exit_policy policy = exit_policy::full_depth();
  exits::engine engine(state_->model, policy, exits::keep::every_visit);
  return state_->report(tokens, std::move(engine.run(std::span(&tokens, 1)).front()));
}

OFFRAMP_INLINE std::vector<std::vector<exit_output>> classifier::every_exit_of_many(const detail::batch_view& inputs,
                                                                                    const runner& run) const {
  return state_->run_batches<std::vector<exit_output>>(
      inputs, exit_policy::full_depth(), exits::keep::every_visit, run,
      [&](const encoding& tokens, exits::outcome outcome) { return state_->report(tokens, std::move(outcome)); });
}

OFFRAMP_INLINE encoding classifier::tokenize_one(const detail::input_view& input) const { return state_->encode(input); }

OFFRAMP_INLINE std::string_view classifier::piece(std::int32_t id) const { return state_->tokenizer.piece(id); }

OFFRAMP_INLINE const std::vector<std::string>& classifier::labels() const noexcept { return state_->labels; }

OFFRAMP_INLINE int classifier::num_layers() const noexcept { return state_->config.num_layers; }

OFFRAMP_INLINE const std::vector<exit_info>& classifier::exits() const noexcept { return state_->exits; }

OFFRAMP_INLINE int classifier::max_tokens() const noexcept { return static_cast<int>(state_->max_tokens); }

OFFRAMP_INLINE std::optional<input_kind> classifier::input() const noexcept { return state_->input; }

OFFRAMP_INLINE const exit_policy& classifier::default_policy() const noexcept { return state_->default_policy; }

OFFRAMP_INLINE const std::vector<golden_text>& classifier::golden_texts() const noexcept {
  return state_->golden_texts;
}

OFFRAMP_INLINE const model_info& classifier::info() const noexcept { return state_->info; }

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
