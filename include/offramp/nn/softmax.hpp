// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <algorithm>
#include <cmath>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// exp(x_i) / sum_j exp(x_j) in place, over a row that is not empty; the highest value is subtracted first. NaN
/// throughout where a value is not finite.
inline void softmax(std::span<float> row) {
  const float highest = *std::max_element(row.begin(), row.end());
  float sum = 0.0F;
  for (float& x : row) {
    sum += x * 0.0F;  // 0, or NaN: exp would make nothing of -infinity
    x = std::exp(x - highest);
    sum += x;
  }
  for (float& x : row) {
    x /= sum;
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
