// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/confidence.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The label with the highest of the values [texts, labels], the lowest such label, [texts].
[[nodiscard]] inline std::vector<int> likeliest_labels(std::span<const float> values, std::size_t num_labels) {
  std::vector<int> labels;
  for (std::size_t begin = 0; begin < values.size(); begin += num_labels) {
    labels.push_back(static_cast<int>(exits::most_probable(values.subspan(begin, num_labels))));
  }
  return labels;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
