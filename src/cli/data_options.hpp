// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/study/dataset.hpp>

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace offramp_cli {

/// How labels are written in data files.
struct label_options {
  std::vector<std::string> names;

  /// Adds --labels. `this` must stay where it is until parsing is over.
  void add_to(CLI::App& parser);
  /// The names in data files by label id: those of --labels, else the model's. Throws usage_error when --labels has
  /// another number of them than the model.
  [[nodiscard]] std::vector<std::string> of(const std::vector<std::string>& model_labels) const;
};

/// Adds --label-key, --text-key and --pair-key. `names` must stay where it is until parsing is over.
void add_field_names_to(CLI::App& parser, offramp::study::field_names& names);

/// One file of texts for a model, labelled or not.
struct data_options {
  std::string file;
  const CLI::Option* without_labels = nullptr;
  std::string input_kind;
  label_options labels;
  offramp::study::field_names names;

  /// Adds --data, --texts, --input-kind, --labels and what add_field_names_to adds. `this` must stay where it is until
  /// parsing is over.
  void add_to(CLI::App& parser);
  /// Throws usage_error as label_options::of, and as study::read_dataset or read_texts. Without --input-kind, pairs
  /// where the model's input is a pair.
  [[nodiscard]] offramp::study::dataset read(const offramp::classifier& model) const { return read(model, file); }
  /// Another file, read in the same way.
  [[nodiscard]] offramp::study::dataset read(const offramp::classifier& model, const std::string& other) const;
};

}  // namespace offramp_cli
