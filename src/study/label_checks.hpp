// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Throws `invalid_argument` unless `size` values are [texts, labels] for at least one text with a label id in range.
inline void check_labels(std::size_t size, std::span<const int> label_ids, std::size_t num_labels) {
  const auto refuse = [](const std::string& what) { throw error(error_kind::invalid_argument, what); };
  if (label_ids.empty()) {
    refuse("no texts, expected at least one");
  }
  if (num_labels == 0 || size / num_labels != label_ids.size() || size % num_labels != 0) {
    refuse(std::to_string(size) + " values, expected " + std::to_string(label_ids.size()) + " texts times " +
           std::to_string(num_labels) + " labels");
  }
  for (const int label_id : label_ids) {
    if (label_id < 0 || static_cast<std::size_t>(label_id) >= num_labels) {
      refuse("label id " + std::to_string(label_id) + ", expected 0 to " + std::to_string(num_labels - 1));
    }
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
