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

/// Which model to load, and how.
struct model_options {
  static constexpr const char* any_model = "Model directory, or a bundled model's name (default: sentiment-en)";

  std::optional<std::string> directory;
  std::string format = "float32";
  std::optional<std::string> exits;

  /// Adds --model; with `add_positional_to`, the directory stands alone. `this` must stay where it is until
  /// parsing is over.
  void add_to(CLI::App& parser, const std::string& description = any_model);
  void add_positional_to(CLI::App& parser);
  void add_format_to(CLI::App& parser);
  void add_exits_to(CLI::App& parser);

  /// The chosen directory; where there is none of that path, the bundled model of that name (by default sentiment-en):
  /// the installed one beside this program, else the source tree's. Throws std::runtime_error when none is chosen and
  /// there is neither.
  [[nodiscard]] std::filesystem::path path() const;
  /// Whether it is a bundled model, by name or by default, rather than a directory of the user's.
  [[nodiscard]] bool is_bundled() const;
  /// Throws usage_error for a bundled model, which stays as it is; `purpose` as in "certify writes certificates".
  void check_own(const std::string& purpose) const;
  /// Throws usage_error for a list of exits that is none, and what classifier::load throws.
  [[nodiscard]] offramp::classifier load() const;
  /// The same, with the model's warnings on standard error.
  [[nodiscard]] offramp::classifier load_and_warn() const;
};

}  // namespace offramp_cli
