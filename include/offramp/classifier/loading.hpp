// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/classifier/state.hpp>
#include <offramp/detail/floating_point.hpp>
#include <offramp/detail/lend.hpp>
#include <offramp/detail/memory_pool.hpp>
#include <offramp/error.hpp>
#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/encoder_reader.hpp>
#include <offramp/model/exits/plan.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/heads.hpp>
#include <offramp/model/model_parts.hpp>
#include <offramp/model/weights.hpp>
#include <offramp/nn/kernels.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/nn/reference_kernels.hpp>  // the compiled library has faster ones in src/kernels/
#endif

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace detail {

/// As lend, and reports how many of the parts are ready.
template <class Read>
void lend_parts(const runner& run, const load_progress& report, std::size_t parts, const Read& read) {
  std::mutex mutex;
  std::size_t ready = 0;
  const auto tell = [&] {
    if (report) {
      report(ready, parts);
    }
  };
  tell();
  lend(run, parts, [&](std::size_t part) {
    read(part);
    const std::scoped_lock lock(mutex);
    ++ready;
    tell();
  });
}

}  // namespace detail

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
                                             std::to_string(description.labels.size()) +
                                             ", expected at least 2, or 1 and a problem_type of classification");
  }
  std::vector<std::size_t> answering = detail::answering_exits(description.exits, options.exits);
  model_info info{.kernels = kernels.name, .weight_bytes = 0, .warnings = {}};
  std::vector<int> layers;
  for (const std::size_t j : answering) {
    layers.push_back(description.exits[j].layer);
    detail::warn_of_temperature(description.exits[j], options, info.warnings);
  }
  exit_policy policy = detail::default_policy(description, layers, info.warnings);
  if (description.input == input_kind::pair && options.other_input == reaction::warn) {
    info.warnings.emplace_back(
        "the model was trained on pairs of texts: single texts are classified too, but are not what it knows");
  }
  exits::head_set heads;
  std::optional<detail::text_reader> reader;
  model::encoder_reader encoder_parts(tensors, config, layers.back(), kernels);
  detail::lend_parts(run, report, 1 + encoder_parts.parts(), [&](std::size_t part) {
    if (part > 0) {
      encoder_parts.read(part - 1);
      return;
    }
    // One part, since a file_set opens files for one thread at a time.
    heads = is_described ? model::read_heads(plan, model::open_exits(files, description), config, kernels.layout)
                         : model::read_heads(plan, tensors, config, kernels.layout);
    reader = detail::load_text_reader(files, description, options, config);
  });
  detail::tell_special_ids(reader->tokenizer, heads);
  std::vector<exit_info> exit_infos;
  for (const std::size_t j : answering) {
    heads.heads[j].exit = exit_infos.size();
    exit_infos.push_back({heads.heads[j].layer, heads.heads[j].temperature, heads.heads[j].ngram_weight});
  }
  std::vector<certificate> certificates =
      model::certificates_for(description, options.format, layers, reader->max_tokens);
  nn::encoder encoder = encoder_parts.take();
  info.weight_bytes = encoder.bytes() + heads.bytes();
  return std::make_shared<const state>(
      state{.config = config,
            .reader = *std::move(reader),
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
  return classifier(state::load(model::file_set(blobs), options, run, report));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
