// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/bisection.hpp>
#include <offramp/study/wall_time.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// A call took `ms` per text for `texts` texts.
struct time_sample {
  double ms = 0.0;
  std::size_t texts = 0;
};

/// What one policy took: the same calls, in the same order, in each of the rounds.
using time_samples = std::vector<time_sample>;

/// The 97.5 % quantile of Student's t: for 1 to 3 degrees of freedom as tables have it, beyond from the normal one by
/// the first terms of Fisher's expansion (error below 0.5 %).
[[nodiscard]] inline double student_quantile(std::size_t freedom) {
  constexpr double of_few[] = {12.706205, 4.302653, 3.182446};
  if (freedom >= 1 && freedom <= std::size(of_few)) {
    return of_few[freedom - 1];
  }
  const double z = offramp::detail::two_sided_quantile(0.95);
  const auto nu = static_cast<double>(freedom);
  const double z3 = z * z * z;
  const double z5 = z3 * z * z;
  return z + (z3 + z) / (4.0 * nu) + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * nu * nu) +
         (3.0 * z5 * z * z + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * nu * nu * nu);
}

/// The total time of each call over its rounds. Rounds of one call are no independent draws of a text, so that each
/// call counts as one.
[[nodiscard]] inline std::vector<double> totals_of_calls(std::span<const time_sample> samples, std::size_t rounds) {
  const std::size_t calls = samples.size() / rounds;
  std::vector<double> totals(calls);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    totals[i % calls] += samples[i].ms * static_cast<double>(samples[i].texts);
  }
  return totals;
}

/// Two times of the same calls: their sums, and how they scatter about their means.
struct paired_sums {
  double first = 0.0;
  double second = 0.0;
  double first_squares = 0.0;
  double products = 0.0;
  double second_squares = 0.0;
};

[[nodiscard]] inline paired_sums sums_of(std::span<const double> first, std::span<const double> second) {
  const auto n = static_cast<double>(first.size());
  paired_sums sums;
  for (std::size_t i = 0; i < first.size(); ++i) {
    sums.first += first[i];
    sums.second += second[i];
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double one = first[i] - sums.first / n;
    const double other = second[i] - sums.second / n;
    sums.first_squares += one * one;
    sums.products += one * other;
    sums.second_squares += other * other;
  }
  return sums;
}

/// What makes squared deviations of so many draws the square of half the width of their sum's interval.
[[nodiscard]] inline double squared_width_factor(std::size_t draws) {
  const double t = student_quantile(draws - 1);
  return t * t * static_cast<double>(draws) / static_cast<double>(draws - 1);
}

/// The ratio of two sums over the same calls, with Fieller's interval (1954): the ratios that a test of "the one is so
/// many times the other" does not reject.
[[nodiscard]] inline time_speedup speedup_of(std::span<const double> reference, std::span<const double> taken) {
  const paired_sums sums = sums_of(reference, taken);
  time_speedup found{.estimate = sums.first / sums.second, .likely = {}};
  if (taken.size() < 2) {
    return found;
  }
  const double factor = squared_width_factor(taken.size());
  // a r^2 - 2 b r + c <= 0 is what the test accepts.
  const double a = sums.second * sums.second - factor * sums.second_squares;
  const double b = sums.first * sums.second - factor * sums.products;
  const double c = sums.first * sums.first - factor * sums.first_squares;
  const double root = std::sqrt(std::max(0.0, b * b - a * c));
  if (c > 0.0) {
    found.likely.lower = std::min(found.estimate, c / (b + root));
  }
  if (a > 0.0) {
    found.likely.upper = std::max(found.estimate, (b + root) / a);
  }
  return found;
}

/// Of so many calls a binomial number, here normal, is faster than the percentile; `sorted` has all their rounds.
[[nodiscard]] inline time_interval percentile_interval(std::span<const double> sorted, double share,
                                                       std::size_t calls) {
  const auto n = static_cast<double>(sorted.size());
  const double half =
      n * offramp::detail::two_sided_quantile(0.95) * std::sqrt(share * (1.0 - share) / static_cast<double>(calls));
  const double lower = std::floor(n * share - half);
  const double upper = std::ceil(n * share + half) + 1.0;
  time_interval found;
  if (lower >= 1.0) {
    found.lower = sorted[static_cast<std::size_t>(lower) - 1];
  }
  if (upper <= n) {
    found.upper = sorted[static_cast<std::size_t>(upper) - 1];
  }
  return found;
}

/// Sums up one policy's samples beside those of the reference.
[[nodiscard]] inline latency latency_of(const time_samples& samples, const time_samples& reference,
                                        std::size_t rounds) {
  const std::vector<double> totals = totals_of_calls(samples, rounds);
  double total = 0.0;
  for (const double of_call : totals) {
    total += of_call;
  }
  std::size_t texts = 0;
  std::vector<double> sorted;
  for (const time_sample& sample : samples) {
    texts += sample.texts;
    sorted.push_back(sample.ms);
  }
  std::ranges::sort(sorted);
  const auto percentile = [&](double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
  };
  latency found{.mean_ms = total / static_cast<double>(texts),
                .p50_ms = percentile(0.50),
                .p95_ms = percentile(0.95),
                .p99_ms = percentile(0.99),
                .mean_likely = {},
                .p95_likely = percentile_interval(sorted, 0.95, totals.size()),
                .speedup = speedup_of(totals_of_calls(reference, rounds), totals)};
  if (totals.size() > 1) {
    const double squares = sums_of(totals, totals).first_squares;
    const double half = std::sqrt(squared_width_factor(totals.size()) * squares) / static_cast<double>(texts);
    found.mean_likely = {std::max(0.0, found.mean_ms - half), found.mean_ms + half};
  }
  return found;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
