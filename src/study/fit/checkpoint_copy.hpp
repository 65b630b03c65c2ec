// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/detail/write_file.hpp>
#include <offramp/error.hpp>
#include <offramp/load_options.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/sha256.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The two files that make an early-exit model of a checkpoint.
struct exit_files {
  std::string json;
  std::string safetensors;
};

/// A file that belongs to a checkpoint, wherever it is copied: configuration, weights that offramp reads, tokenizer,
/// description and licence.
[[nodiscard]] inline bool is_checkpoint_file(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 5> kinds{".json", ".safetensors", ".txt", ".model", ".md"};
  const std::string name = path.filename().string();
  return !name.starts_with('.') && name != "exits.json" && name != "exits.safetensors" &&
         (std::ranges::find(kinds, path.extension().string()) != kinds.end() || name.starts_with("LICENSE"));
}

/// Names of the checkpoint's files in a directory, in order.
[[nodiscard]] inline std::vector<std::string> checkpoint_files(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.is_regular_file() && is_checkpoint_file(entry.path())) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::ranges::sort(names);
  return names;
}

[[nodiscard]] inline std::string read_whole(const std::filesystem::path& path) {
  constexpr std::uint64_t size_limit = std::uint64_t{1} << 40U;
  return model::file(path).read_all(size_limit);
}

/// The checkpoint in `directory` with these exits, whatever exits lie beside it.
[[nodiscard]] inline classifier load_with(const std::filesystem::path& directory, const exit_files& exits,
                                          const load_options& options) {
  std::map<std::string, std::string> contents;
  for (const std::string& name : checkpoint_files(directory)) {
    contents[name] = read_whole(directory / name);
  }
  std::vector<model_file> files{{"exits.json", std::as_bytes(std::span(exits.json))},
                                {"exits.safetensors", std::as_bytes(std::span(exits.safetensors))}};
  for (const auto& [name, content] : contents) {
    files.push_back({name, std::as_bytes(std::span(content))});
  }
  return classifier::load(files, options);
}

/// That no file which differs from its namesake would be replaced by copying the checkpoint. Throws `io` for the first
/// that would.
inline void check_nothing_in_the_way(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const std::string& name : checkpoint_files(from)) {
    const std::filesystem::path target = to / name;
    if (std::filesystem::exists(target) && !std::filesystem::equivalent(target, from / name) &&
        model::sha256_hex(model::file(target)) != model::sha256_hex(model::file(from / name))) {
      throw error(error_kind::io, target.string() + ": differs from the checkpoint's, and is not replaced");
    }
  }
}

/// Copies rather than links: a link would change, or break, with the checkpoint that it leads to. Files that are there
/// already stay.
inline void copy_checkpoint(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const std::string& name : checkpoint_files(from)) {
    if (!std::filesystem::exists(to / name)) {
      offramp::detail::write_file(to / name, read_whole(from / name));
    }
  }
}

/// Makes `directory` where there is none. Throws `io`.
inline void make_directory(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure || !std::filesystem::is_directory(directory)) {
    throw error(error_kind::io, directory.string() + ": cannot be made a directory" +
                                    (failure ? ": " + failure.message() : std::string()));
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
