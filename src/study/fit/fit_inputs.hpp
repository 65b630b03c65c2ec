// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/number.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/ngrams.hpp>
#include <offramp/load_options.hpp>
#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/exits/description.hpp>
#include <offramp/model/exits/plan.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/model/exits/writer.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/heads.hpp>
#include <offramp/model/model_parts.hpp>
#include <offramp/model/safetensors_writer.hpp>
#include <offramp/model/weights.hpp>
#include <offramp/study/data_description.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/fit_options.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

[[noreturn]] inline void refuse_fit_option(const std::string& what) {
  throw error(error_kind::invalid_argument, "fit_options: " + what);
}

/// The checkpoint before it has exits.
struct bare_model {
  model::config config;
  model::checkpoint tensors;
  offramp::detail::text_reader reader;
  /// Pooler and classifier of a sequence classifier, or of the last exit that exits.json describes, as tensors of an
  /// exit; empty for a bare encoder.
  std::vector<model::named_tensor> classifier;
  /// That exit, without temperatures.
  model::exit_description exit = {};
  std::optional<exits::ngram_head> ngrams = {};  ///< whose logits that exit adds to its own
  bool is_described_exit = false;                ///< from exits.json
};

/// The tensors of the checkpoint's own classifier, whose plan is of one exit.
[[nodiscard]] inline std::vector<model::named_tensor> read_classifier(const model::checkpoint& tensors,
                                                                      const model::exit_plan& plan,
                                                                      const model::config& config) {
  const model::exit_tensors& names = plan.tensors.front();
  const bool has_pooler = plan.description.exits.front().pooler != model::pooler::none;
  if (!tensors.contains(names.classifier + ".weight") || (has_pooler && !tensors.contains(names.pooler + ".weight"))) {
    return {};
  }
  std::vector<model::named_tensor> all = model::describe_tensors(plan, tensors, config);
  for (model::named_tensor& tensor : all) {
    tensor.name.erase(0, model::exit_prefix(0).size());
  }
  return all;
}

[[nodiscard]] inline bare_model open_bare_model(const model::file_set& files, std::optional<int> max_tokens) {
  load_options limits;
  limits.max_tokens = max_tokens;
  model::config config = model::read_config(files);
  model::checkpoint tensors = model::open_checkpoint(files);
  offramp::detail::text_reader reader = offramp::detail::load_text_reader(files, {}, limits, config);
  bare_model bare{std::move(config), std::move(tensors), std::move(reader), {}};
  const model::exit_plan plan =
      model::plan_sequence_classifier(bare.config, model::backbone_prefix(bare.tensors, *bare.config.family));
  if (bare.config.other_task.empty()) {
    bare.classifier = read_classifier(bare.tensors, plan, bare.config);
  }
  bare.exit = plan.description.exits.front();
  bare.exit.temperature = {};
  return bare;
}

/// Takes the last exit of the directory's exits.json, if any, for the classifier that the weights have not. The other
/// exits go, but for one before the encoder that it hears, so it must stand on the last layer and read nothing of
/// theirs; else nothing changes.
inline void take_last_exit(bare_model& bare, const model::file_set& files, std::optional<int> max_tokens) {
  std::optional<model::exits_file> described = model::read_exits_file(files, bare.config);
  const bool is_multi_label = bare.config.problem == model::problem_type::multi_label;
  if (!described || described->cuts.empty() == is_multi_label) {
    return;
  }
  const model::exit_description& last = described->exits.back();
  if (last.layer != bare.config.num_layers || last.mix || last.previous_logits) {
    return;
  }
  load_options limits;
  limits.max_tokens = max_tokens;
  bare.reader = offramp::detail::load_text_reader(files, *described, limits, bare.config);
  bare.config.labels = described->labels;
  bare.config.labels_are_default = false;
  const model::checkpoint tensors = model::open_exits(files, *described);
  model::exit_plan plan = model::plan_described_exits(*std::move(described));
  if (plan.description.exits.back().ngram_weight != 0) {
    bare.ngrams = model::read_ngram_head(tensors, plan.tensors.front().classifier, bare.config.labels.size(),
                                         plan.description.exits.front().ngrams.value());
  }
  plan.description.exits.erase(plan.description.exits.begin(), plan.description.exits.end() - 1);
  plan.tensors.erase(plan.tensors.begin(), plan.tensors.end() - 1);
  plan.gate.clear();
  bare.exit = plan.description.exits.front();
  bare.exit.temperature = {};
  if (bare.exit.pooler == model::pooler::shared) {
    bare.exit.pooler = model::pooler::own;
    plan.description.exits.front().pooler = model::pooler::own;
  }
  bare.classifier = read_classifier(tensors, plan, bare.config);
  bare.is_described_exit = true;
}

/// As its data have them.
[[nodiscard]] inline labels_per_text labels_per_row(const model::config& config) {
  return config.problem == model::problem_type::multi_label ? labels_per_text::any : labels_per_text::one;
}

