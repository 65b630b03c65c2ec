// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/engine_memory.hpp>
#include <offramp/exits/labelling.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

[[nodiscard]] inline bool all_finite(std::span<const float> logits) {
  return std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); });
}

/// Of a text that was answered below the last exit: whether the last exit's logits give the same answer.
/// `probabilities` is scratch.
[[nodiscard]] inline audit_result compare(const labelling& labels, const outcome& answered,
                                          std::span<const float> logits, float temperature,
                                          std::vector<float>& probabilities) {
  if (!all_finite(logits)) {
    return audit_result::disagrees;
  }
  probabilities.resize(logits.size());
  labels.calibrate(logits, temperature, probabilities);
  return labels.agree(probabilities, answered.probabilities) ? audit_result::agrees : audit_result::disagrees;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
