// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// logits = W x + b.
struct linear_head {
  std::vector<float> weights;  ///< [labels, features]
  std::vector<float> bias;     ///< [labels]
  bool is_optimal = true;      ///< false: its fit ran out of steps
};

/// Features of texts and the answers that a head should give to them, borrowed.
struct taught_features {
  std::span<const float> values;   ///< [texts, features]
  std::span<const float> targets;  ///< [texts, labels], probabilities that add up to 1 for each text
  std::size_t num_labels = 0;
};

/// Features of labelled texts, borrowed.
struct labelled_features {
  std::span<const float> values;   ///< [texts, features]
  std::span<const int> label_ids;  ///< [texts], the right answers
  std::size_t num_labels = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
