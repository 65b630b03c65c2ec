// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/curve.hpp>
#include <offramp/study/label_share.hpp>
#include <offramp/study/pick.hpp>
#include <offramp/study/reliability_chart.hpp>
#include <offramp/study/wall_time.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// A threshold chosen for a goal.
struct picked_point {
  std::string wanted;                ///< as in "at least 3x faster, in layers"
  std::optional<std::size_t> point;  ///< index into curve::points; nothing when no point reaches the goal
};

/// A curve with all that is said about it. Names may hold any bytes.
struct curve_study {
  std::string model;
  std::string numeric_format;
  std::string kernels;
  std::string data;
  std::string data_sha256;
  curve found;
  std::vector<picked_point> picks;
  std::vector<timed_point> timed;  ///< by ascending point; empty when nothing was timed
  timing_options timing;
  int timing_threads = 1;
  std::vector<exit_reliability> reliability;  ///< of every exit over all texts
  std::vector<label_share> by_label;          ///< at the first pick that was reached, else at full depth
  /// False: the texts have no labels, full depth counts as right, and every accuracy is agreement with it.
  bool is_labelled = true;
};

/// The time of a point of the curve; null where it was not timed.
[[nodiscard]] inline const wall_time* time_of(const curve_study& study, std::size_t point) {
  const auto found = std::ranges::find(study.timed, point, &timed_point::point);
  return found == study.timed.end() ? nullptr : &found->time;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
