// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study/exit_files.hpp"

#include <offramp/error.hpp>
#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/exits/plan.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/model/exits/writer.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/model_parts.hpp>
#include <offramp/model/safetensors_writer.hpp>
#include <offramp/model/sha256.hpp>
#include <offramp/model/write_file.hpp>
#include <offramp/study/dataset.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// One exit's entry in how temperatures were fitted, within the ranges of the file format.
[[nodiscard]] inline model::calibration_description::exit_quality stored_quality(double nll_before, double nll_after,
                                                                                 double ece_before, double ece_after) {
  const auto within = [](double value, double highest) { return static_cast<float>(std::min(value, highest)); };
  constexpr double highest_nll = 1e9;
  return {within(nll_before, highest_nll), within(nll_after, highest_nll), within(ece_before, 1.0),
          within(ece_after, 1.0)};
}

/// The exits of a model directory, and the tensors that their plan names.
struct stored_exits {
  model::config config;
  model::exit_plan plan;
  model::checkpoint tensors;
  std::string sha256;  // of exits.safetensors; empty where nothing describes the exits yet
};

/// What exits.json would say of a model that has none. Throws as loading.
[[nodiscard]] inline stored_exits plan_first_exits(const model::file_set& files, const model::config& config) {
  model::checkpoint tensors = model::open_checkpoint(files);
  model::exit_plan plan = offramp::detail::plan_exits({}, files, tensors, config);
  model::exits_file& content = plan.description;
  if (content.default_policy && std::isinf(content.default_policy->threshold)) {
    content.default_policy.reset();  // full depth, as without a policy
  }
  for (model::exit_description& exit : content.exits) {
    exit.temperature = {};
  }
  return {config, std::move(plan), std::move(tensors), {}};
}

/// Throws as loading.
[[nodiscard]] inline stored_exits open_stored_exits(const std::filesystem::path& directory) {
  const model::file_set files(directory);
  const model::config config = model::read_config(files);
  std::optional<model::exits_file> described = model::read_exits_file(files, config);
  if (!described) {
    return plan_first_exits(files, config);
  }
  model::checkpoint tensors = model::open_exits(files, *described);
  return {config, model::plan_described_exits(*std::move(described)), std::move(tensors),
          model::sha256_hex(files.open("exits.safetensors"))};
}

/// A model that does not say what its input is takes what it is given first.
inline void settle_input(model::exits_file& content, const dataset& data) {
  if (!content.input) {
    content.input = data.texts.front().second ? input_kind::pair : input_kind::single;
  }
}

/// What is to be written as exits.json, once it is known to be readable: names of labels, for one, are free in
/// config.json.
[[nodiscard]] inline std::string readable_exits_json(const stored_exits& stored, const model::exits_file& content,
                                                     std::string_view exits_sha256) {
  std::string json = model::write_exits_json(content, exits_sha256);
  (void)model::read_exits_json(json, "exits.json", stored.config);
  return json;
}

/// Replaces the exits.json of the directory that `stored` was opened in; its exits.safetensors stays. Writes both where
/// there is neither, the heads copied from the checkpoint, which stays as it is. `texts`, where there are some, become
/// the known texts of the directory, once the rest is on disk but for its name.
inline void write_exits(const std::filesystem::path& directory, const stored_exits& stored,
                        const model::exits_file& content, const std::string& texts = {}) {
  if (!stored.sha256.empty()) {
    offramp::detail::replacement_file description(directory / "exits.json");
    description.write(readable_exits_json(stored, content, stored.sha256));
    description.sync();
    if (!texts.empty()) {
      offramp::detail::write_file(directory / known_texts_file, texts);
    }
    description.commit();
    return;
  }
  const std::string tensors =
      model::write_safetensors(model::describe_tensors(stored.plan, stored.tensors, stored.config));
  write_exit_files(directory, {readable_exits_json(stored, content, model::sha256_hex(tensors)), tensors, texts});
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
