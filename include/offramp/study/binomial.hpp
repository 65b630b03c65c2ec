// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/interval.hpp>
#include <offramp/version.hpp>

#include <cstdint>

/// What k events among n independent trials say about their probability. Every function is pure and safe from any
/// number of threads, takes 0 <= k <= n <= 1e12 and throws `invalid_argument` for anything else, for NaN and for a
/// probability, delta or confidence out of its range. Time grows with the square root of n: milliseconds at 1e7.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// P(X <= k) for X ~ Binomial(n, p), 0 <= p <= 1. Small tails keep their digits: relative error below 1e-10.
[[nodiscard]] OFFRAMP_API double binomial_tail_at_most(std::int64_t k, std::int64_t n, double p);

/// The smallest p with P(X <= k) <= delta: with probability 1 - delta over the n trials, the true p is no larger
/// (Clopper and Pearson 1934, one-sided). 1 when k = n. 0 < delta < 1.
[[nodiscard]] OFFRAMP_API double clopper_pearson_upper(std::int64_t k, std::int64_t n, double delta);

/// The largest p with P(X >= k) <= delta: with probability 1 - delta over the n trials, the true p is no smaller.
/// 0 when k = 0. 0 < delta < 1.
[[nodiscard]] OFFRAMP_API double clopper_pearson_lower(std::int64_t k, std::int64_t n, double delta);

/// Contains the true p with probability at least `confidence` (0 < confidence < 1) for an n fixed in advance; half of
/// the rest lies on each side. Who looks again and again while n grows needs confidence_sequence.
[[nodiscard]] OFFRAMP_API interval clopper_pearson(std::int64_t k, std::int64_t n, double confidence);

/// Intervals of which **all**, for n = 1, 2, 3, ... of one growing stream, contain the true p with probability at least
/// `confidence` (0 < confidence < 1): look after every trial, stop when you like. The trials need not be independent,
/// only of probability p whatever came before.
///
/// Holds every p whose likelihood is more than 1 - confidence times that of the mixture over all p with Jeffreys'
/// weights Beta(1/2, 1/2); the ratio of the two is a martingale, which exceeds 1 / (1 - confidence) with probability at
/// most 1 - confidence (Ville). Robbins, "Statistical methods related to the law of the iterated logarithm" (1970);
/// Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences" (2021).
[[nodiscard]] OFFRAMP_API interval confidence_sequence(std::int64_t k, std::int64_t n, double confidence);

/// Approximate and short, for error bars in tables: it may miss the true p somewhat more often than 1 - confidence.
/// 0 < confidence < 1. Wilson (1927).
[[nodiscard]] OFFRAMP_API interval wilson(std::int64_t k, std::int64_t n, double confidence);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/detail/binomial.hpp>
#endif
