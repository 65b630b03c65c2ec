// SPDX-License-Identifier: Apache-2.0
#include "ngram_addition.hpp"

#include "checkpoint_copy.hpp"
#include "encoder_saving.hpp"
#include "exit_calibration.hpp"
#include "fit_inputs.hpp"
#include "fit_texts.hpp"
#include "ngram_choice.hpp"
#include "study/certified_default.hpp"
#include "study/update_exits.hpp"

#include <offramp/error.hpp>
#include <offramp/model/model_parts.hpp>
#include <offramp/study/exit_logits.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

namespace {

/// What a tensor is called when there is one more exit before its own.
[[nodiscard]] std::string name_further_back(const std::string& name, std::size_t num_exits) {
  for (std::size_t exit = 0; exit < num_exits; ++exit) {
    if (const std::string prefix = model::exit_prefix(exit); name.starts_with(prefix)) {
      return model::exit_prefix(exit + 1) + name.substr(prefix.size());
    }
  }
  return name;
}

/// The tensors of the exits that are there, each one further back; int8 rows as they are stored.
[[nodiscard]] std::vector<model::named_tensor> move_back(const model::checkpoint& tensors, std::size_t num_exits) {
  std::vector<model::named_tensor> moved;
  for (const std::string& name : tensors.names()) {
    const std::string to = name_further_back(name, num_exits);
    const model::tensor_shape& shape = tensors.shape(name);
    model::named_tensor& tensor = moved.emplace_back(model::named_tensor{to, shape, {}});
    if (tensors.is_quantized(name)) {
      tensors.read_quantized_rows(name, shape[0], shape[1],
                                  [&](std::size_t /*row*/, std::span<const std::int8_t> values, float /*scale*/) {
                                    tensor.bytes.insert(tensor.bytes.end(), values.begin(), values.end());
                                  });
    } else {
      tensor.values = tensors.read(name, shape);
    }
  }
  return moved;
}

/// Whether one more exit before the others changes what the policy asks of those.
[[nodiscard]] bool depends_on_place(const model::policy_description& policy) {
  switch (policy.rule) {
    case model::policy_rule::per_exit:
    case model::policy_rule::per_class:
    case model::policy_rule::declining:
    case model::policy_rule::patience_entropy:
      return true;
    case model::policy_rule::patience:
      return policy.patience > 0;
    default:
      return false;
  }
}

/// What stays of a description whose first exit is new; `threshold`, if there is one, is its default policy.
void adapt(model::exits_file& content, const std::optional<float>& threshold, fit_result& result) {
  if (!content.calibration.empty()) {
    content.calibration.clear();
    result.warnings.emplace_back(
        "how the exits were calibrated is no longer stored: offramp calibrate says it of all exits");
  }
  if (threshold) {
    content.default_policy.emplace().threshold = *threshold;
    return;
  }
  if (!content.default_policy) {
    return;
  }
  if (depends_on_place(*content.default_policy)) {
    content.default_policy.reset();
    result.warnings.emplace_back(
        "the default policy asked each exit by its place and is dropped: every layer runs by default");
  } else if (has_certified_default(content)) {
    result.warnings.emplace_back(
        "the default policy stays, but was certified for the exits that there were: with one more it promises nothing "
        "until offramp certify certifies it for all of them");
  }
}

/// The temperature of the new exit, for every format that the others have one for: its arithmetic is the same in all.
[[nodiscard]] model::temperatures temperatures_like(const model::temperatures& others, float temperature) {
  const auto where = [&](const std::optional<float>& other) {
    return other ? std::optional(temperature) : std::nullopt;
  };
  return {.float32 = temperature, .bfloat16 = where(others.bfloat16), .int8 = where(others.int8)};
}

void check_addition(const model::exits_file& content, const model::file_set& model, const fit_options& options) {
  const auto place = [&] { return model.describe("exits.json"); };
  if (content.exits.front().ngrams) {
    throw error(error_kind::invalid_argument, place() + ": has an exit before the encoder");
  }
  if (std::ranges::any_of(content.exits, &model::exit_description::previous_logits)) {
    throw error(error_kind::unsupported,
                place() + ": an exit reads the logits of earlier ones, which one more would change");
  }
  const auto refuse_stated = [](bool is_other, const std::string& name) {
    if (is_other) {
      refuse_fit_option(name + " already in exits.json, and the exits that are there depend on it");
    }
  };
  const fit_options usual;
  const auto refuse_other_head = [](bool is_other, const std::string& name) {
    if (is_other) {
      refuse_fit_option(name + " for exits behind layers, and none is fitted");
    }
  };
  refuse_other_head(options.pooling != usual.pooling, "pooling is");
  refuse_other_head(options.mix != usual.mix, "mix is");
  refuse_other_head(options.strengths != usual.strengths, "strengths are");
  refuse_stated(!options.cuts.empty(), "cuts are");
  refuse_stated(options.max_tokens && *options.max_tokens != content.max_tokens, "max_tokens is");
  refuse_stated(options.input && options.input != content.input, "input is");
  refuse_stated(options.golden.has_value(), "golden texts, if any, are");
  if (!content.cuts.empty() && options.weighting == class_weighting::balanced) {
    refuse_fit_option("weighting is balanced, which is for labels that exclude each other");
  }
  if (!options.labels.empty() && options.labels.size() != content.labels.size()) {
    refuse_fit_option(std::to_string(options.labels.size()) + " labels, expected " +
                      std::to_string(content.labels.size()) + " as exits.json says");
  }
}

/// The same texts with the logits of the first exit before those that they have.
[[nodiscard]] std::vector<golden_text> with_first_logits(std::vector<golden_text> golden, const classifier& fitted,
                                                         const runner& run) {
  for (golden_text& text : golden) {
    text.logits.insert(text.logits.begin(), outputs_of(fitted, text, run).front().logits);
  }
  return golden;
}

}  // namespace

