// SPDX-License-Identifier: Apache-2.0
// The manual page, from the tree of options, in the macros of man(7).
#include "command.hpp"
#include "option_tree.hpp"

#include <offramp/version.hpp>

#include <iostream>
#include <string>
#include <string_view>

namespace offramp_cli {

namespace {

/// A line of text as roff wants it: no escapes, no request, hyphens that can be copied.
std::string roff(std::string_view text) {
  std::string result;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) {
      result += "\\&";
    }
    result += c == '\\' ? std::string("\\e") : c == '-' ? std::string("\\-") : std::string(1, c);
    begins = c == '\n';
  }
  return result;
}

void write_options(const std::vector<option_description>& options, std::ostream& out) {
  for (const option_description& option : options) {
    out << ".TP\n";
    for (std::size_t i = 0; i < option.names.size(); ++i) {
      out << (i == 0 ? "\\fB" : ", \\fB") << roff(option.names[i]) << "\\fR";
    }
    if (!option.value.empty()) {
      out << " \\fI" << roff(option.value) << "\\fR";
    }
    out << '\n' << roff(option.text);
    for (std::size_t i = 0; i < option.choices.size(); ++i) {
      out << (i == 0 ? " (" : ", ") << roff(option.choices[i]) << (i + 1 == option.choices.size() ? ")" : "");
    }
    if (!option.fallback.empty()) {
      out << "; default " << roff(option.fallback);
    }
    out << '\n';
  }
}

void write_manual(const CLI::App& app, std::ostream& out) {
  out << ".TH OFFRAMP 1 \"\" \"offramp " << offramp::version() << "\"\n.SH NAME\nofframp \\- "
      << roff(app.get_description())
      << "\n.SH SYNOPSIS\n.B offramp\n.I command\n[\\fIoptions\\fR] [\\fIarguments\\fR]\n"
      << ".SH OPTIONS\n";
  write_options(describe_options(app), out);
  out << ".SH COMMANDS\n";
  for (const command_description& command : describe_commands(app)) {
    out << ".SS " << roff(command.name);
    for (const std::string& argument : command.arguments) {
      out << ' ' << roff(argument);
    }
    out << '\n' << roff(command.text) << '\n';
    write_options(command.options, out);
    if (!command.footer.empty()) {
      out << ".PP\n" << roff(command.footer) << '\n';
    }
  }
  out << ".SH EXIT STATUS\n0 when all went well, 1 when something failed, 2 for a mistake on the command line.\n";
}

}  // namespace

command add_manual(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("manual", "This command's manual page, for man(1)");
  return {&parser, [&app] { write_manual(app, std::cout); }};
}

}  // namespace offramp_cli
