// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/load_options.hpp>
#include <offramp/names.hpp>

#include <CLI/CLI.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace offramp_cli {

/// The names of a table, for an option that takes one of them.
template <class Value, std::size_t N>
std::vector<std::string> names_in(const offramp::detail::name_table<Value, N>& table) {
  std::vector<std::string> names;
  for (const auto& [name, value] : table) {
    names.emplace_back(name);
  }
  return names;
}

/// The last name of a path, also where a slash ends it.
[[nodiscard]] std::string directory_name(const std::filesystem::path& directory);

/// Which model to load, and how.
struct model_options {
  std::optional<std::string> directory;
  std::string format = "float32";
  std::optional<std::string> exits;

  /// Adds --model; with `add_positional_to`, the directory stands alone. `this` must stay where it is until
  /// parsing is over.
  void add_to(CLI::App& parser);
  void add_positional_to(CLI::App& parser);
  void add_format_to(CLI::App& parser);
  void add_exits_to(CLI::App& parser);

  /// The chosen directory; where there is none of that path, the bundled model of that name (by default sentiment-en):
  /// the installed one beside this program, else the source tree's. Throws std::runtime_error when none is chosen and
  /// there is neither.
  [[nodiscard]] std::filesystem::path path() const;
  /// Throws usage_error for a list of exits that is none, and what classifier::load throws.
  [[nodiscard]] offramp::classifier load() const;
};

}  // namespace offramp_cli
