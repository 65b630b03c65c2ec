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

/// The same for label sets: throws unless `size` values are [texts, labels] for at least one text, with as many members
/// of sets and one cut for each label.
inline void check_label_sets(std::size_t size, std::size_t set_members, std::size_t num_cuts, std::size_t num_labels) {
  if (num_labels == 0 || size == 0 || size % num_labels != 0 || set_members != size || num_cuts != num_labels) {
    throw error(error_kind::invalid_argument, std::to_string(size) + " values, " + std::to_string(set_members) +
                                                  " members of label sets and " + std::to_string(num_cuts) +
                                                  " cuts, expected one cut for each of " + std::to_string(num_labels) +
                                                  " labels, and as many values as members for at least one text");
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
