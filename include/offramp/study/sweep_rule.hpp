// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/version.hpp>

#include <limits>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// An exit rule whose one number is left open, to be swept: the threshold, or for `patience` the count itself.
/// `per_exit` and `per_class` have more than one number and are refused by whoever sweeps.
struct sweep_rule {
  exit_policy::rule kind = exit_policy::rule::confidence;
  int count = 1;         ///< exits in a row, for patience_entropy alone; at least 1
  float decline = 0.0F;  ///< for declining alone; 0 to 1

  bool operator==(const sweep_rule&) const = default;
};

/// Thresholds that give the same answers to every text of a data set: all from `lowest` to `highest`, both included.
struct threshold_range {
  float lowest = -std::numeric_limits<float>::infinity();
  float highest = std::numeric_limits<float>::infinity();
  float shortest = 0.0F;  ///< the one of them with the fewest decimals

  bool operator==(const threshold_range&) const = default;
};

/// The policy for one value of the open number; for `patience` its whole part, and full depth below 1; for `confidence`
/// full depth above 1. Throws
/// `invalid_argument` for NaN, a count below 1, a decline outside 0 to 1 and a rule with more than one number.
[[nodiscard]] OFFRAMP_API exit_policy policy_at(const sweep_rule& rule, float threshold);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
