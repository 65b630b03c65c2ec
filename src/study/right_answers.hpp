// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/labelling.hpp>
#include <offramp/study/metrics.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <span>
#include <utility>

/// What is right of one text, whether its labels exclude each other or not.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

[[nodiscard]] inline std::size_t count_texts(const labelled_probabilities& given) {
  return given.num_labels == 0 ? 0 : given.values.size() / given.num_labels;
}

/// The probabilities [labels] of one text.
[[nodiscard]] inline std::span<const float> row(const labelled_probabilities& given, std::size_t text) {
  return given.values.subspan(text * given.num_labels, given.num_labels);
}

/// Whether that is a right label of the text.
[[nodiscard]] inline bool is_right_label(const labelled_probabilities& given, std::size_t text, std::size_t label) {
  return given.cuts.empty() ? std::cmp_equal(label, given.label_ids[text])
                            : given.label_sets[text * given.num_labels + label] != 0;
}

/// Whether the answer to the text is right, in all labels.
[[nodiscard]] inline bool is_right(const labelled_probabilities& given, std::size_t text) {
  const std::span<const float> probabilities = row(given, text);
  if (given.cuts.empty()) {
    return std::cmp_equal(exits::most_probable(probabilities), given.label_ids[text]);
  }
  const exits::labelling labels(given.cuts);
  for (std::size_t label = 0; label < given.num_labels; ++label) {
    if (labels.gives(probabilities, label) != is_right_label(given, text, label)) {
      return false;
    }
  }
  return true;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
