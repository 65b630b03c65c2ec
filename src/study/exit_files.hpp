// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/write_file.hpp>

#include <filesystem>
#include <string>
#include <system_error>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The two files that make an early-exit model of a checkpoint.
struct exit_files {
  std::string json;
  std::string safetensors;
};

/// Writes both, or throws `io` and leaves both as they were: one does not load without the other that it was written
/// with. Only a process that dies between the two renames leaves a model that says so when it is loaded.
inline void write_exit_files(const std::filesystem::path& directory, const exit_files& files) {
  using offramp::detail::replacement_file;
  const std::filesystem::path weights_path = directory / "exits.safetensors";
  replacement_file weights(weights_path);
  replacement_file description(directory / "exits.json");
  weights.write(files.safetensors);
  description.write(files.json);
  description.sync();
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
