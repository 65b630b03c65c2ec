// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The mean F1 of the labels that occur. `right` [labels] counts right answers, `mentions` [labels] how often a label is
/// the right answer or the given one, twice where both.
[[nodiscard]] inline double macro_f1(std::span<const std::int64_t> right, std::span<const std::int64_t> mentions) {
  double sum = 0.0;
  double labels = 0.0;
  for (std::size_t label = 0; label < right.size(); ++label) {
    if (mentions[label] > 0) {
      sum += 2.0 * static_cast<double>(right[label]) / static_cast<double>(mentions[label]);
      labels += 1.0;
    }
  }
  return sum / labels;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
