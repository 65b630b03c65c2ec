// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "naive.hpp"

#include <offramp/nn/kernels.hpp>
#include <offramp/nn/layer_norm.hpp>

#include <cstddef>
#include <vector>

namespace naive {

/// Layer normalization of random rows.
struct normalization_problem {
  std::size_t count;
  std::size_t size;
  std::vector<float> rows = random_values(count * size, 5);
  offramp::nn::layer_norm norm{random_values(size, 6), random_values(size, 7), 1e-5F};

  [[nodiscard]] std::vector<float> run(const offramp::nn::kernels& kernels) const {
    std::vector<float> normalized = rows;
    kernels.normalize(norm, normalized.data(), count);
    return normalized;
  }

  [[nodiscard]] std::vector<double> expected() const { return normalize(norm, rows); }
};

}  // namespace naive
