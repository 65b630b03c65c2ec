// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "golden_texts.hpp"

#include <offramp/offramp.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace offramp_tests {

/// What transformers says of one of the tiny models: ids of texts and pairs, logits of ids of many lengths.
inline nlohmann::json golden_of(const std::string& model) {
  return nlohmann::json::parse(read_file(tiny_directory(model) / "golden.json"));
}

/// The tokens of an entry's text or pair.
inline offramp::encoding tokenize(const offramp::classifier& model, const nlohmann::json& entry) {
  return entry.contains("text") ? model.tokenize(entry["text"].get<std::string>())
                                : model.tokenize(offramp::sentence_pair{entry["premise"].get<std::string>(),
                                                                        entry["hypothesis"].get<std::string>()});
}

inline std::vector<offramp::exit_output> answer(const offramp::classifier& model, const nlohmann::json& ids) {
  return model.classify_every_exit(offramp::encoding{.ids = ids.get<std::vector<std::int32_t>>(), .type_ids = {}});
}

/// That the model's logits are within `tolerance` of those of the entries.
inline void expect_logits_of(const offramp::classifier& model, const nlohmann::json& entries, float tolerance) {
  for (const nlohmann::json& entry : entries) {
    const offramp::golden_text expected{.first = std::to_string(entry["ids"].size()) + " tokens",
                                        .second = {},
                                        .logits = entry["logits"].get<std::vector<std::vector<float>>>()};
    expect_logits(answer(model, entry["ids"]), expected, tolerance);
  }
}

}  // namespace offramp_tests
