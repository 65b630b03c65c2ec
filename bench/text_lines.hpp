// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace offramp_bench {

/// A text from each line of the file: what stands after the line's last tab.
[[nodiscard]] inline std::vector<std::string> read_texts(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) {
    throw std::runtime_error(name + ": cannot be opened");
  }
  std::vector<std::string> texts;
  for (std::string line; std::getline(file, line);) {
    texts.push_back(line.substr(line.rfind('\t') + 1));  // npos + 1 is 0
  }
  return texts;
}

}  // namespace offramp_bench
