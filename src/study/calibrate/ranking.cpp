// SPDX-License-Identifier: Apache-2.0
// How well confidences order answers.
#include "outcomes.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/metrics.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

using offramp::detail::settled;

std::optional<double> area_under_roc(std::span<const float> scores, const std::vector<bool>& positive) {
  const offramp::detail::default_floating_point environment;
  if (scores.size() != positive.size()) {
    throw error(error_kind::invalid_argument,
                std::to_string(scores.size()) + " scores, expected " + std::to_string(positive.size()));
  }
  std::vector<detail::outcome> sorted;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) {
      throw error(error_kind::invalid_argument, "a score is NaN");
    }
    sorted.push_back({static_cast<double>(scores[i]), positive[i]});
  }
  std::ranges::sort(sorted, {}, &detail::outcome::probability);
  double negatives = 0.0;
  double positives = 0.0;
  double ordered_pairs = 0.0;
  detail::for_each_tie(sorted, [&](std::size_t begin, std::size_t end) {
    const auto tied = std::span(sorted).subspan(begin, end - begin);
    const auto tied_positives = static_cast<double>(std::ranges::count(tied, true, &detail::outcome::happened));
    const double tied_negatives = static_cast<double>(tied.size()) - tied_positives;
    ordered_pairs += tied_positives * (negatives + 0.5 * tied_negatives);
    negatives += tied_negatives;
    positives += tied_positives;
  });
  const double pairs = positives * negatives;
  return settled(pairs > 0.0 ? std::optional(ordered_pairs / pairs) : std::nullopt);
}

std::optional<double> area_under_roc_of_correct(const labelled_probabilities& given) {
  const offramp::detail::default_floating_point environment;
  std::vector<bool> is_right;
  for (const detail::outcome& one : detail::answer_outcomes(given)) {
    is_right.push_back(one.happened);
  }
  return area_under_roc(confidences(given), is_right);
}

std::optional<double> area_under_roc_of_agreement(const labelled_probabilities& given, std::span<const int> reference) {
  const offramp::detail::default_floating_point environment;
  const std::vector<int> found = answers(given);
  if (reference.size() != found.size()) {
    throw error(error_kind::invalid_argument,
                std::to_string(reference.size()) + " reference answers, expected " + std::to_string(found.size()));
  }
  std::vector<bool> agrees;
  for (std::size_t text = 0; text < found.size(); ++text) {
    agrees.push_back(found[text] == reference[text]);
  }
  return area_under_roc(confidences(given), agrees);
}

double area_under_risk_coverage(const labelled_probabilities& given) {
  const offramp::detail::default_floating_point environment;
  std::vector<detail::outcome> sorted = detail::answer_outcomes(given);
  std::ranges::sort(sorted, std::greater(), &detail::outcome::probability);
  double area = 0.0;
  double errors = 0.0;
  detail::for_each_tie(sorted, [&](std::size_t begin, std::size_t end) {
    const auto tied = std::span(sorted).subspan(begin, end - begin);
    const double rate = static_cast<double>(std::ranges::count(tied, false, &detail::outcome::happened)) /
                        static_cast<double>(tied.size());
    for (std::size_t text = begin; text < end; ++text) {
      errors += rate;
      area += errors / static_cast<double>(text + 1);
    }
  });
  return settled(area / static_cast<double>(sorted.size()));
}

namespace detail {
namespace {

/// How far each value's rank is from the middle one, in halves so that ties stay whole: twice the mean rank of its
/// equals less that of all.
template <class Value>
[[nodiscard]] std::vector<double> centred_ranks(std::span<const Value> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) {
      ++end;
    }
    for (std::size_t i = begin; i < end; ++i) {
      ranks[order[i]] = static_cast<double>(begin + end) - static_cast<double>(values.size());
    }
    begin = end;
  }
  return ranks;
}

}  // namespace
}  // namespace detail

double correlate_ranks(std::span<const float> one, std::span<const int> other) {
  const offramp::detail::default_floating_point environment;
  if (one.size() != other.size()) {
    throw error(error_kind::invalid_argument,
                std::to_string(other.size()) + " values beside " + std::to_string(one.size()));
  }
  if (std::ranges::any_of(one, [](float value) { return std::isnan(value); })) {
    throw error(error_kind::invalid_argument, "a value to rank is NaN");
  }
  const std::vector<double> first = detail::centred_ranks(one);
  const std::vector<double> second = detail::centred_ranks(other);
  const double both = std::inner_product(first.begin(), first.end(), second.begin(), 0.0);
  const double squares = std::inner_product(first.begin(), first.end(), first.begin(), 0.0) *
                         std::inner_product(second.begin(), second.end(), second.begin(), 0.0);
  return settled(squares > 0.0 ? both / std::sqrt(squares) : 0.0);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
