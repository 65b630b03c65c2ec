// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/model/write_file.hpp>
#include <offramp/study/exit_logits.hpp>

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace offramp_cli {

/// Where every exit's logits of every text go, so that other programs compute from them.
class texts_output {
 public:
  /// Adds --texts-out. `this` must stay where it is until parsing is over.
  void add_to(CLI::App& parser);

  /// Opens the file, if there is one; what stands under its name stays until commit(). Throws offramp::error when it
  /// cannot be written.
  void open();
  /// JSON Lines: an object of `kind` "model" (name, numeric format, labels, exits with layers and temperatures), then
  /// one of `kind` "text" for each text (label, tokens, flops, logits, of models with a gate what it says), in the
  /// order of the data. Throws offramp::error when they cannot be written.
  void write(const std::string& name, const offramp::classifier& model, const offramp::study::exit_logits& logits);
  /// Puts in place what every model wrote. Throws offramp::error when it cannot be.
  void commit();

 private:
  std::optional<std::string> path_;
  std::optional<offramp::detail::replacement_file> file_;
};

}  // namespace offramp_cli
