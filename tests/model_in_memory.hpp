// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace offramp_tests {

inline std::filesystem::path tiny_directory(const std::string& model) {
  return std::filesystem::path(OFFRAMP_TEST_DATA) / "models" / model;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream.is_open()) << path;
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// A copy of one of the tiny models that may be damaged and loaded; content by file name.
struct model_in_memory {
  std::map<std::string, std::string> files;

  explicit model_in_memory(const std::string& model) {
    const std::filesystem::path directory = tiny_directory(model);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
      if (entry.is_regular_file()) {
        files[entry.path().lexically_relative(directory).string()] = read_file(entry.path());
      }
    }
  }

  [[nodiscard]] offramp::classifier load(const offramp::load_options& options = {}) const {
    std::vector<offramp::model_file> views;
    for (const auto& [name, content] : files) {
      views.push_back({name, std::as_bytes(std::span(content))});
    }
    return offramp::classifier::load(views, options);
  }
};

}  // namespace offramp_tests
