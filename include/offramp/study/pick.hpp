// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/compiled_target.hpp>
#include <offramp/study/curve.hpp>
#include <offramp/study/wall_time.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// A point of the curve whose wall time is known.
struct timed_point {
  std::size_t point = 0;  ///< index into curve::points
  wall_time time;
};

/// What a threshold is chosen for.
struct pick_goal {
  enum class kind {
    loss,     ///< at most `value` points (hundredths) of accuracy below full depth, as cheap as possible
    speedup,  ///< at least `value` times faster than full depth, as deep as possible
    p95,      ///< the 95th percentile of one text's wall time at most `value` milliseconds, as deep as possible
  };
  kind what = kind::loss;
  double value = 0.0;
  /// Of a loss: how sure it is to be that on other texts, too, 0.5 to 1; nothing: as counted on these texts, which more
  /// than half of the time are kinder to the threshold that they chose than others.
  std::optional<double> confidence = {};

  bool operator==(const pick_goal&) const = default;
};

/// Reads "loss:1", "loss:1@95" (with a confidence in hundredths, above 50 and below 100), "speedup:3" ("speedup:3x")
/// and "p95:5ms" ("p95:5"). Throws `invalid_argument` for anything else, a loss outside 0 to 100, a speed-up below 1
/// and a time that is not above 0.
[[nodiscard]] OFFRAMP_API pick_goal parse_pick_goal(std::string_view text);
/// As in "at most 1 point of loss on these texts" and "at most 1 point of loss, 95 % sure".
[[nodiscard]] OFFRAMP_API std::string describe(const pick_goal& wanted);

/// Index of the cheapest point with at most `points` hundredths of accuracy less than full depth; there is always one.
/// Chosen on the same texts that measured it, the accuracy is flattered, and on other texts of the kind more is lost in
/// about half of all draws: pick on one data set, report on another, or pick_sure_loss. Throws `invalid_argument` for
/// points below 0 and NaN.
[[nodiscard]] OFFRAMP_API std::size_t pick_loss(const curve& found, double points);
/// Index of the last point, on the way from full depth to cheaper and cheaper ones, before the first whose paired loss
/// may be above `points` hundredths at this confidence (above 0.5, below 1; paired_loss, one-sided). So with about that
/// probability over the texts, the point loses no more than that on texts like them (fixed-sequence testing, as certify
/// does with an exact test of another loss).
[[nodiscard]] OFFRAMP_API std::size_t pick_sure_loss(const curve& found, double points, double confidence);
/// Index of the deepest point that runs the layer of the last exit / `factor` layers or fewer on average; nothing when
/// the first exit is too deep for that. The deepest, not the most accurate: so near to each other, points differ by the
/// chance of which texts they are counted on.
[[nodiscard]] OFFRAMP_API std::optional<std::size_t> pick_layer_speedup(const curve& found, double factor);
/// The same in mean wall time of one text at a time: the deepest timed point such that it and all cheaper ones are at
/// least so many times faster than full depth by the lower end of the interval. `timed` goes by ascending point, full
/// depth being the reference that was measured with them.
[[nodiscard]] OFFRAMP_API std::optional<std::size_t> pick_time_speedup(std::span<const timed_point> timed,
                                                                       double factor);
/// Index of the deepest timed point such that, for it and all cheaper ones, the 95th percentile of one text at a time
/// is at most `milliseconds` by the upper end of its interval.
[[nodiscard]] OFFRAMP_API std::optional<std::size_t> pick_p95(std::span<const timed_point> timed, double milliseconds);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
