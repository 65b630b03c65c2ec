// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace offramp_tests {

/// A safetensors file taken apart, to be changed and put together again.
struct tensor_file {
  nlohmann::json header;
  std::string data;

  explicit tensor_file(const std::string& content) {
    std::uint64_t length = 0;
    std::memcpy(&length, content.data(), sizeof length);
    header = nlohmann::json::parse(content.substr(sizeof length, length));
    data = content.substr(sizeof length + length);
  }

  void rename(const std::string& from, const std::string& to) {
    header[to] = header.at(from);
    header.erase(from);
  }

  [[nodiscard]] std::string join() const {
    const std::string text = header.dump();
    const std::uint64_t length = text.size();
    std::string content(sizeof length, '\0');
    std::memcpy(content.data(), &length, sizeof length);
    return content + text + data;
  }
};

}  // namespace offramp_tests
