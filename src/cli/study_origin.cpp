// SPDX-License-Identifier: Apache-2.0
#include "study_origin.hpp"

#include <offramp/study/model_identity.hpp>

#include <fstream>
#include <string>

namespace offramp_cli {

namespace {

/// As a shell takes it.
std::string shell_word(const std::string& word) {
  const bool is_plain =
      !word.empty() &&
      word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@%+=") ==
          std::string::npos;
  if (is_plain) {
    return word;
  }
  std::string inside;
  for (const char c : word) {
    inside += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return "'" + inside + "'";
}

std::string command_of(const CLI::App& parser) {
  std::string command = "offramp " + parser.get_name();
  const auto append = [&](const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& value : option->results()) {
        command += " " + option->get_name() + (option->get_expected_max() == 0 ? "" : " " + shell_word(value));
      }
    }
  };
  append(parser);
  for (const CLI::App* group : parser.get_subcommands([](const CLI::App*) { return true; })) {
    append(*group);
  }
  return command;
}

/// Linux alone says it in a file.
std::string cpu_name() {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("model name")) {
      return line.substr(std::min(line.size(), line.find(':') + 2));
    }
  }
  return "";
}

}  // namespace

std::vector<offramp::study::origin_line> origin_of(const CLI::App& parser, const std::filesystem::path& model) {
  std::vector<offramp::study::origin_line> lines = {{"SHA-256 of the model", offramp::study::identify_model(model)},
                                                    {"command", command_of(parser)}};
  if (const std::string name = cpu_name(); !name.empty()) {
    lines.push_back({"CPU", name});
  }
  return lines;
}

}  // namespace offramp_cli
