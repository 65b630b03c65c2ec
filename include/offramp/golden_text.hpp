// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <optional>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// A text that travels with a model, and what its maker computed for it: logits [exits][labels] before the
/// temperature, in float32.
struct golden_text {
  std::string first;
  std::optional<std::string> second;  ///< the hypothesis, of a pair
  std::vector<std::vector<float>> logits;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
