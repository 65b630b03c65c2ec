// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study/exit_files.hpp"

#include <offramp/classifier.hpp>
#include <offramp/error.hpp>
#include <offramp/load_options.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/write_file.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// A file that belongs to a checkpoint, wherever it is copied: configuration, weights that offramp reads, tokenizer,
/// description and licence.
[[nodiscard]] inline bool is_checkpoint_file(const std::string& name) {
  constexpr std::array<std::string_view, 5> kinds{".json", ".safetensors", ".txt", ".model", ".md"};
  const auto ends_name = [&](std::string_view kind) { return name.ends_with(kind); };
  return !name.starts_with('.') && !name.starts_with("exits.") &&
         (std::ranges::any_of(kinds, ends_name) || name.starts_with("LICENSE"));
}

/// Names of the checkpoint's files in a directory, in order. Throws `io`.
[[nodiscard]] inline std::vector<std::string> checkpoint_files(const model::file_set& directory) {
  std::vector<std::string> names = directory.names();
  std::erase_if(names, [](const std::string& name) { return !is_checkpoint_file(name); });
  return names;
}

[[nodiscard]] inline std::string read_whole(const model::file& source) {
  constexpr std::uint64_t size_limit = std::uint64_t{1} << 40U;
  return source.read_all(size_limit);
}

/// The exits that lie beside a checkpoint; what it was noted to know does not matter for what they answer.
[[nodiscard]] inline exit_files read_exit_files(const model::file_set& directory) {
  return {read_whole(directory.open("exits.json")), read_whole(directory.open("exits.safetensors"))};
}

/// What every exit of the model says of a golden text.
[[nodiscard]] inline std::vector<exit_output> outputs_of(const classifier& model, const golden_text& text,
                                                         const runner& run) {
  return text.second ? model.classify_every_exit(sentence_pair{text.first, *text.second}, run)
                     : model.classify_every_exit(text.first, run);
}

/// The checkpoint in `directory` with these exits, or with the classifier that it has itself, whatever exits lie beside
/// it.
[[nodiscard]] inline classifier load_with(const model::file_set& directory, const std::optional<exit_files>& exits,
                                          const load_options& options) {
  std::map<std::string, std::string> contents;
  for (const std::string& name : checkpoint_files(directory)) {
    contents[name] = read_whole(directory.open(name));
  }
  std::vector<model_file> files;
  if (exits) {
    files.push_back({"exits.json", std::as_bytes(std::span(exits->json))});
    files.push_back({"exits.safetensors", std::as_bytes(std::span(exits->safetensors))});
  }
  for (const auto& [name, content] : contents) {
    files.push_back({name, std::as_bytes(std::span(content))});
  }
  return classifier::load(files, options);
}

/// That no file which differs from its namesake would be replaced by copying the checkpoint. Throws `io` for the first
/// that would.
inline void check_nothing_in_the_way(const model::file_set& from, const model::file_set& to) {
  for (const std::string& name : checkpoint_files(from)) {
    if (const auto target = to.find(name); target && !target->has_content_of(from.open(name))) {
      throw error(error_kind::io, target->name() + ": differs from the checkpoint's, and is not replaced");
    }
  }
}

/// Copies rather than links: a link would change, or break, with the checkpoint that it leads to. Files that are there
/// already stay.
inline void copy_checkpoint(const model::file_set& from, const std::filesystem::path& to) {
  const model::file_set present(to);
  for (const std::string& name : checkpoint_files(from)) {
    if (!present.find(name)) {
      offramp::detail::write_file(to / name, read_whole(from.open(name)));
    }
  }
}

/// Makes `directory` where there is none. Throws `io`.
inline void make_directory(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) {
    throw error(error_kind::io, directory.string() + ": cannot be made a directory: " + failure.message());
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
