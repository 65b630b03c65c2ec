// SPDX-License-Identifier: Apache-2.0
// What completes the command's line in a shell, from the tree of its options.
#include "command.hpp"
#include "option_tree.hpp"

#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace offramp_cli {

namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
  std::string line;
  for (const std::string& word : words) {
    line += (line.empty() ? "" : std::string(between)) + word;
  }
  return line;
}

/// `text` with a backslash before each of `special`.
std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    result += special.find(c) == std::string_view::npos ? "" : "\\";
    result += c;
  }
  return result;
}

/// Within single quotes, where a shell knows no escapes.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return result + "'";
}

std::vector<std::string> names_of(const std::vector<command_description>& commands) {
  std::vector<std::string> names;
  for (const command_description& command : commands) {
    names.push_back(command.name);
  }
  return names;
}

std::vector<std::string> names_of(const std::vector<option_description>& options) {
  std::vector<std::string> names;
  for (const option_description& option : options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

void write_bash(const CLI::App& app, std::ostream& out) {
  const std::vector<command_description> commands = describe_commands(app);
  out << "_offramp() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= each words=\n"
         "  for each in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case $each in\n      "
      << joined(names_of(commands), "|")
      << ") command=$each; break ;;\n    esac\n  done\n"
         "  COMPREPLY=()  # where it stays empty, files complete the word\n"
         "  case $command:$before in\n";
  for (const command_description& command : commands) {
    for (const option_description& option : command.options) {
      if (!option.value.empty()) {
        std::vector<std::string> patterns = option.names;
        for (std::string& pattern : patterns) {
          pattern.insert(0, command.name + ":");
        }
        out << "    " << joined(patterns, "|") << ") ";
        if (!option.choices.empty()) {
          out << "COMPREPLY=($(compgen -W '" << joined(option.choices) << "' -- \"$word\")); ";
        }
        out << "return ;;\n";
      }
    }
  }
  out << "  esac\n  case $command in\n    '') words='" << joined(names_of(commands)) << " "
      << joined(names_of(describe_options(app))) << "' ;;\n";
  for (const command_description& command : commands) {
    out << "    " << command.name << ") [[ $word == -* ]] && words='" << joined(names_of(command.options)) << "' ;;\n";
  }
  out << "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -o default -F _offramp offramp\n";
}

void write_zsh(const CLI::App& app, std::ostream& out) {
  const std::vector<command_description> commands = describe_commands(app);
  const auto write_options = [&](const std::vector<option_description>& options) {
    for (const option_description& option : options) {
      for (const std::string& name : option.names) {
        const std::string values = option.choices.empty() ? "_files" : "(" + joined(option.choices) + ")";
        const std::string value = option.value.empty() ? "" : ":" + option.value + ":" + values;
        out << " \\\n        " << quoted(name + "[" + escaped(option.text, "[]:\\") + "]" + value);
      }
    }
  };
  out << "#compdef offramp\n_offramp() {\n  local line state\n  local -a commands=(\n";
  for (const command_description& command : commands) {
    out << "    " << quoted(command.name + ":" + command.text) << '\n';
  }
  out << "  )\n  _arguments -C";
  write_options(describe_options(app));
  out << " \\\n        '1:command:->command' '*::argument:->argument'\n"
         "  case $state in\n    command) _describe command commands ;;\n    argument)\n      case $line[1] in\n";
  for (const command_description& command : commands) {
    out << "      " << command.name << ") _arguments";
    write_options(command.options);
    out << " \\\n        '*:file:_files' ;;\n";
  }
  out << "      esac ;;\n  esac\n}\n_offramp \"$@\"\n";
}

void write_fish(const CLI::App& app, std::ostream& out) {
  const auto text = [](const std::string& words) { return "'" + escaped(words, "'\\") + "'"; };
  const auto write_options = [&](const std::vector<option_description>& options, const std::string& condition) {
    for (const option_description& option : options) {
      out << "complete -c offramp -n " << text(condition);
      for (const std::string& name : option.names) {
        out << (name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
      }
      if (!option.choices.empty()) {
        out << " -x -a " << text(joined(option.choices));
      } else if (!option.value.empty()) {
        out << " -r";
      }
      out << " -d " << text(option.text) << '\n';
    }
  };
  write_options(describe_options(app), "__fish_use_subcommand");
  for (const command_description& command : describe_commands(app)) {
    out << "complete -c offramp -f -n __fish_use_subcommand -a " << command.name << " -d " << text(command.text)
        << '\n';
    write_options(command.options, "__fish_seen_subcommand_from " + command.name);
  }
}

const std::map<std::string, void (*)(const CLI::App&, std::ostream&)> writers = {
    {"bash", &write_bash}, {"fish", &write_fish}, {"zsh", &write_zsh}};

}  // namespace

command add_completion(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("completion", "What completes this command's line in a shell");
  const auto shell = std::make_shared<std::string>();
  parser.add_option("shell", *shell, "bash, fish or zsh")->required()->check(CLI::IsMember({"bash", "fish", "zsh"}));
  return {&parser, [shell, &app] { writers.at (*shell)(app, std::cout); }};
}

}  // namespace offramp_cli
