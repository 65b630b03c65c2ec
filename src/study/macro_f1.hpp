// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

/// F1 from counts by label, [labels]: `right` counts texts that have the label and are given it, `mentions` how often a
/// label is a right one or a given one, twice where both.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The mean F1 of the labels that occur; 1 where none does.
[[nodiscard]] inline double macro_f1(std::span<const std::int64_t> right, std::span<const std::int64_t> mentions) {
  double sum = 0.0;
  double labels = 0.0;
  for (std::size_t label = 0; label < right.size(); ++label) {
    if (mentions[label] > 0) {
      sum += 2.0 * static_cast<double>(right[label]) / static_cast<double>(mentions[label]);
      labels += 1.0;
    }
  }
  return labels > 0.0 ? sum / labels : 1.0;
}

/// The F1 of all labels together; 1 where none occurs.
[[nodiscard]] inline double micro_f1(std::span<const std::int64_t> right, std::span<const std::int64_t> mentions) {
  const auto sum = [](std::span<const std::int64_t> counts) {
    return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  };
  return sum(mentions) > 0.0 ? 2.0 * sum(right) / sum(mentions) : 1.0;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
