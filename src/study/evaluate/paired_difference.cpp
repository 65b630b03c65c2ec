// SPDX-License-Identifier: Apache-2.0
#include <offramp/detail/bisection.hpp>
#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/binomial.hpp>
#include <offramp/study/paired_difference.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

using offramp::detail::settled;

namespace detail {
namespace {

void check_paired(const paired_counts& counts, double confidence) {
  if (counts.texts < 1 || counts.only_first < 0 || counts.only_second < 0 ||
      counts.only_first > counts.texts - counts.only_second) {
    throw error(error_kind::invalid_argument,
                "paired_counts: " + std::to_string(counts.only_first) + " and " + std::to_string(counts.only_second) +
                    " of " + std::to_string(counts.texts) + " texts, expected parts of some texts");
  }
  if (!(confidence > 0.0 && confidence < 1.0)) {
    throw error(error_kind::invalid_argument,
                "compare_paired: a confidence of " + std::to_string(confidence) + ", expected between 0 and 1");
  }
}

/// By how many of its standard deviations the observed difference exceeds `difference`, were that the true one.
double score(const paired_counts& counts, double difference) {
  const auto n = static_cast<double>(counts.texts);
  const auto first = static_cast<double>(counts.only_first);
  const auto second = static_cast<double>(counts.only_second);
  // The most likely probability of "the second alone" under that difference: the positive root of a quadratic.
  const double b = -first - second + (2.0 * n - first + second) * difference;
  const double c = -second * difference * (1.0 - difference);
  const double probability = (std::sqrt(std::max(b * b - 8.0 * n * c, 0.0)) - b) / (4.0 * n);
  const double variance = n * (2.0 * probability + difference * (1.0 - difference));
  const double excess = first - second - n * difference;
  // The variance is 0 only where nothing else than the difference itself can be observed.
  return variance > 0.0 ? excess / std::sqrt(variance) : std::copysign(INFINITY, excess);
}

/// The ends of the interval: scores fall as the difference grows, so that they lie within the quantile between them.
interval find_interval(const paired_counts& counts, double estimate, double quantile) {
  const auto is_inside = [&](double difference) { return std::fabs(score(counts, difference)) <= quantile; };
  const auto is_outside = [&](double difference) { return !is_inside(difference); };
  return {is_inside(-1.0) ? -1.0 : offramp::detail::bisect(-1.0, estimate, is_inside).upper,
          is_inside(1.0) ? 1.0 : offramp::detail::bisect(estimate, 1.0, is_outside).lower};
}

}  // namespace
}  // namespace detail

paired_difference compare_paired(const paired_counts& counts, double confidence) {
  const offramp::detail::default_floating_point environment;
  confidence = settled(confidence);
  detail::check_paired(counts, confidence);
  const std::int64_t differing = counts.only_first + counts.only_second;
  paired_difference found;
  found.estimate = static_cast<double>(counts.only_first - counts.only_second) / static_cast<double>(counts.texts);
  const interval ends = detail::find_interval(counts, found.estimate, offramp::detail::two_sided_quantile(confidence));
  found.lower = ends.lower;
  found.upper = ends.upper;
  const std::int64_t fewer = std::min(counts.only_first, counts.only_second);
  found.p_value = differing == 0 ? 1.0 : std::min(1.0, 2.0 * binomial_tail_at_most(fewer, differing, 0.5));
  return settled(found);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
