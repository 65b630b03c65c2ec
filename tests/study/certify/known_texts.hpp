// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/replay.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace offramp_tests {

namespace study = offramp::study;

/// A text of two classes as three exits see it: the probability of class 1 at each, and the right answer.
struct kind_of_text {
  std::array<double, 3> of_one;
  int label_id;
};

inline study::exit_logits logits_of(const std::vector<kind_of_text>& texts) {
  study::exit_logits logits{.num_texts = texts.size(),
                            .num_labels = 2,
                            .exits = {{1, 1.0F}, {2, 1.0F}, {3, 1.0F}},
                            .label_ids = {},
                            .tokens = {},
                            .values = {}};
  for (std::size_t exit = 0; exit < 3; ++exit) {
    for (const kind_of_text& text : texts) {
      logits.values.push_back(0.0F);
      logits.values.push_back(static_cast<float>(std::log(text.of_one[exit] / (1.0 - text.of_one[exit]))));
    }
  }
  for (const kind_of_text& text : texts) {
    logits.label_ids.push_back(text.label_id);
    logits.tokens.push_back(5);
  }
  return logits;
}

inline study::replay replay_of(const std::vector<kind_of_text>& texts) { return study::replay(logits_of(texts)); }

/// 1,000 texts: exit 1 answers 30 % with 0.95, of which 1 % disagree, and 30 % with 0.75, of which 20 % disagree.
inline std::vector<kind_of_text> thousand() {
  std::vector<kind_of_text> texts;
  const auto add = [&](int count, kind_of_text kind) {
    texts.insert(texts.end(), static_cast<std::size_t>(count), kind);
  };
  add(297, {{0.95, 0.97, 0.99}, 1});
  add(3, {{0.95, 0.97, 0.01}, 0});
  add(240, {{0.75, 0.9, 0.99}, 1});
  add(60, {{0.75, 0.1, 0.01}, 0});
  add(400, {{0.55, 0.6, 0.01}, 1});  // the last exit is wrong
  return texts;
}

}  // namespace offramp_tests
