// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

/// The bundled English model, texts for it, and policies of every kind.
namespace bundled_model {

inline const offramp::classifier& model() {
  static const offramp::classifier loaded = offramp::classifier::load(OFFRAMP_SOURCE_DIR "/models/sentiment-en");
  return loaded;
}

inline const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = {
      "A delight from start to finish.",
      "",
      "Slow, strange and quietly wonderful.",
      "You could do worse, though I am not sure how.",
      "bad",
      "Hardly a masterpiece, yet I would gladly see it again.",
      "The jokes land, the songs do not, and the ending arrives about forty minutes after the film has made its point.",
      "\xff\xfe ill-formed \xc3",
      "Ein Film \xe2\x80\x94 na ja.",
      "Too long by half and too clever by a quarter.",
  };
  return all;
}

template <class Function>
inline offramp::error_kind kind_of_error(Function function) {
  try {
    (void)function();
  } catch (const offramp::error& caught) {
    EXPECT_STRNE(caught.what(), "");
    return caught.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return offramp::error_kind::io;
}

inline std::vector<offramp::exit_policy> policies() {
  using offramp::exit_policy;
  return {0.0F,
          0.7F,
          0.95F,
          exit_policy::full_depth(),
          exit_policy::entropy(0.3F),
          exit_policy::normalized_entropy(0.5F),
          exit_policy::margin(0.6F),
          exit_policy::patience(1),
          exit_policy::patience_entropy(0.6F, 2),
          exit_policy::full_depth().with_max_layer(3),
          exit_policy::declining(0.95F, 0.06F),
          exit_policy::per_exit({0.999F, 0.99F, 0.95F, 0.9F, 0.8F, 0.7F, 0.6F}),
          exit_policy(0.9F).with_deadline(std::chrono::steady_clock::now() + std::chrono::hours(1))};
}

}  // namespace bundled_model
