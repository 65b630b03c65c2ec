// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/offramp.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp_fuzz {

/// What a fuzz target found wrong: prints and ends the process, which libFuzzer reports with the input.
inline void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The files of a model, content by name.
using model_files = std::map<std::string, std::string>;

/// One of the tiny models of the tests.
inline model_files read_model(const std::string& name) {
  model_files files;
  const std::filesystem::path directory = std::filesystem::path(OFFRAMP_TEST_DATA) / "models" / name;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) {
      std::ifstream stream(entry.path(), std::ios::binary);
      files[entry.path().lexically_relative(directory).string()] = {std::istreambuf_iterator<char>(stream),
                                                                    std::istreambuf_iterator<char>()};
    }
  }
  return files;
}

inline std::vector<offramp::model_file> views_of(const model_files& files) {
  std::vector<offramp::model_file> views;
  for (const auto& [name, content] : files) {
    views.push_back({name, std::as_bytes(std::span(content))});
  }
  return views;
}

inline offramp::classifier load(const model_files& files, const offramp::load_options& options = {}) {
  return offramp::classifier::load(views_of(files), options);
}

/// A model that loaded must answer, or say by an error why not.
inline void use(const offramp::classifier& model) {
  try {
    const offramp::prediction answer = model.classify("the quick fox [MASK] \xEA\xB0\x80 \xFF", 0.7F);
    require(answer.confidence >= 0.0F && answer.confidence <= 1.0F, "a confidence lies between 0 and 1");
    require(answer.label == model.labels().at(static_cast<std::size_t>(answer.label_id)), "a label has its name");
    require(answer.tokens >= 1 && answer.tokens <= model.max_tokens(), "a text has 1 to max_tokens tokens");
  } catch (const offramp::error&) {
  }
}

/// Loads a model with one file replaced by the input.
inline void load_with_file(const model_files& model, const std::string& name, std::string_view content) {
  std::vector<offramp::model_file> files = views_of(model);
  const auto replaced = std::ranges::find(files, name, &offramp::model_file::name);
  require(replaced != files.end(), "the model has the file");
  replaced->bytes = std::as_bytes(std::span(content));
  try {
    use(offramp::classifier::load(files));
  } catch (const offramp::error&) {
  }
}

/// Takes numbers off the input, zeros once it is empty.
class input_reader {
 public:
  explicit input_reader(std::string_view bytes) : bytes_(bytes) {}

  template <class Number>
  Number take() {
    Number value{};
    const std::size_t size = std::min(sizeof(value), bytes_.size());
    std::memcpy(&value, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return value;
  }
  /// From 0 on, below `end`.
  std::size_t below(std::size_t end) { return take<std::uint16_t>() % end; }
  std::string_view take_text(std::size_t size) {
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(text.size());
    return text;
  }
  [[nodiscard]] std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

/// The parts of the input between lines that hold `---` alone, always `count`.
inline std::vector<std::string_view> parts_of(std::string_view input, std::size_t count) {
  constexpr std::string_view divider = "\n---\n";
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < count) {
    const std::size_t end = std::min(input.find(divider), input.size());
    parts.push_back(input.substr(0, end));
    input.remove_prefix(std::min(end + divider.size(), input.size()));
  }
  parts.push_back(input);
  return parts;
}

}  // namespace offramp_fuzz
