// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>
#include <offramp/version.hpp>

#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// What an early exit can cost, per text 0 or 1. Of a multi-label model any label that is decided otherwise makes
/// another answer, or a wrong one; a bound on that bounds the share of labels that change, too.
enum class certified_loss {
  disagreement,   ///< another label than the last exit's
  accuracy_drop,  ///< a wrong label where the last exit's is right: at least the accuracy that early exits lose
  error,          ///< a wrong label
};

/// Which texts a certificate speaks of. Of all of them together, those that leave first may be much worse than the
/// rest.
enum class certified_scope {
  overall,     ///< all texts
  every_exit,  ///< for every exit, the texts that leave there or before
};

/// A guarantee about a policy: with probability 1 - delta over the draw of the n texts it was computed from, the loss
/// on texts like those is at most epsilon, overall or at every exit among those that have left by then.
struct certificate {
  certified_loss loss = certified_loss::disagreement;
  double epsilon = 0.0;
  double delta = 0.0;
  std::int64_t n = 0;
  exit_policy policy = exit_policy::full_depth();
  certified_scope scope = certified_scope::overall;
  /// How often some of these texts had been tested on when this was found: of k such certificates all hold with
  /// probability 1 less the sum of their deltas.
  std::int64_t looks = 1;

  bool operator==(const certificate&) const = default;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
