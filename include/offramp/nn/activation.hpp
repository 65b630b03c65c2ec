// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cmath>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

enum class activation {
  gelu,       ///< x * Phi(x), with the error function
  gelu_tanh,  ///< the approximation with tanh; `gelu_new` and `gelu_pytorch_tanh` in HF
  relu,
};

/// x/2 (1 + erf(x / sqrt 2)) (Hendrycks & Gimpel 2016), its tanh approximation, or max(x, 0).
inline float activate(activation kind, float x) {
  switch (kind) {
    case activation::gelu:
      return 0.5F * x * (1.0F + std::erf(x * 0.70710678F));
    case activation::gelu_tanh:
      return 0.5F * x * (1.0F + std::tanh(0.79788456F * (x + 0.044715F * x * x * x)));
    case activation::relu:
      return x < 0.0F ? 0.0F : x;
  }
  return x;
}

inline void activate(activation kind, std::span<float> row) {
  for (float& x : row) {
    x = activate(kind, x);
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
