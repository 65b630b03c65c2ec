// SPDX-License-Identifier: Apache-2.0
#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/binomial.hpp>
#include <offramp/study/paired_difference.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

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

/// The end of the interval towards `limit`: scores fall as the difference grows.
double interval_end(const paired_counts& counts, double estimate, double limit, double quantile) {
  double inside = estimate;
  double outside = limit;
  for (int i = 0; i < 100; ++i) {
    const double middle = inside + (outside - inside) / 2.0;
    (std::fabs(score(counts, middle)) <= quantile ? inside : outside) = middle;
  }
  return std::fabs(score(counts, limit)) <= quantile ? limit : inside;
}

/// z with P(|Z| > z) = 1 - confidence for a standard normal Z.
double two_sided_quantile(double confidence) {
  double below = 0.0;
  double above = 40.0;
  for (int i = 0; i < 100; ++i) {
    const double middle = (below + above) / 2.0;
    (std::erfc(middle / std::sqrt(2.0)) > 1.0 - confidence ? below : above) = middle;
  }
  return above;
}

}  // namespace
}  // namespace detail

paired_difference compare_paired(const paired_counts& counts, double confidence) {
  const offramp::detail::default_floating_point environment;
  detail::check_paired(counts, confidence);
  const double quantile = detail::two_sided_quantile(confidence);
  const std::int64_t differing = counts.only_first + counts.only_second;
  paired_difference found;
  found.estimate = static_cast<double>(counts.only_first - counts.only_second) / static_cast<double>(counts.texts);
  found.lower = detail::interval_end(counts, found.estimate, -1.0, quantile);
  found.upper = detail::interval_end(counts, found.estimate, 1.0, quantile);
  const std::int64_t fewer = std::min(counts.only_first, counts.only_second);
  found.p_value = differing == 0 ? 1.0 : std::min(1.0, 2.0 * binomial_tail_at_most(fewer, differing, 0.5));
  return found;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
