// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <Eigen/Core>

#include <cstddef>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// sum_i a[i] b[i]: eight running sums over i mod 8, added in index order at the end. Not
/// inlined: a copy per caller could be compiled to other roundings.
[[gnu::noinline]] inline float dot(const float* a, const float* b, std::size_t size) {
  using lanes = Eigen::Array<float, 8, 1>;
  lanes sums = lanes::Zero();
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    sums += Eigen::Map<const lanes>(a + i) * Eigen::Map<const lanes>(b + i);
  }
  float sum = 0.0F;
  for (Eigen::Index lane = 0; lane < 8; ++lane) {
    sum += sums[lane];
  }
  for (; i < size; ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
