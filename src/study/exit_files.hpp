// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/write_file.hpp>

#include <filesystem>
#include <string>
#include <system_error>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// What a model directory keeps the hashes of known texts in.
inline constexpr const char* known_texts_file = "exits.texts.safetensors";

/// The two files that make an early-exit model of a checkpoint, and the one that says which texts made it.
struct exit_files {
  std::string json;
  std::string safetensors;
  std::string texts = {};  // empty: what is there stays
};

/// Writes all, or throws `io` and leaves the first two as they were: one does not load without the other that it was
/// written with. Only a process that dies between their renames leaves a model that says so when it is loaded.
inline void write_exit_files(const std::filesystem::path& directory, const exit_files& files) {
  using offramp::detail::replacement_file;
  const std::filesystem::path weights_path = directory / "exits.safetensors";
  replacement_file weights(weights_path);
  replacement_file description(directory / "exits.json");
  weights.write(files.safetensors);
  description.write(files.json);
  description.sync();
  if (!files.texts.empty()) {
    offramp::detail::write_file(directory / known_texts_file, files.texts);
  }
  const offramp::detail::kept_file before(weights_path);
  weights.commit();
  try {
    description.commit();
  } catch (const error&) {
    before.restore();
    throw;
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
