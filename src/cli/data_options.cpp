// SPDX-License-Identifier: Apache-2.0
#include "data_options.hpp"

#include "command.hpp"
#include "input_lines.hpp"

#include <algorithm>

namespace offramp_cli {

using offramp::study::labels_per_text;

void label_options::add_to(CLI::App& parser) {
  parser.add_option("--labels", names, "Labels as the data write them, in the model's order (default: its own)")
      ->delimiter(',');
}

std::vector<std::string> label_options::of(const std::vector<std::string>& model_labels) const {
  if (names.empty()) {
    return model_labels;
  }
  if (names.size() != model_labels.size()) {
    throw usage_error("--labels has " + std::to_string(names.size()) + " names, expected " +
                      std::to_string(model_labels.size()));
  }
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) != name) {
      throw usage_error("--labels names \"" + *name + "\" twice");
    }
  }
  return names;
}

void add_field_names_to(CLI::App& parser, offramp::study::field_names& names) {
  parser.add_option("--label-key", names.label, "What .jsonl and the header of .csv call the label")
      ->capture_default_str();
  parser.add_option("--text-key", names.text, "... the text")->capture_default_str();
  parser.add_option("--pair-key", names.text_pair, "... and the second text of a pair")->capture_default_str();
}

void data_options::add_to(CLI::App& parser) {
  CLI::Option_group& files = *parser.add_option_group("Data");
  files.add_option("--data", file,
                   "Labelled texts: label<TAB>text, label<TAB>text<TAB>text, .jsonl, or .csv with a header");
  without_labels =
      files.add_option("--texts", file,
                       "Texts without labels, one a line, .jsonl or .csv: agreement with full depth in place "
                       "of accuracy");
  files.require_option(1);
  parser.add_option("--input-kind", input_kind, "single or pair (default: as the model says, else single)")
      ->check(CLI::IsMember({"single", "pair"}));
  labels.add_to(parser);
  add_field_names_to(parser, names);
}

offramp::study::dataset data_options::read(const offramp::classifier& model, const std::string& other) const {
  if (without_labels->count() > 0 && !labels.names.empty()) {
    throw usage_error("--labels is for --data: --texts have none");
  }
  const offramp::input_kind kind = chosen_kind(input_kind, model.expected_input());
  return without_labels->count() > 0
             ? offramp::study::read_texts(other, kind, names)
             : offramp::study::read_dataset(other, labels.of(model.labels()), kind, names,
                                            model.cuts().empty() ? labels_per_text::one : labels_per_text::any);
}

}  // namespace offramp_cli
