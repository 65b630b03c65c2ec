// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/interruption.hpp>
#include <offramp/encoding.hpp>
#include <offramp/error.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/exits/head.hpp>
#include <offramp/load_options.hpp>
#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/exits/description.hpp>
#include <offramp/model/exits/plan.hpp>
#include <offramp/model/exits/policy.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/published.hpp>
#include <offramp/model/weights.hpp>
#include <offramp/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace detail {

/// The exits that may answer: all, or those on `layers`. Throws `invalid_argument` for a layer without an exit.
inline std::vector<std::size_t> answering_exits(const std::vector<model::exit_description>& exits,
                                                const std::vector<int>& layers) {
  std::vector<std::size_t> answering;
  for (std::size_t j = 0; j < exits.size(); ++j) {
    if (layers.empty() || std::ranges::find(layers, exits[j].layer) != layers.end()) {
      answering.push_back(j);
    }
  }
  for (const int layer : layers) {
    if (std::ranges::find(exits, layer, &model::exit_description::layer) == exits.end()) {
      throw error(error_kind::invalid_argument,
                  "load_options: exits names layer " + std::to_string(layer) + ", which has no exit");
    }
  }
  return answering;
}

/// Says so where an exit has no temperature of its own for the format; throws `invalid_argument` where that is refused.
inline void warn_of_temperature(const model::exit_description& exit, const load_options& options,
                                std::vector<std::string>& warnings) {
  const model::temperatures& stored = exit.temperature;
  const numeric_format format = options.format;
  const auto warn = [&](const char* name, const char* instead) {
    const std::string what = "the exit on layer " + std::to_string(exit.layer) + " has no temperature for " + name;
    if (options.missing_temperature == reaction::refuse) {
      throw error(error_kind::invalid_argument,
                  "load_options: " + what + ", which missing_temperature refuses; offramp calibrate fits one");
    }
    warnings.push_back(what + "; " + instead + " is used");
  };
  const char* instead = stored.float32 ? "float32's" : "1";
  if (format == numeric_format::float32 && !stored.float32) {
    warn("float32", "1");
  } else if (format == numeric_format::bfloat16 && !stored.bfloat16) {
    warn("bfloat16", instead);
  } else if (format == numeric_format::int8 && !stored.int8) {
    warn("int8", instead);
  }
}

/// What the model stores, else full depth; full depth too, with a warning, where the stored one does not fit the exits
/// on `layers`, which are those that answer.
inline exit_policy default_policy(const model::exits_file& description, const std::vector<int>& layers,
                                  std::vector<std::string>& warnings) {
  if (!description.default_policy) {
    return exit_policy::full_depth();
  }
  exit_policy policy = model::make_policy(*description.default_policy);
  // It speaks of all exits; with some left out, one threshold per exit has lost its meaning.
  const bool is_by_exit =
      policy.rule_kind() == exit_policy::rule::per_exit || policy.rule_kind() == exit_policy::rule::per_class;
  const bool ends_below = policy.max_layer() && *policy.max_layer() < layers.front();
  if (ends_below || (is_by_exit && layers.size() != description.exits.size())) {
    warnings.emplace_back("the stored policy does not fit the chosen exits; full depth is the default");
    return exit_policy::full_depth();
  }
  return policy;
}

inline std::size_t choose_max_tokens(const model::file_set& files, const load_options& options,
                                     const model::exits_file& exits, const text::tokenizer& tokenizer,
                                     const model::config& config) {
  const auto positions = static_cast<std::size_t>(config.usable_positions());
  constexpr int fewest = 4;  // the special tokens of a pair; of BERT's, one less
  if (options.max_tokens) {
    if (*options.max_tokens < fewest || *options.max_tokens > config.usable_positions()) {
      throw error(error_kind::invalid_argument, "load_options: max_tokens is " + std::to_string(*options.max_tokens) +
                                                    ", expected " + std::to_string(fewest) + " to " +
                                                    std::to_string(positions));
    }
    return static_cast<std::size_t>(*options.max_tokens);
  }
  if (exits.max_tokens) {
    return static_cast<std::size_t>(*exits.max_tokens);
  }
  const std::size_t length = tokenizer.model_max_length().value_or(positions);
  if (length < fewest) {
    throw error(error_kind::bad_model, files.describe("tokenizer_config.json") + ": model_max_length is " +
                                           std::to_string(length) + ", expected at least " + std::to_string(fewest));
  }
  return std::min(length, positions);
}

/// What `exits.json` describes, else what the tensors of a published early-exit system say, else one exit on top.
/// Throws `bad_model` for an encoder alone, `unsupported` for one with the head of another task.
inline model::exit_plan plan_exits(std::optional<model::exits_file> described, const model::file_set& files,
                                   const model::checkpoint& tensors, const model::config& config) {
  if (described) {
    return model::plan_described_exits(*std::move(described));
  }
  if (std::optional<model::exit_plan> published = model::plan_published_exits(files, tensors, config)) {
    return *std::move(published);
  }
  model::exit_plan plan = model::plan_sequence_classifier(config, model::backbone_prefix(tensors, *config.family));
  if (!config.other_task.empty()) {
    throw error(error_kind::unsupported, files.describe("config.json") + ": architectures names " + config.other_task +
                                             ", expected a class for sequence classification, and there is no " +
                                             "exits.json; offramp fit makes one");
  }
  if (const std::string name = plan.tensors.front().classifier + ".weight"; !tensors.contains(name)) {
    throw error(error_kind::bad_model, files.describe("model.safetensors") + ": tensor \"" + name +
                                           "\" is missing, and there is no exits.json; offramp fit makes one");
  }
  return plan;
}

