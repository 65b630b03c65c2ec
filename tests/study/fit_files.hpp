// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace offramp_tests {

/// A directory for one test, with a tiny checkpoint and labelled texts in it.
class fit_directory {
 public:
  explicit fit_directory(const std::string& model)
      : path_(std::filesystem::temp_directory_path() / (name_prefix() + model)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
    std::filesystem::copy(std::filesystem::path(OFFRAMP_TEST_DATA) / "models" / model, path_ / "model");
  }
  ~fit_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  fit_directory(const fit_directory&) = delete;
  fit_directory& operator=(const fit_directory&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  /// Makes the labels of config.json LABEL_n, as in an encoder that nobody fine-tuned.
  void forget_labels() const {
    nlohmann::json config = nlohmann::json::parse(read("model/config.json"));
    for (const char* key : {"id2label", "label2id", "num_labels"}) {
      config.erase(key);
    }
    write("model/config.json", config.dump());
  }

 private:
  static std::string name_prefix() { return "offramp-fit-" + std::to_string(::getpid()) + "-"; }

  std::filesystem::path path_;
};

/// `texts` lines of data: `label<TAB>words`, where each label has a word of its own among others. Label i is drawn
/// `shares[i]` times as often as one with share 1.
inline std::string labelled_lines(const std::vector<std::string>& labels, std::size_t texts, unsigned seed,
                                  const std::vector<unsigned>& shares = {}) {
  static const std::array words{"film", "story", "plot", "actor", "man", "dog", "runs", "the", "a", "is"};
  static const std::array telling{"bad", "good", "warm", "never"};
  std::mt19937 random(seed);
  std::vector<std::size_t> urn;
  for (std::size_t label = 0; label < labels.size(); ++label) {
    urn.insert(urn.end(), shares.empty() ? 1 : shares[label], label);
  }
  std::string lines;
  for (std::size_t text = 0; text < texts; ++text) {
    const std::size_t label = urn[random() % urn.size()];
    lines += labels[label] + '\t';
    const std::size_t length = 1 + random() % 7;
    const std::size_t place = random() % length;
    for (std::size_t word = 0; word < length; ++word) {
      // One text in eight says nothing of its label.
      const bool tells = word == place && random() % 8 != 0;
      lines += std::string(word == 0 ? "" : " ") + (tells ? telling.at(label) : words.at(random() % words.size()));
    }
    lines += '\n';
  }
  return lines;
}

/// Lines of data that have no text in common with `others`, spaces aside.
inline std::string new_lines(const std::vector<std::string>& labels, std::size_t texts, unsigned seed,
                             const std::string& others) {
  const auto text_of = [](std::string line) {
    line.erase(0, line.find('\t') + 1);
    std::erase(line, ' ');
    return line;
  };
  std::set<std::string> known;
  std::istringstream taken(others);
  for (std::string line; std::getline(taken, line);) {
    known.insert(text_of(line));
  }
  std::string result;
  std::istringstream candidates(labelled_lines(labels, 4 * texts, seed));
  std::size_t found = 0;
  for (std::string line; found < texts && std::getline(candidates, line);) {
    if (!known.contains(text_of(line))) {
      result += line + '\n';
      ++found;
    }
  }
  return result;
}

}  // namespace offramp_tests
