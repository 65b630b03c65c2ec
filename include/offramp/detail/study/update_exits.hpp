// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/write_file.hpp>
#include <offramp/error.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/exits_file.hpp>
#include <offramp/model/exits_writer.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/sha256.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
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

/// The content of a directory's exits.json. Throws as model::read_exits_file, and `invalid_argument` where there is
/// none.
[[nodiscard]] inline model::exits_file read_exits(const std::filesystem::path& directory) {
  const model::file_set files(directory);
  std::optional<model::exits_file> found = model::read_exits_file(files, model::read_config(files));
  if (!found) {
    throw error(error_kind::invalid_argument, files.describe("exits.json") + ": no such file; offramp fit makes one");
  }
  return *std::move(found);
}

/// Replaces a directory's exits.json; its exits.safetensors stays.
inline void write_exits(const std::filesystem::path& directory, const model::exits_file& content) {
  const std::string digest = model::sha256_hex(model::file_set(directory).open("exits.safetensors"));
  offramp::detail::write_file(directory / "exits.json", model::write_exits_json(content, digest));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
