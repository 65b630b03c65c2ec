// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/curve_study.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/pick.hpp>
#include <offramp/study/progress.hpp>
#include <offramp/study/sweep_rule.hpp>
#include <offramp/study/wall_time.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// A policy to be shown beside the curve.
struct named_policy {
  std::string name;  ///< as in "certified at 1 %"
  exit_policy policy;
};

/// What a study looks at.
struct study_options {
  std::string model_name = "model";  ///< as reports call it
  sweep_rule rule = {};
  std::vector<pick_goal> goals = {};         ///< one threshold is picked for each, or two: by layers and by time
  std::size_t timed_points = 16;             ///< evenly spread over the mean layer, besides those picked
  std::vector<float> timed_thresholds = {};  ///< in their place, where there are some
  timing_options timing = {};                ///< no rounds: no wall time, and no goal that asks for it
  std::vector<named_policy> marked = {};     ///< shown beside the curve
  std::size_t examples = 3;                  ///< texts of each kind that are shown; 0: the report quotes none
  std::vector<origin_line> origin = {};      ///< lines to add to what reports say of their origin
  int timing_threads = 1;                    ///< that `timing_run` lends, as reports say it
};

/// Hears of each part of the work; any may be empty.
struct study_progress {
  progress texts;  ///< through the encoder
  progress times;  ///< texts timed
};

/// All that `offramp curve` reports: one full-depth pass over the data, the curve of every threshold, the picks, wall
/// times and reliability. `run` lends threads to the pass, `timing_run` to each timed call. Labels are shown at the
/// first pick that was reached, else at full depth. To be written by write_curve_study. Throws as compute_exit_logits,
/// compute_curve and measure_wall_time, before the pass for a rule or policy that the model cannot follow, and
/// `invalid_argument` for a goal of wall time without rounds.
[[nodiscard]] OFFRAMP_API curve_study run_study(const classifier& model, const dataset& data,
                                                const study_options& options, const runner& run = {},
                                                const runner& timing_run = {}, const study_progress& report = {});
/// The same from a pass that was made, so that several rules need one: `logits` are those of `model` on `data`.
[[nodiscard]] OFFRAMP_API curve_study run_study(const classifier& model, const dataset& data, const exit_logits& logits,
                                                const study_options& options, const runner& timing_run = {},
                                                const progress& report_times = {});

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
