// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study/label_checks.hpp"
#include "study/right_answers.hpp"

#include <offramp/detail/number.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/study/metrics.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

inline void check(const labelled_probabilities& given) {
  if (given.cuts.empty()) {
    check_labels(given.values.size(), given.label_ids, given.num_labels);
  } else {
    check_label_sets(given.values.size(), given.label_sets.size(), given.cuts.size(), given.num_labels);
  }
  for (const float probability : given.values) {
    if (!(probability >= 0.0F && probability <= 1.0F)) {
      throw error(error_kind::invalid_argument,
                  "a probability is " + offramp::detail::number_text(probability) + ", expected 0 to 1");
    }
  }
}

/// How probable something was said to be, and whether it was so.
struct outcome {
  double probability = 0.0;
  bool happened = false;
};

/// "The answer is right" for every text.
[[nodiscard]] inline std::vector<outcome> answer_outcomes(const labelled_probabilities& given) {
  check(given);
  std::vector<outcome> outcomes;
  const exits::labelling labels(given.cuts);
  for (std::size_t text = 0; text < count_texts(given); ++text) {
    outcomes.push_back({static_cast<double>(labels.confidence(row(given, text))), is_right(given, text)});
  }
  return outcomes;
}

/// "This label is right" for every text.
[[nodiscard]] inline std::vector<outcome> label_outcomes(const labelled_probabilities& given, std::size_t label) {
  std::vector<outcome> outcomes;
  for (std::size_t text = 0; text < count_texts(given); ++text) {
    outcomes.push_back({static_cast<double>(row(given, text)[label]), is_right_label(given, text, label)});
  }
  return outcomes;
}

/// What calibration is measured on: the answers, or multi-label every label of every text.
[[nodiscard]] inline std::vector<outcome> calibration_outcomes(const labelled_probabilities& given) {
  if (given.cuts.empty()) {
    return answer_outcomes(given);
  }
  check(given);
  std::vector<outcome> outcomes;
  for (std::size_t label = 0; label < given.num_labels; ++label) {
    const std::vector<outcome> of_label = label_outcomes(given, label);
    outcomes.insert(outcomes.end(), of_label.begin(), of_label.end());
  }
  return outcomes;
}

/// Calls body(begin, end) for each stretch of equal probabilities in `sorted`.
template <class Body>
void for_each_tie(std::span<const outcome> sorted, const Body& body) {
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin + 1;
    while (end < sorted.size() && sorted[end].probability == sorted[begin].probability) {
      ++end;
    }
    body(begin, end);
    begin = end;
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
