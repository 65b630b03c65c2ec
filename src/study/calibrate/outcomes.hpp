// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study/label_checks.hpp"

#include <offramp/detail/number.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/study/metrics.hpp>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

inline void check(const labelled_probabilities& given) {
  check_labels(given.values.size(), given.label_ids, given.num_labels);
  for (const float probability : given.values) {
    if (!(probability >= 0.0F && probability <= 1.0F)) {
      throw error(error_kind::invalid_argument,
                  "a probability is " + offramp::detail::number_text(probability) + ", expected 0 to 1");
    }
  }
}

/// The probabilities [labels] of one text.
[[nodiscard]] inline std::span<const float> row(const labelled_probabilities& given, std::size_t text) {
  return given.values.subspan(text * given.num_labels, given.num_labels);
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
  for (std::size_t text = 0; text < given.label_ids.size(); ++text) {
    const std::size_t answer = exits::most_probable(row(given, text));
    outcomes.push_back({static_cast<double>(row(given, text)[answer]), std::cmp_equal(answer, given.label_ids[text])});
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
