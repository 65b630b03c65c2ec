// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/bisection.hpp>
#include <offramp/detail/floating_point.hpp>
#include <offramp/detail/number.hpp>
#include <offramp/error.hpp>
#include <offramp/study/binomial.hpp>

#include <cmath>
#include <cstdint>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace binomial_detail {

inline void check_counts(std::int64_t k, std::int64_t n) {
  if (n < 0 || n > 1'000'000'000'000 || k < 0 || k > n) {
    throw error(error_kind::invalid_argument, "binomial: " + std::to_string(k) + " events of " + std::to_string(n) +
                                                  " trials, expected 0 <= events <= trials <= 1e12");
  }
}

/// For what must lie strictly between 0 and 1.
inline void check_inside(const char* name, double value) {
  if (!(value > 0.0 && value < 1.0)) {
    throw error(error_kind::invalid_argument, std::string("binomial: ") + name + " is " +
                                                  offramp::detail::number_text(value) +
                                                  ", expected more than 0, less than 1");
  }
}

/// ln(n!) - ln(sqrt(2 pi n) (n / e)^n), n >= 1.
inline double stirling_error(double n) {
  if (n < 16.0) {
    double factorial = 1.0;  // exact up to 15!
    for (double i = 2.0; i <= n; i += 1.0) {
      factorial *= i;
    }
    constexpr double ln_2_pi = 1.8378770664093454836;
    return std::log(factorial) - (n + 0.5) * std::log(n) + n - 0.5 * ln_2_pi;
  }
  const double square = n * n;
  return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / square) / square) / square) / square) / n;
}

/// x ln(x / mean) + mean - x without cancellation, x and mean > 0.
inline double deviance(double x, double mean) {
  const double difference = x - mean;
  if (std::abs(difference) >= 0.1 * (x + mean)) {
    return x * std::log(x / mean) - difference;
  }
  const double ratio = difference / (x + mean);
  double sum = difference * ratio;
  double power = 2.0 * x * ratio;
  for (double divisor = 3.0;; divisor += 2.0) {
    power *= ratio * ratio;
    const double next = sum + power / divisor;
    if (next == sum) {
      return sum;
    }
    sum = next;
  }
}

/// ln P(X = k) for X ~ Binomial(n, p), q = 1 - p; the saddle-point form of Loader, "Fast and accurate computation of
/// binomial probabilities" (2000), which keeps about 14 digits where differences of ln(n!) keep 8.
inline double log_binomial(double k, double n, double p, double q) {
  if (k == 0.0 || k == n) {
    const double probability = k == 0.0 ? q : p;  // of the outcome that every trial had
    const double other = k == 0.0 ? p : q;
    return n == 0.0 ? 0.0 : n * (other < probability ? std::log1p(-other) : std::log(probability));
  }
  if (p == 0.0 || q == 0.0) {
    return -HUGE_VAL;
  }
  constexpr double ln_2_pi = 1.8378770664093454836;
  return stirling_error(n) - stirling_error(k) - stirling_error(n - k) - deviance(k, n * p) - deviance(n - k, n * q) -
         0.5 * (ln_2_pi + std::log(k) + std::log1p(-k / n));
}

/// P(X = k) + P(X = k - 1) + ... for k <= n p, where each term is smaller than the one before.
inline double sum_downwards(double k, double n, double p, double q) {
  double term = std::exp(log_binomial(k, n, p, q));
  double sum = term;
  for (double i = k; i > 0.0 && term > 0.0; i -= 1.0) {
    term *= i * q / ((n - i + 1.0) * p);
    if (sum + term == sum) {
      break;
    }
    sum += term;
  }
  return sum;
}

/// P(X <= k), q = 1 - p.
inline double tail_at_most(double k, double n, double p, double q) {
  if (k == n) {
    return 1.0;
  }
  return k <= n * p ? sum_downwards(k, n, p, q) : 1.0 - sum_downwards(n - k - 1.0, n, q, p);
}

}  // namespace binomial_detail

