// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// softmax(logits / temperature) into `probabilities`, computed as exp(z - log sum exp z): never NaN or above 1 for
/// finite logits.
inline void calibrate(std::span<const float> logits, float temperature, std::span<float> probabilities) {
  const auto scaled = [&](float logit) { return static_cast<double>(logit) / static_cast<double>(temperature); };
  const double highest = scaled(*std::max_element(logits.begin(), logits.end()));
  double sum = 0.0;
  for (const float logit : logits) {
    sum += std::exp(scaled(logit) - highest);
  }
  const double log_sum = std::log(sum);
  std::transform(logits.begin(), logits.end(), probabilities.begin(), [&](float logit) {
    return static_cast<float>(std::min(1.0, std::exp(scaled(logit) - highest - log_sum)));
  });
}

/// Index of the highest probability, the lowest such index.
inline std::size_t most_probable(std::span<const float> probabilities) {
  return static_cast<std::size_t>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
}

/// -sum p ln p in nats, with 0 ln 0 = 0; between 0 and ln(number of labels).
inline float entropy(std::span<const float> probabilities) {
  double sum = 0.0;
  for (const float p : probabilities) {
    if (p > 0.0F) {
      sum -= static_cast<double>(p) * std::log(static_cast<double>(p));
    }
  }
  return static_cast<float>(std::max(0.0, sum));
}

/// The entropy divided by ln(number of labels); between 0 and 1.
inline float normalized_entropy(std::span<const float> probabilities) {
  return std::min(1.0F, entropy(probabilities) / std::log(static_cast<float>(probabilities.size())));
}

/// Highest minus second highest probability.
inline float margin(std::span<const float> probabilities) {
  float first = -std::numeric_limits<float>::infinity();
  float second = first;
  for (const float p : probabilities) {
    second = std::max(second, std::min(first, p));
    first = std::max(first, p);
  }
  return first - second;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
