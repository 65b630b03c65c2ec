// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace offramp_tests {

inline offramp::model::file memory_file(const std::string& name, const std::string& content) {
  return {name, std::as_bytes(std::span(content))};
}

/// A model in memory: content by file name.
class memory_model {
 public:
  memory_model(std::initializer_list<std::pair<const std::string, std::string>> files) : files_(files) {}

  /// All files of tests/data/models/<model>.
  static memory_model copy_of(const std::string& model) {
    memory_model copy{};
    for (const auto& entry : std::filesystem::directory_iterator(std::string(OFFRAMP_TEST_DATA) + "/models/" + model)) {
      copy.files_[entry.path().filename().string()] = offramp::model::file(entry.path()).read_all(1U << 20);
    }
    return copy;
  }

  std::string& operator[](const std::string& name) { return files_[name]; }
  void remove(const std::string& name) { files_.erase(name); }

  /// Valid as long as this object is neither changed nor destroyed.
  [[nodiscard]] offramp::model::file_set set() const {
    std::vector<offramp::model::file_set::blob> blobs;
    for (const auto& [name, content] : files_) {
      blobs.push_back({name, std::as_bytes(std::span(content))});
    }
    return offramp::model::file_set(std::move(blobs));
  }

 private:
  std::map<std::string, std::string> files_;
};

/// A safetensors file: the header's length, the header, the data.
inline std::string safetensors_bytes(const std::string& header, const std::string& data,
                                     std::optional<std::uint64_t> claimed_length = {}) {
  const auto length = std::bit_cast<std::array<char, 8>>(claimed_length.value_or(header.size()));
  return std::string(length.data(), length.size()) + header + data;
}

/// The bytes of numbers, little-endian.
template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What an error said, or "no error".
struct failure {
  std::optional<offramp::error_kind> kind;
  std::string message = "no error";
};

template <typename Action>
failure failure_of(const Action& action) {
  try {
    action();
  } catch (const offramp::error& problem) {
    return {problem.kind(), problem.what()};
  }
  return {};
}

/// That `action` throws an offramp::error of that kind whose message holds every one of `parts`.
template <typename Action>
void expect_error(offramp::error_kind kind, const std::vector<std::string>& parts, const Action& action) {
  const failure found = failure_of(action);
  EXPECT_TRUE(found.kind == kind) << "another kind, or none: " << found.message;
  for (const std::string& part : parts) {
    EXPECT_NE(found.message.find(part), std::string::npos) << '"' << part << "\" is not in: " << found.message;
  }
}

}  // namespace offramp_tests
