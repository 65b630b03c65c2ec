// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/nn/activation.hpp>

#include <array>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// What Hugging Face calls it.
struct named_activation {
  std::string_view name;
  nn::activation function;
};

inline constexpr std::array<named_activation, 8> activations = {{{"gelu", nn::activation::gelu},
                                                                 {"gelu_python", nn::activation::gelu},
                                                                 {"gelu_new", nn::activation::gelu_tanh},
                                                                 {"gelu_pytorch_tanh", nn::activation::gelu_tanh},
                                                                 {"gelu_python_tanh", nn::activation::gelu_tanh},
                                                                 {"gelu_fast", nn::activation::gelu_tanh},
                                                                 {"gelu_accurate", nn::activation::gelu_tanh},
                                                                 {"relu", nn::activation::relu}}};

/// Throws `unsupported` for one that is not known.
[[nodiscard]] inline nn::activation read_activation(const json_place& place) {
  std::string expected;
  for (const named_activation& candidate : activations) {
    if (place.text() == candidate.name) {
      return candidate.function;
    }
    expected += (expected.empty() ? "" : ", ") + std::string(candidate.name);
  }
  throw error(error_kind::unsupported, place.describe() + " is \"" + place.text() + "\", expected one of " + expected);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