/// Those of the checkpoint where it is multi-label: `given`, else 0.5 for each label. Throws `invalid_argument` for
/// options that do not suit it.
[[nodiscard]] inline std::vector<float> choose_cuts(const model::config& config, const fit_options& options,
                                                    std::size_t num_labels) {
  if (config.problem != model::problem_type::multi_label) {
    if (!options.cuts.empty()) {
      refuse_fit_option("cuts are for a checkpoint whose problem_type is multi_label_classification");
    }
    return {};
  }
  if (options.mix == layer_mix::learned) {
    refuse_fit_option("mix is learned, which is for labels that exclude each other");
  }
  if (options.weighting == class_weighting::balanced) {
    refuse_fit_option("weighting is balanced, which is for labels that exclude each other");
  }
  if (options.cuts.empty()) {
    return std::vector<float>(num_labels, 0.5F);
  }
  if (options.cuts.size() != num_labels ||
      !std::ranges::all_of(options.cuts, [](float cut) { return cut > 0.0F && cut < 1.0F; })) {
    refuse_fit_option(std::to_string(options.cuts.size()) + " cuts, expected one between 0 and 1 for each of " +
                      std::to_string(num_labels) + " labels");
  }
  return options.cuts;
}

/// What the labels are called, in the order of their ids.
struct label_names {
  std::vector<std::string> in_model;
  std::vector<std::string> in_data;
};

/// `train` is read for the names of labels that neither the checkpoint nor `given` has.
[[nodiscard]] inline label_names choose_labels(const bare_model& bare, const std::vector<std::string>& given,
                                               const std::optional<std::filesystem::path>& train,
                                               const field_names& fields) {
  const bool is_named = !bare.config.labels_are_default;
  if (is_named || !bare.classifier.empty()) {
    const std::vector<std::string>& own = bare.config.labels;
    if (!given.empty() && given.size() != own.size()) {
      refuse_fit_option(std::to_string(given.size()) + " labels, expected " + std::to_string(own.size()) +
                        " as config.json says");
    }
    const std::vector<std::string>& in_data = given.empty() ? own : given;
    return {is_named ? own : in_data, in_data};
  }
  const std::vector<std::string> names =
      given.empty() && train ? describe_data(*train, fields, labels_per_row(bare.config)).labels : given;
  if (names.size() < 2) {
    throw error(error_kind::bad_data,
                train.value_or("").string() + ": has only the label \"" + names.front() + "\", expected at least two");
  }
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end() || sorted.front().empty()) {
    refuse_fit_option("labels are not all different and not empty");
  }
  return {names, names};
}

/// The encoder's layers that get an exit, ascending; the last one too where the checkpoint's classifier stands there.
[[nodiscard]] inline std::vector<int> choose_layers(const bare_model& bare, std::vector<int> given) {
  const int last = bare.config.num_layers;
  if (!given.empty() && given.front() == 0) {  // before the encoder
    given.erase(given.begin());
    if (given.empty() && bare.classifier.empty()) {
      return given;
    }
  } else if (given.empty()) {
    given.resize(static_cast<std::size_t>(last));
    std::iota(given.begin(), given.end(), 1);
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] < (i == 0 ? 1 : given[i - 1] + 1) || given[i] > last) {
      refuse_fit_option("layer " + std::to_string(given[i]) + ", expected ascending layers from 0 to " +
                        std::to_string(last));
    }
  }
  if (!bare.classifier.empty() && (given.empty() || given.back() != last)) {
    given.push_back(last);
  }
  return given;
}

inline void check_fit_options(const fit_options& options) {
  if (options.strengths.empty()) {
    refuse_fit_option("no strengths, expected at least one");
  }
  for (const double strength : options.strengths) {
    if (!(strength >= 1e-12 && strength <= 1e12)) {
      refuse_fit_option("strength " + offramp::detail::number_text(strength) + ", expected 1e-12 to 1e12");
    }
  }
  const auto check_range = [](const char* name, int value, int highest) {
    if (value < 1 || value > highest) {
      refuse_fit_option(std::string(name) + " is " + std::to_string(value) + ", expected 1 to " +
                        std::to_string(highest));
    }
  };
  check_range("ngram_longest", options.ngram_longest, 8);
  check_range("ngram_bucket_bits", options.ngram_bucket_bits, 24);
  check_range("ngram_max_tokens", options.ngram_max_tokens, static_cast<int>(exits::longest_ngram_text));
  if (options.threshold && !std::isfinite(*options.threshold)) {
    refuse_fit_option("threshold is not finite");
  }
  if (options.threshold && *options.threshold > 1.0F) {
    refuse_fit_option("threshold is " + offramp::detail::number_text(*options.threshold) +
                      ", which no confidence reaches, expected at most 1");
  }
}

/// The texts of a file as read_texts reads it; without logits yet.
[[nodiscard]] inline std::vector<golden_text> read_golden_texts(const std::filesystem::path& path, input_kind input) {
  std::vector<golden_text> texts;
  for (labelled_text& text : read_texts(path, input).texts) {
    texts.push_back({std::move(text.first), std::move(text.second), {}});
  }
  return texts;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
