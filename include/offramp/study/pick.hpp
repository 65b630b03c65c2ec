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
struct goal {
  enum class kind {
    loss,     ///< at most `value` points (hundredths) of accuracy below full depth, as cheap as possible
    speedup,  ///< at least `value` times faster than full depth, as accurate as possible
    p95,      ///< the 95th percentile of one text's wall time at most `value` milliseconds, as accurate as possible
  };
  kind what = kind::loss;
  double value = 0.0;

  bool operator==(const goal&) const = default;
};

/// Reads "loss:1", "speedup:3" ("speedup:3x") and "p95:5ms" ("p95:5"). Throws `invalid_argument` for anything else, a
/// loss outside 0 to 100, a speed-up below 1 and a time that is not above 0.
[[nodiscard]] OFFRAMP_API goal parse_goal(std::string_view text);
/// As in "at most 1 point of loss".
[[nodiscard]] OFFRAMP_API std::string describe(const goal& wanted);

/// Index of the cheapest point with at most `points` hundredths of accuracy less than full depth; there is always one.
/// Chosen on the same texts that measured it, the accuracy is a little flattered: pick on one data set, report on
/// another.
[[nodiscard]] OFFRAMP_API std::size_t pick_loss(const curve& found, double points);
/// Index of the most accurate point that runs the layer of the last exit / `factor` layers or fewer on average, the
/// cheapest of equals; nothing when the first exit is too deep for that.
[[nodiscard]] OFFRAMP_API std::optional<std::size_t> pick_layer_speedup(const curve& found, double factor);
/// The same among the points that were timed, in mean wall time of one text at a time, compared with full depth, which
/// has to be among them; index into `timed`.
[[nodiscard]] OFFRAMP_API std::optional<std::size_t> pick_time_speedup(const curve& found,
                                                                       std::span<const timed_point> timed,
                                                                       double factor);
/// The most accurate timed point whose 95th percentile of one text at a time is at most `milliseconds`, the cheapest of
/// equals; index into `timed`.
[[nodiscard]] OFFRAMP_API std::optional<std::size_t> pick_p95(const curve& found, std::span<const timed_point> timed,
                                                              double milliseconds);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
