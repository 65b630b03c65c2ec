// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/compiled_target.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/operating_point.hpp>
#include <offramp/study/replay.hpp>
#include <offramp/study/sweep_rule.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// An accuracy to be had for a cost.
struct budget_point {
  double mean_layer = 0.0;
  double accuracy = 0.0;
};

/// Areas under accuracy over mean layer, from the layer of the first exit to that of the last, divided by the width: an
/// accuracy, averaged over budgets. Points are joined by straight lines (mixing two thresholds at random gives every
/// point between), the first exit alone begins the line where a rule cannot be that cheap.
struct curve_areas {
  double early_exit = 0.0;
  double random_exits = 0.0;  ///< operating_point::random_accuracy
  double fixed_exits = 0.0;
  double oracle = 0.0;
};

/// What a rule achieves on a data set, for all thresholds, and what there is to compare it with.
struct curve {
  sweep_rule rule;
  std::vector<operating_point> points;       ///< one per distinct behaviour, ascending mean layer; last: full depth
  std::vector<operating_point> fixed_exits;  ///< every text answered by one exit, for each exit
  operating_point oracle;                    ///< the cheapest exit that is right; where none is right, the last
  /// The best accuracy any choice of exits reaches for a cost, knowing the right answers: straight lines between
  /// these, flat after the last.
  std::vector<budget_point> oracle_budgets;
  curve_areas areas;

  /// The point of this threshold. Throws `invalid_argument` for NaN.
  [[nodiscard]] OFFRAMP_API const operating_point& at(float threshold) const;
  [[nodiscard]] const operating_point& full_depth() const { return points.back(); }
};

/// Sums up given answers, one per text.
[[nodiscard]] OFFRAMP_API operating_point summarise(const exit_logits& logits, std::span<const exit_answer> answers);

/// Every distinct behaviour of the rule on these logits: the calibrated confidences (or what the rule compares) that
/// occur are where the answers change, so the curve is exact, equal to classify_batch text by text at any threshold.
/// Time n log n for n texts; one point per value that occurs. Throws `invalid_argument` as policy_at, for a
/// learned gate that the model has not, and for a rule that multi-label models do not have.
[[nodiscard]] OFFRAMP_API curve compute_curve(const exit_logits& logits, const sweep_rule& rule);

/// Indices of about `count` points, evenly spread over the mean layer, the first and the last among them; all where
/// there are no more.
[[nodiscard]] OFFRAMP_API std::vector<std::size_t> spread_points(const curve& found, std::size_t count);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
