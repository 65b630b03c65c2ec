// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// Probabilities between `lower` and `upper`, both included.
struct interval {
  double lower = 0.0;
  double upper = 1.0;

  [[nodiscard]] bool contains(double probability) const noexcept {
    return lower <= probability && probability <= upper;
  }
  bool operator==(const interval&) const = default;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
