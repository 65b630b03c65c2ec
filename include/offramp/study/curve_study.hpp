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

/// A policy that stands beside the curve, as a certificate's or the model's own, and what it gives.
struct marked_point {
  std::string name;
  operating_point point;
  std::optional<wall_time> time;
};

/// A point of the curve that a reader can stop at.
struct study_stop {
  std::size_t point = 0;  ///< index into curve::points
  /// [right label][given label]; empty without labels, for multi-label models and for more labels than a page shows.
  std::vector<std::vector<std::size_t>> confusion;
};

/// One text, shown as an example, and its answer.
struct text_example {
  std::string text;  ///< the two of a pair with " / " between; long ones are cut
  int layer = 0;     ///< that answers
  std::string right;
  std::string given;
  float confidence = 0.0F;
};

/// Texts worth reading, at the first pick that was reached, else at full depth.
struct text_examples {
  std::vector<text_example> easiest;  ///< the first exit is surest of them
  std::vector<text_example> hardest;  ///< the last exit is least sure of them
  std::vector<text_example> lost;     ///< right at full depth, wrong there; the surest first
};

/// A line of what a study was computed from, as in "CPU".
struct origin_line {
  std::string name;
  std::string value;
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
  std::vector<std::string> labels = {};
  std::vector<marked_point> marked = {};
  std::vector<study_stop> stops = {};  ///< by ascending point
  text_examples examples = {};
  std::vector<origin_line> origin = {};  ///< what the caller adds to it
  /// False: the texts have no labels, full depth counts as right, and every accuracy is agreement with it.
  bool is_labelled = true;
};

/// The point that is shown first: the first pick that was reached, else full depth.
[[nodiscard]] inline std::size_t shown_point(const curve_study& study) {
  const auto reached = [](const picked_point& pick) { return pick.point.has_value(); };
  const auto first = std::ranges::find_if(study.picks, reached);
  return first == study.picks.end() ? study.found.points.size() - 1 : *first->point;
}

/// The time of a point of the curve; null where it was not timed.
[[nodiscard]] inline const wall_time* time_of(const curve_study& study, std::size_t point) {
  const auto found = std::ranges::find(study.timed, point, &timed_point::point);
  return found == study.timed.end() ? nullptr : &found->time;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
