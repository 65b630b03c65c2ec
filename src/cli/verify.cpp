// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "json_output.hpp"
#include "model_options.hpp"

#include <offramp/classifier.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace offramp_cli {

namespace {

/// A logit may differ by this much from the one stored with the model, which float32 computed: about twice what
/// rounding costs sound models, so that a wrong one is told from a rounded one.
float tolerance(const std::string& format) { return format == "int8" ? 1.0F : format == "bfloat16" ? 0.1F : 1e-3F; }

struct verify_options {
  model_options model;
  const CLI::Option* json_lines = nullptr;
};

std::vector<offramp::exit_output> replay(const offramp::classifier& model, const offramp::golden_text& golden) {
  return golden.second ? model.classify_every_exit(offramp::sentence_pair{golden.first, *golden.second})
                       : model.classify_every_exit(golden.first);
}

/// Largest distance between stored and replayed logits; infinite where shapes differ or a distance is NaN.
float largest_difference(const offramp::golden_text& golden, const std::vector<offramp::exit_output>& exits) {
  constexpr float incomparable = std::numeric_limits<float>::infinity();
  if (golden.logits.size() != exits.size()) {
    return incomparable;
  }
  float largest = 0.0F;
  for (std::size_t exit = 0; exit < exits.size(); ++exit) {
    if (golden.logits[exit].size() != exits[exit].logits.size()) {
      return incomparable;
    }
    for (std::size_t label = 0; label < exits[exit].logits.size(); ++label) {
      const float difference = std::abs(golden.logits[exit][label] - exits[exit].logits[label]);
      largest = std::isnan(difference) ? incomparable : std::max(largest, difference);
    }
  }
  return largest;
}

void verify(const verify_options& options) {
  const offramp::classifier model = options.model.load();
  if (model.golden_texts().empty()) {
    throw std::runtime_error(options.model.path().string() + ": has no golden texts to replay");
  }
  const float allowed = tolerance(options.model.format);
  float largest = 0.0F;
  std::size_t failed = 0;
  for (std::size_t i = 0; i < model.golden_texts().size(); ++i) {
    const offramp::golden_text& golden = model.golden_texts()[i];
    const float difference = largest_difference(golden, replay(model, golden));
    largest = std::max(largest, difference);
    if (!(difference <= allowed)) {
      ++failed;
      std::cerr << "golden text " << i + 1 << ": logits differ by " << difference << '\n';
    }
  }
  const std::size_t texts = model.golden_texts().size();
  if (options.json_lines->count() > 0) {
    // JSON has no infinity; an incomparable text is null.
    const json difference = std::isinf(largest) ? json() : json(largest);
    write_json_line(std::cout, {{"texts", texts}, {"failed", failed}, {"largest_difference", difference}});
  } else {
    std::cout << texts - failed << " of " << texts << " golden texts agree, largest difference " << largest << '\n';
  }
  if (failed > 0) {
    std::ostringstream message;
    message << options.model.path().string() << ": " << failed << " of " << texts
            << " golden texts differ by more than " << allowed;
    throw std::runtime_error(message.str());
  }
}

}  // namespace

command add_verify(CLI::App& app) {
  CLI::App& parser = *app.add_subcommand("verify", "Replays the golden texts of a model");
  const auto options = std::make_shared<verify_options>();
  options->model.add_positional_to(parser);
  options->model.add_format_to(parser);
  options->json_lines = parser.add_flag("--json")->description("Write one line of JSON");
  return {&parser, [options] { verify(*options); }};
}

}  // namespace offramp_cli