ngram_addition add_ngrams(const model::file_set& model, known_texts known, const fit_files& files,
                          const fit_options& options, const fit_purpose& purpose, const runner& run,
                          const fit_progress& report) {
  check_fit_options(options);
  const model::config config = model::read_config(model);
  model::exits_file content = model::read_exits_file(model, config).value();
  check_addition(content, model, options);
  const model::checkpoint tensors = model::open_exits(model, content);
  const offramp::detail::text_reader reader = offramp::detail::load_text_reader(model, content, {}, config);
  const auto load_teacher = [&] { return load_with(model, read_exit_files(model), {}); };
  const fit_texts texts = fit_reader(files, known, options.labels.empty() ? content.labels : options.labels,
                                     content.input.value_or(input_kind::single),
                                     text_shares{purpose.held_out, options.part_texts_by, options.fields,
                                                 content.cuts.empty() ? labels_per_text::one : labels_per_text::any})
                              .answer(load_teacher, run, report.answers);
  check_weighting(options.weighting, texts.train, content.labels);

  ngram_addition added;
  fit_result& result = added.outcome.result;
  added.outcome.dev = texts.dev.data;
  added.outcome.held_out = texts.held_out;
  result.warnings = texts.warnings;
  result.labels = content.labels;
  result.num_layers = config.num_layers;
  result.is_dev_labelled = texts.dev.data.is_labelled();
  const ngram_choice choice = choose_ngrams(reader, texts, content.labels.size(), content.cuts, options, run);
  fitted_exit& exit = result.exits.emplace_back(choice.fitted());

  std::vector<model::named_tensor> all = describe_ngrams(choice.head);
  for (model::named_tensor& tensor : all) {
    tensor.name = model::exit_prefix(0) + tensor.name;
  }
  std::ranges::move(move_back(tensors, content.exits.size()), std::back_inserter(all));
  added.files.safetensors = model::write_safetensors(all);
  const std::string digest = model::sha256_hex(added.files.safetensors);
  content.exits.insert(content.exits.begin(), model::exit_description{.ngrams = choice.head.shape});
  adapt(content, options.threshold, result);
  std::vector<golden_text> golden = std::exchange(content.golden, {});
  const classifier fitted =
      load_with(model, exit_files{model::write_exits_json(content, digest), added.files.safetensors}, {});
  exit_logits logits = compute_exit_logits(fitted, texts.dev.data, run, {});
  exit = calibrated(std::move(exit), logits, 0);
  logits.exits.front().temperature = exit.temperature.temperature;
  content.exits.front().temperature = temperatures_like(content.exits.back().temperature, exit.temperature.temperature);
  result.before_encoder = measure_saving(logits, purpose.most_loss);
  content.golden = with_first_logits(std::move(golden), fitted, run);
  added.files.json = model::write_exits_json(content, digest);
  known.add(text_use::learned, texts.train.data);
  known.add(text_use::calibrated, texts.dev.data);
  added.files.texts = known.bytes();
  return added;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