OFFRAMP_INLINE double binomial_tail_at_most(std::int64_t k, std::int64_t n, double p) {
  const offramp::detail::default_floating_point environment;
  p = offramp::detail::settled(p);
  binomial_detail::check_counts(k, n);
  if (!(p >= 0.0 && p <= 1.0)) {
    throw error(error_kind::invalid_argument,
                "binomial: p is " + offramp::detail::number_text(p) + ", expected 0 to 1");
  }
  return offramp::detail::settled(
      binomial_detail::tail_at_most(static_cast<double>(k), static_cast<double>(n), p, 1.0 - p));
}

OFFRAMP_INLINE double clopper_pearson_upper(std::int64_t k, std::int64_t n, double delta) {
  const offramp::detail::default_floating_point environment;
  delta = offramp::detail::settled(delta);
  binomial_detail::check_counts(k, n);
  binomial_detail::check_inside("delta", delta);
  const auto count = static_cast<double>(k);
  const auto trials = static_cast<double>(n);
  return offramp::detail::settled(k == n ? 1.0 : offramp::detail::bisect(0.0, 1.0, [&](double p) {
                                                   return binomial_detail::tail_at_most(count, trials, p, 1.0 - p) <=
                                                          delta;
                                                 }).upper);
}

OFFRAMP_INLINE double clopper_pearson_lower(std::int64_t k, std::int64_t n, double delta) {
  const offramp::detail::default_floating_point environment;
  delta = offramp::detail::settled(delta);
  binomial_detail::check_counts(k, n);
  binomial_detail::check_inside("delta", delta);
  const auto misses = static_cast<double>(n - k);
  const auto trials = static_cast<double>(n);
  return offramp::detail::settled(k == 0 ? 0.0 : offramp::detail::bisect(0.0, 1.0, [&](double p) {
                                                   return binomial_detail::tail_at_most(misses, trials, 1.0 - p, p) >
                                                          delta;
                                                 }).lower);
}

OFFRAMP_INLINE interval clopper_pearson(std::int64_t k, std::int64_t n, double confidence) {
  const offramp::detail::default_floating_point environment;
  confidence = offramp::detail::settled(confidence);
  binomial_detail::check_inside("confidence", confidence);
  const double delta = (1.0 - confidence) / 2.0;
  return {clopper_pearson_lower(k, n, delta), clopper_pearson_upper(k, n, delta)};
}

OFFRAMP_INLINE interval confidence_sequence(std::int64_t k, std::int64_t n, double confidence) {
  const offramp::detail::default_floating_point environment;
  confidence = offramp::detail::settled(confidence);
  binomial_detail::check_counts(k, n);
  binomial_detail::check_inside("confidence", confidence);
  const auto count = static_cast<double>(k);
  const auto trials = static_cast<double>(n);
  const double misses = trials - count;
  // C(n, k) times the mixture's likelihood is the product of two central binomial probabilities.
  const double least = std::log1p(-confidence) + binomial_detail::log_binomial(count, 2.0 * count, 0.5, 0.5) +
                       binomial_detail::log_binomial(misses, 2.0 * misses, 0.5, 0.5);
  const auto is_likely = [&](double p) { return binomial_detail::log_binomial(count, trials, p, 1.0 - p) > least; };
  interval found;
  if (k > 0) {
    found.lower = offramp::detail::bisect(0.0, count / trials, is_likely).lower;
  }
  if (k < n) {
    found.upper = offramp::detail::bisect(count / trials, 1.0, [&](double p) { return !is_likely(p); }).upper;
  }
  return offramp::detail::settled(found);
}

OFFRAMP_INLINE interval wilson(std::int64_t k, std::int64_t n, double confidence) {
  const offramp::detail::default_floating_point environment;
  confidence = offramp::detail::settled(confidence);
  binomial_detail::check_counts(k, n);
  binomial_detail::check_inside("confidence", confidence);
  if (n == 0) {
    return {};
  }
  const double z = offramp::detail::two_sided_quantile(confidence);
  const auto trials = static_cast<double>(n);
  const double rate = static_cast<double>(k) / trials;
  const double scale = 1.0 + z * z / trials;
  const double centre = (rate + z * z / (2.0 * trials)) / scale;
  const double half = z * std::sqrt(rate * (1.0 - rate) / trials + z * z / (4.0 * trials * trials)) / scale;
  return offramp::detail::settled(
      interval{k == 0 ? 0.0 : std::fmax(centre - half, 0.0), k == n ? 1.0 : std::fmin(centre + half, 1.0)});
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
