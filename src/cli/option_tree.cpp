// SPDX-License-Identifier: Apache-2.0
#include "option_tree.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace offramp_cli {

namespace {

/// "a" and "b" of "TEXT:{a,b}".
std::vector<std::string> choices_of(std::string_view type) {
  std::vector<std::string> choices;
  const std::size_t open = type.find(":{");
  if (open == std::string_view::npos || !type.ends_with('}')) {
    return choices;
  }
  std::string_view list = type.substr(open + 2, type.size() - open - 3);
  for (;;) {
    const std::size_t comma = list.find(',');
    choices.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) {
      return choices;
    }
    list.remove_prefix(comma + 1);
  }
}

option_description describe(const CLI::Option& option) {
  option_description shown{.names = {}, .value = {}, .choices = {}, .fallback = {}, .text = option.get_description()};
  for (const std::string& name : option.get_lnames()) {
    shown.names.push_back("--" + name);
  }
  for (const std::string& name : option.get_snames()) {
    shown.names.push_back("-" + name);
  }
  if (option.get_items_expected_max() > 0) {
    const std::string type = option.get_type_name();
    shown.value = type.substr(0, type.find(':'));
    shown.choices = choices_of(type);
    shown.fallback = option.get_default_str();
    if (shown.fallback.starts_with('[') && shown.fallback.ends_with(']')) {  // a list
      shown.fallback = shown.fallback.substr(1, shown.fallback.size() - 2);
    }
  }
  return shown;
}

/// Calls visit(option) for the options of `app` and of its groups, which are subcommands without a name.
template <class Visit>
void for_each_option(const CLI::App& app, const Visit& visit) {
  for (const CLI::Option* option : app.get_options()) {
    visit(*option);
  }
  for (const CLI::App* group : app.get_subcommands(nullptr)) {
    if (group->get_name().empty()) {
      for_each_option(*group, visit);
    }
  }
}

}  // namespace

std::vector<option_description> describe_options(const CLI::App& app) {
  std::vector<option_description> options;
  for_each_option(app, [&](const CLI::Option& option) {
    if (!option.get_positional()) {
      options.push_back(describe(option));
    }
  });
  return options;
}

std::vector<command_description> describe_commands(const CLI::App& app) {
  std::vector<command_description> commands;
  for (const CLI::App* parser : app.get_subcommands(nullptr)) {
    command_description shown{.name = parser->get_name(),
                              .text = parser->get_description(),
                              .footer = parser->get_footer(),
                              .arguments = {},
                              .options = describe_options(*parser)};
    for_each_option(*parser, [&](const CLI::Option& option) {
      if (option.get_positional()) {
        shown.arguments.push_back(option.get_name() + (option.get_items_expected_max() > 1 ? "..." : ""));
      }
    });
    commands.push_back(std::move(shown));
  }
  return commands;
}

}  // namespace offramp_cli
