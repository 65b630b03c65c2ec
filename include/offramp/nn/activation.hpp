// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/config.hpp>

#include <cmath>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// x/2 (1 + erf(x / sqrt 2)) (Hendrycks & Gimpel 2016), its tanh approximation, or max(x, 0).
inline float activate(model::activation kind, float x) {
  switch (kind) {
    case model::activation::gelu:
      return 0.5F * x * (1.0F + std::erf(x * 0.70710678F));
    case model::activation::gelu_tanh:
      return 0.5F * x * (1.0F + std::tanh(0.79788456F * (x + 0.044715F * x * x * x)));
    case model::activation::relu:
      return x < 0.0F ? 0.0F : x;
  }
  return x;
}

inline void activate(model::activation kind, std::span<float> row) {
  for (float& x : row) {
    x = activate(kind, x);
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
