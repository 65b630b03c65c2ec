// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace offramp_cli {

/// An option as completions and the manual show it.
struct option_description {
  std::vector<std::string> names;    ///< as in "--help", longest first
  std::string value;                 ///< what it takes, as in "TEXT"; empty: nothing
  std::vector<std::string> choices;  ///< the values there are; empty: any
  std::string fallback;              ///< what stands for a missing one; empty: nothing that could be written
  std::string text;
};

/// A subcommand likewise.
struct command_description {
  std::string name;
  std::string text;
  std::string footer;
  std::vector<std::string> arguments;  ///< those without a name, as in "TEXT..."
  std::vector<option_description> options;
};

[[nodiscard]] std::vector<command_description> describe_commands(const CLI::App& app);

/// Options of `app` itself, those in its groups too.
[[nodiscard]] std::vector<option_description> describe_options(const CLI::App& app);

}  // namespace offramp_cli
