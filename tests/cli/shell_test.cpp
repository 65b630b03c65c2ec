// SPDX-License-Identifier: Apache-2.0
// Help, completion and manual, which all come from one tree of options.
#include "process.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace cli_shell_test {

using namespace offramp_tests;

std::string output_of(const arguments& given) {
  const process_result result = run_offramp(given);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return result.out;
}

/// Those that the command's own help lists.
std::vector<std::string> subcommands() {
  std::vector<std::string> names;
  const std::string help = output_of({"--help"});
  for (const std::string& line : lines_of(help.substr(help.find("Subcommands:")))) {
    if (line.starts_with("  ") && line.size() > 2 && line[2] != ' ') {
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
  }
  EXPECT_GE(names.size(), 11U);
  return names;
}

TEST(help, ends_with_an_example_and_shows_no_names_of_the_code) {
  for (const std::string& name : subcommands()) {
    SCOPED_TRACE(name);
    const std::string help = output_of({name, "--help"});
    const std::vector<std::string> lines = lines_of(help);
    EXPECT_TRUE(lines.back().starts_with("Example: ") && lines.back().find(name) != std::string::npos) << lines.back();
    EXPECT_EQ(help.find("ENUM"), std::string::npos);
    EXPECT_EQ(help.find("->"), std::string::npos);
  }
}

TEST(manual, has_every_subcommand_and_its_options) {
  const std::string page = output_of({"manual"});
  EXPECT_TRUE(page.starts_with(".TH OFFRAMP 1 "));
  for (const std::string& name : subcommands()) {
    EXPECT_NE(page.find(".SS " + name), std::string::npos) << name;
  }
  for (const char* part : {"\\fB\\-\\-certified\\fR \\fIFLOAT\\fR", "(float32, bfloat16, int8); default float32",
                           ".SS classify TEXT...", "; default all usable"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
}

/// What bash completes the last of the words with, after the script that the command wrote.
std::string completed_in_bash(const std::string& words) {
  scratch_directory directory;
  const std::string script = directory.file("offramp.bash", output_of({"completion", "bash"}));
  const process_result result = run_program(
      "/bin/bash", {"-c", "source '" + script + "'; COMP_WORDS=(" + words +
                              "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _offramp; echo \"${COMPREPLY[*]}\""});
  EXPECT_EQ(result.status, 0) << result.err;
  return result.out;
}

TEST(completion, of_bash_knows_subcommands_options_and_their_values) {
  if (!std::filesystem::exists("/bin/bash")) {
    GTEST_SKIP() << "no bash here";
  }
  EXPECT_EQ(completed_in_bash("offramp cl"), "classify\n");
  EXPECT_EQ(completed_in_bash("offramp classify --form"), "--format\n");
  EXPECT_EQ(completed_in_bash("offramp classify --format ''"), "float32 bfloat16 int8\n");
  EXPECT_EQ(completed_in_bash("offramp fit --pooling m"), "mean\n");
  EXPECT_EQ(completed_in_bash("offramp certify --rule conf"), "confidence\n");
  EXPECT_EQ(completed_in_bash("offramp classify --model ''"), "\n");  // files
}

TEST(completion, is_written_for_three_shells_and_no_other) {
  EXPECT_TRUE(output_of({"completion", "zsh"}).starts_with("#compdef offramp\n"));
  EXPECT_NE(output_of({"completion", "fish"}).find("-l format -x -a 'float32 bfloat16 int8'"), std::string::npos);
  EXPECT_EQ(run_offramp({"completion", "tcsh"}).status, 2);
}

TEST(choices, are_names_and_never_numbers) {
  const process_result result = run_offramp({"fit", "--model", "m", "--out", "o", "--pooling", "1"});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("auto"), std::string::npos) << result.err;
}

}  // namespace cli_shell_test
