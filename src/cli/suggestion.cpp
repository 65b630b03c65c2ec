// SPDX-License-Identifier: Apache-2.0
#include "suggestion.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <vector>

namespace offramp_cli {

namespace {

/// How many characters have to be put in, taken out or replaced (Levenshtein).
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0U : 1U);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::optional<std::string> nearest(std::string_view given, const std::vector<std::string>& names) {
  const std::size_t most = std::max<std::size_t>(1, given.size() / 3);
  std::optional<std::string> found;
  std::size_t least = most + 1;
  for (const std::string& name : names) {
    if (const std::size_t distance = edit_distance(given, name); distance < least) {
      least = distance;
      found = name;
    }
  }
  return found;
}

std::vector<std::string> subcommands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : app.get_subcommands(nullptr)) {
    names.push_back(subcommand->get_name());
  }
  return names;
}

/// As in "--threshold", those of groups too.
void append_options(const CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  for (const CLI::App* group : app.get_subcommands(nullptr)) {
    if (group->get_name().empty()) {
      append_options(*group, names);
    }
  }
}

}  // namespace

std::optional<std::string> suggest(const CLI::App& app, std::span<const std::string> arguments) {
  if (arguments.empty()) {
    return std::nullopt;
  }
  const std::vector<std::string> subcommands = subcommands_of(app);
  const CLI::App* parser = &app;
  if (std::ranges::find(subcommands, arguments.front()) != subcommands.end()) {
    parser = app.get_subcommand(arguments.front());
  } else if (!arguments.front().starts_with('-')) {
    return nearest(arguments.front(), subcommands);
  }
  std::vector<std::string> options;
  append_options(*parser, options);
  for (const std::string& argument : arguments) {
    const std::string name = argument.substr(0, argument.find('='));
    if (argument == "--") {
      break;
    }
    if (name.starts_with("--") && std::ranges::find(options, name) == options.end()) {
      return nearest(name, options);
    }
  }
  return std::nullopt;
}

}  // namespace offramp_cli
