// SPDX-License-Identifier: Apache-2.0
#include "texts_output.hpp"

#include "json_output.hpp"

#include <offramp/names.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace offramp_cli {

namespace {

json model_line(const std::string& name, const offramp::classifier& model, const offramp::study::exit_logits& logits) {
  json exits = json::array();
  for (const offramp::exit_info& exit : logits.exits) {
    exits.push_back({{"layer", exit.layer}, {"temperature", exit.temperature}});
  }
  return {{"kind", "model"},
          {"model", name},
          {"format", offramp::name_of(model.format())},
          {"labels", model.labels()},
          {"labelled", logits.is_labelled},
          {"exits", exits},
          {"cuts", logits.cuts}};
}

json text_line(const offramp::study::exit_logits& logits, std::size_t text) {
  json line = {{"kind", "text"}, {"tokens", logits.tokens[text]}};
  if (logits.cuts.empty()) {
    line["label"] = logits.label_ids[text];
  } else {
    json given = json::array();
    for (std::size_t label = 0; label < logits.num_labels; ++label) {
      if (logits.label_sets[text * logits.num_labels + label] != 0) {
        given.push_back(label);
      }
    }
    line["labels"] = given;
  }
  for (std::size_t exit = 0; exit < logits.exits.size(); ++exit) {
    const std::span<const float> row = logits.at(exit, text);
    line["flops"].push_back(logits.flops[exit * logits.num_texts + text]);
    line["logits"].push_back(std::vector<float>(row.begin(), row.end()));
    if (!logits.uncertainties.empty()) {
      line["gate"].push_back(logits.uncertainty(exit, text));
    }
  }
  return line;
}

}  // namespace

void texts_output::add_to(CLI::App& parser) {
  parser.add_option("--texts-out", path_, "File for every exit's logits of every text, as JSON Lines");
}

void texts_output::open() {
  if (path_) {
    file_.emplace(*path_, offramp::detail::links::followed);
  }
}

void texts_output::write(const std::string& name, const offramp::classifier& model,
                         const offramp::study::exit_logits& logits) {
  if (!file_) {
    return;
  }
  file_->write(json_line(model_line(name, model, logits)));
  for (std::size_t text = 0; text < logits.num_texts; ++text) {
    file_->write(json_line(text_line(logits, text)));
  }
}

void texts_output::commit() {
  if (file_) {
    file_->commit();
  }
}

}  // namespace offramp_cli
