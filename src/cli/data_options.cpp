// SPDX-License-Identifier: Apache-2.0
#include "data_options.hpp"

#include "command.hpp"
#include "input_lines.hpp"

namespace offramp_cli {

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
  return names;
}

void data_options::add_to(CLI::App& parser) {
  CLI::Option_group& files = *parser.add_option_group("Data");
  files.add_option("--data", file, "Labelled texts: label<TAB>text, label<TAB>text<TAB>text, or .jsonl");
  without_labels = files.add_option("--texts", file,
                                    "Texts without labels, one a line, or .jsonl: agreement with full depth in place "
                                    "of accuracy");
  files.require_option(1);
  parser.add_option("--input-kind", input_kind, "single or pair (default: as the model says, else single)")
      ->check(CLI::IsMember({"single", "pair"}));
  labels.add_to(parser);
}

offramp::study::dataset data_options::read(const offramp::classifier& model, const std::string& other) const {
  const offramp::input_kind kind = chosen_kind(input_kind, model.expected_input());
  return without_labels->count() > 0 ? offramp::study::read_texts(other, kind)
                                     : offramp::study::read_dataset(other, labels.of(model.labels()), kind);
}

}  // namespace offramp_cli
