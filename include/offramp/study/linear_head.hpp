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

/// Features of labelled texts, borrowed.
struct labelled_features {
  std::span<const float> values;   ///< [texts, features]
  std::span<const int> label_ids;  ///< [texts], the right answers
  std::size_t num_labels = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
