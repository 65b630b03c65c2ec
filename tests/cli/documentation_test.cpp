// SPDX-License-Identifier: Apache-2.0
// The commands in README.md and docs/ are ones that the command takes: its subcommands, with options that they have.
// What README.md says of speed stands in docs/, too.
#include "process.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace cli_documentation_test {

using namespace offramp_tests;

/// A line of a page that calls the command, lines that it goes on in included.
struct shown_command {
  std::string page;
  std::string line;
};

std::vector<shown_command> commands_of(const std::filesystem::path& page) {
  std::vector<shown_command> commands;
  std::ifstream file(page);
  bool is_code = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) {
      is_code = !is_code;
    }
    line = line.starts_with("$ ") ? line.substr(2) : line;
    if (is_code && line.starts_with("offramp ")) {
      for (std::string more; line.ends_with('\\') && std::getline(file, more);) {
        line.back() = ' ';
        line += more;
      }
      commands.push_back({page.filename().string(), line.substr(0, line.find(" #"))});
    }
  }
  return commands;
}

/// Whether a help names an option, whole.
bool names(const std::string& help, const std::string& option) {
  for (std::size_t at = help.find(option); at != std::string::npos; at = help.find(option, at + 1)) {
    const std::size_t end = at + option.size();
    if (end == help.size() || std::string_view(" ,\n=[").find(help[end]) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

TEST(cli_documentation, shows_commands_that_there_are) {
  const std::filesystem::path root = OFFRAMP_SOURCE_DIR;
  std::vector<shown_command> all = commands_of(root / "README.md");
  for (const auto& entry : std::filesystem::directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") {
      const std::vector<shown_command> more = commands_of(entry.path());
      all.insert(all.end(), more.begin(), more.end());
    }
  }
  ASSERT_GT(all.size(), 10U);
  std::map<std::string, std::string> help;  // by subcommand
  for (const shown_command& shown : all) {
    std::istringstream words(shown.line.substr(0, shown.line.find_first_of("|<>")));
    std::string name;
    words >> name >> name;
    if (!help.contains(name)) {
      const process_result said = run_offramp({name, "--help"});
      EXPECT_EQ(said.status, 0) << shown.page << ": " << shown.line;
      help[name] = said.out;
    }
    for (std::string word; words >> word;) {
      const std::string option = word.substr(0, word.find('='));
      if (option.starts_with("--")) {
        EXPECT_TRUE(names(help[name], option)) << option << " in " << shown.page << ": " << shown.line;
      }
    }
  }
}

TEST(cli_documentation, repeats_measured_rows_as_their_pages_have_them) {
  const std::filesystem::path root = OFFRAMP_SOURCE_DIR;
  std::vector<std::string> measured = lines_of(content_of(root / "docs" / "speed.md"));
  const std::vector<std::string> results = lines_of(content_of(root / "docs" / "results.md"));
  measured.insert(measured.end(), results.begin(), results.end());
  const std::vector<std::string> readme = lines_of(content_of(root / "README.md"));
  auto line = std::find(readme.begin(), readme.end(), "## Speed");
  ASSERT_NE(line, readme.end());
  std::size_t rows = 0;
  for (++line; line != readme.end() && !line->starts_with("## "); ++line) {
    if (line->starts_with("| ")) {
      EXPECT_NE(std::find(measured.begin(), measured.end(), *line), measured.end()) << "only README.md has " << *line;
      ++rows;
    }
  }
  EXPECT_GT(rows, 10U);
}

}  // namespace cli_documentation_test