/// The tokenizer of the model, whose ids the encoder must know.
inline text::tokenizer load_tokenizer(const model::file_set& files, text::pretokenizer pretokenizer,
                                      const model::config& config) {
  text::tokenizer tokenizer = text::tokenizer::load(files, pretokenizer);
  const auto refuse = [&](const char* field, int found, std::size_t expected) {
    throw error(error_kind::bad_model, files.describe("config.json") + ": " + field + " is " + std::to_string(found) +
                                           ", expected at least the tokenizer's " + std::to_string(expected));
  };
  if (tokenizer.vocabulary_size() > static_cast<std::size_t>(config.vocabulary_size)) {
    refuse("vocab_size", config.vocabulary_size, tokenizer.vocabulary_size());
  }
  return tokenizer;
}

/// What turns texts into what the encoder of a model reads.
struct text_reader {
  text::tokenizer tokenizer;
  std::size_t max_tokens;  // special tokens included
  bool reads_type_ids;
  std::string pair_objection;  // why the model cannot read pairs; empty: it can
  std::size_t cut_ids = 0;     // of a single text beyond max_tokens that are kept for the exit before the encoder

  /// The tokens of a text, or of a pair, whose second text may be empty: then it is none. They live in the memory until
  /// its next use. Nothing of use where `stop`, unless null, stopped it.
  [[nodiscard]] const encoding& encode(std::string_view first, std::optional<std::string_view> second,
                                       text::encode_memory& memory, const interruption* stop = nullptr) const {
    const bool is_pair = second && !second->empty();
    if (is_pair && !pair_objection.empty()) {
      throw error(error_kind::unsupported, pair_objection);
    }
    const encoding& tokens = is_pair ? tokenizer.encode(first, *second, max_tokens, memory, stop)
                                     : tokenizer.encode(first, max_tokens, memory, stop, cut_ids);
    if (!reads_type_ids) {
      memory.result.type_ids.clear();
    }
    return tokens;
  }
};

/// What stands around texts, for the head that reads their ids.
inline void tell_special_ids(const text::tokenizer& tokenizer, exits::head_set& heads) {
  for (exits::head& head : heads.heads) {
    if (head.ngrams) {
      head.ngrams->special_ids = tokenizer.special_ids();
      head.ngrams->separator = tokenizer.separator();
    }
  }
}

/// The tokens of a text that the exit before the encoder reads, where it may answer or a later one reads its logits; 0:
/// those that the encoder reads.
[[nodiscard]] inline std::size_t longest_read(const model::exits_file& exits, const load_options& options) {
  if (exits.exits.empty() || !exits.exits.front().ngrams) {
    return 0;
  }
  const bool may_answer = options.exits.empty() || std::ranges::find(options.exits, 0) != options.exits.end();
  const bool is_read_later = std::ranges::any_of(
      exits.exits, [](const model::exit_description& exit) { return exit.ngram_weight != 0 || exit.previous_logits; });
  return may_answer || is_read_later ? exits.exits.front().ngrams->max_tokens : 0;
}

/// Single texts must be of token types that the encoder has; a model whose pairs are not reads no pairs.
inline text_reader load_text_reader(const model::file_set& files, const model::exits_file& exits,
                                    const load_options& options, const model::config& config) {
  text::tokenizer tokenizer = load_tokenizer(files, exits.pretokenizer, config);
  const std::size_t max_tokens = choose_max_tokens(files, options, exits, tokenizer, config);
  const bool passes_over = config.family->passes_over_single_type && config.type_vocabulary_size == 1;
  const bool reads_type_ids = config.embeds_types && tokenizer.gives_type_ids() && !passes_over;
  const auto objection_to = [&](text::input_texts texts) {
    const std::int32_t highest = tokenizer.highest_type_id(texts);
    return !reads_type_ids || highest < config.type_vocabulary_size
               ? std::string()
               : files.describe("config.json") + ": type_vocab_size is " + std::to_string(config.type_vocabulary_size) +
                     ", expected at least the " + std::to_string(highest + 1) + " types that the tokenizer gives " +
                     (texts == text::input_texts::pair ? "pairs" : "texts");
  };
  std::string pair_objection = objection_to(text::input_texts::pair);
  // A model of pairs reads single texts, too: a pair whose second text is empty is one.
  std::string objection = objection_to(text::input_texts::single);
  if (objection.empty() && exits.input == input_kind::pair) {
    objection = pair_objection;
  }
  if (!objection.empty()) {
    throw error(error_kind::bad_model, objection);
  }
  return {std::move(tokenizer), max_tokens, reads_type_ids, std::move(pair_objection),
          exits::count_cut_ids(max_tokens, longest_read(exits, options))};
}

}  // namespace detail

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
