// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study/fit_files.hpp"

#include <offramp/study/fit.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace offramp_tests {

inline const std::vector<std::string> no_yes{"no", "yes"};

/// An exit on each of so many layers, none before the encoder.
inline offramp::study::fit_options on_layers(int layers) {
  offramp::study::fit_options options;
  for (int layer = 1; layer <= layers; ++layer) {
    options.layers.push_back(layer);
  }
  return options;
}

/// A checkpoint, data for it, and a place for the result.
struct workshop {
  explicit workshop(const std::string& model, const std::vector<std::string>& labels = no_yes) : files(model) {
    files.write("train.tsv", labelled_lines(labels, 240, 1));
    files.write("dev.tsv", new_lines(labels, 120, 2, files.read("train.tsv")));
  }

  offramp::study::fit_result fit(const offramp::study::fit_options& options = {}, const std::string& out = "out",
                                 const offramp::runner& run = {},
                                 const offramp::study::fit_progress& report = {}) const {
    return fit_exits(files / "model", {.train = files / "train.tsv", .dev = files / "dev.tsv"}, files / out, options,
                     run, report);
  }
  [[nodiscard]] std::string exits(const std::string& out) const {
    return files.read(out + "/exits.json") + files.read(out + "/exits.safetensors");
  }
  /// What is in a directory, by file name.
  [[nodiscard]] std::map<std::string, std::string> content(const std::string& directory) const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(files / directory)) {
      const std::string name = entry.path().filename().string();
      all[name] = files.read(directory + "/" + name);
    }
    return all;
  }

  fit_directory files;
};

}  // namespace offramp_tests
