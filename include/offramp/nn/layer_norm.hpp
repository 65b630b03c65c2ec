// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// y = (x - mean(x)) / sqrt(var(x) + epsilon) * scale + shift, with the biased variance (Ba et al. 2016).
struct layer_norm {
  std::vector<float> scale;  // [hidden]
  std::vector<float> shift;  // [hidden]
  float epsilon = 1e-12F;

  [[nodiscard]] std::size_t bytes() const noexcept { return (scale.size() + shift.size()) * sizeof(float); }

  /// One row in place, [hidden]. Sums run in index order in double, so that the order costs no accuracy. NaN throughout
  /// where a sum is beyond float32, in which others compute it.
  void apply(float* row) const {
    const std::size_t hidden = scale.size();
    double sum = 0.0;
    for (std::size_t i = 0; i < hidden; ++i) {
      sum += static_cast<double>(row[i]);
    }
    const double mean = within_float32(sum) / static_cast<double>(hidden);
    double squares = 0.0;
    for (std::size_t i = 0; i < hidden; ++i) {
      const double difference = static_cast<double>(row[i]) - mean;
      squares += difference * difference;
    }
    const double variance = within_float32(squares) / static_cast<double>(hidden);
    const double inverse = 1.0 / std::sqrt(variance + static_cast<double>(epsilon));
    for (std::size_t i = 0; i < hidden; ++i) {
      row[i] = static_cast<float>((static_cast<double>(row[i]) - mean) * inverse) * scale[i] + shift[i];
    }
  }

 private:
  static double within_float32(double sum) {
    constexpr auto largest = static_cast<double>(std::numeric_limits<float>::max());
    return std::abs(sum) <= largest ? sum : std::numeric_limits<double>::quiet_NaN();
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
