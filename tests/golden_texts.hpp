// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/offramp.hpp>

#include "model_in_memory.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace offramp_tests {

/// The golden texts of a model whose files cannot hold them: golden.json beside.
inline std::vector<offramp::golden_text> read_golden_texts(const std::string& model) {
  std::vector<offramp::golden_text> texts;
  const auto document = nlohmann::json::parse(read_file(tiny_directory(model) / "golden.json"));
  for (const auto& entry : document.at("golden")) {
    const bool is_pair = entry.contains("premise");
    texts.push_back({.first = entry.at(is_pair ? "premise" : "text"),
                     .second = is_pair ? std::optional<std::string>(entry.at("hypothesis")) : std::nullopt,
                     .logits = entry.at("logits").get<std::vector<std::vector<float>>>()});
  }
  return texts;
}

inline std::vector<offramp::exit_output> every_exit(const offramp::classifier& model,
                                                    const offramp::golden_text& golden) {
  return golden.second ? model.classify_every_exit(offramp::sentence_pair{golden.first, *golden.second})
                       : model.classify_every_exit(golden.first);
}

/// That every exit's logits are within `tolerance` of what PyTorch computed.
inline void expect_logits(const std::vector<offramp::exit_output>& exits, const offramp::golden_text& golden,
                          float tolerance) {
  ASSERT_EQ(exits.size(), golden.logits.size());
  for (std::size_t j = 0; j < exits.size(); ++j) {
    ASSERT_EQ(exits[j].logits.size(), golden.logits[j].size());
    for (std::size_t label = 0; label < exits[j].logits.size(); ++label) {
      EXPECT_NEAR(exits[j].logits[label], golden.logits[j][label], tolerance) << "exit " << j << ", " << golden.first;
    }
  }
}

}  // namespace offramp_tests
