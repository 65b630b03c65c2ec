// SPDX-License-Identifier: Apache-2.0
#include "study/curve/confusion.hpp"
#include "study/curve/label_share.hpp"
#include "study/curve/study_parts.hpp"
#include "study/curve/text_examples.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/model/exits/description.hpp>
#include <offramp/study/curve_report.hpp>
#include <offramp/study/replay.hpp>
#include <offramp/study/run_study.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {

curve_study begin_study(const classifier& model, const std::string& model_name, const dataset& data,
                        const exit_logits& logits, const sweep_rule& rule) {
  return {.model = model_name,
          .numeric_format = std::string(name_of(model.format())),
          .kernels = model.info().kernels,
          .data = data.name,
          .data_sha256 = data.sha256,
          .found = compute_curve(logits, rule),
          .picks = {},
          .timed = {},
          .timing = {},
          .timing_threads = 1,
          .reliability = reliability_of_exits(logits),
          .by_label = {},
          .is_labelled = logits.is_labelled};
}

void add_texts(curve_study& study, const classifier& model, const dataset& data, const exit_logits& logits,
               std::size_t num_examples) {
  const replay texts(logits);
  const auto policy_of = [&](std::size_t point) {
    return policy_at(study.found.rule, study.found.points[point].thresholds->shortest);
  };
  const std::vector<exit_answer> shown = texts.decide(policy_of(shown_point(study)));
  study.labels = model.labels();
  study.by_label = share_by_label(texts, study.labels, shown);
  study.examples = find_examples(texts, data, study.labels, shown, num_examples);
  constexpr std::size_t most_stops = 200;
  constexpr std::size_t most_labels = 12;
  const bool has_confusion = logits.is_labelled && !texts.is_multi_label() && study.labels.size() <= most_labels;
  for (const std::size_t point : points_to_write(study, most_stops)) {
    study.stops.push_back({point, has_confusion ? count_confusion(texts, texts.decide(policy_of(point)))
                                                : std::vector<std::vector<std::size_t>>()});
  }
}

namespace {

/// Picks that take no clock.
void add_counted_picks(curve_study& study, const std::vector<pick_goal>& goals) {
  for (const pick_goal& goal : goals) {
    if (goal.what == pick_goal::kind::loss) {
      study.picks.push_back({describe(goal), goal.confidence ? pick_sure_loss(study.found, goal.value, *goal.confidence)
                                                             : pick_loss(study.found, goal.value)});
    } else if (goal.what == pick_goal::kind::speedup) {
      study.picks.push_back({describe(goal) + ", in layers", pick_layer_speedup(study.found, goal.value)});
    }
  }
}

void add_timed_picks(curve_study& study, const std::vector<pick_goal>& goals) {
  for (const pick_goal& goal : goals) {
    if (goal.what == pick_goal::kind::speedup) {
      study.picks.push_back({describe(goal) + ", in wall time", pick_time_speedup(study.timed, goal.value)});
    } else if (goal.what == pick_goal::kind::p95) {
      study.picks.push_back({describe(goal), pick_p95(study.timed, goal.value)});
    }
  }
}

/// Those asked for, those picked so far and full depth, ascending.
[[nodiscard]] std::vector<std::size_t> points_to_time(const curve_study& study, const study_options& options) {
  std::vector<std::size_t> points;
  if (options.timed_thresholds.empty()) {
    points = spread_points(study.found, options.timed_points);
  }
  for (const float threshold : options.timed_thresholds) {
    points.push_back(static_cast<std::size_t>(&study.found.at(threshold) - study.found.points.data()));
  }
  for (const picked_point& pick : study.picks) {
    if (pick.point) {
      points.push_back(*pick.point);
    }
  }
  points.push_back(study.found.points.size() - 1);
  std::ranges::sort(points);
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

/// Of the points and the marked policies, in turns.
void add_times(curve_study& study, const classifier& model, const dataset& data, const study_options& options,
               const runner& run, const progress& report) {
  const std::vector<std::size_t> points = points_to_time(study, options);
  std::vector<exit_policy> policies;
  for (const named_policy& marked : options.marked) {
    policies.push_back(marked.policy);
  }
  for (const std::size_t point : points) {
    policies.push_back(policy_at(options.rule, study.found.points[point].thresholds->shortest));
  }
  const std::vector<wall_time> times = measure_wall_time(model, data, policies, options.timing, run, report);
  const std::size_t num_marked = study.marked.size();
  for (std::size_t i = 0; i < num_marked; ++i) {
    study.marked[i].time = times[i];
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    study.timed.push_back({points[i], times[num_marked + i]});
  }
}

void check_study(const classifier& model, const study_options& options) {
  const auto asks_for_time = [](const pick_goal& goal) { return goal.what == pick_goal::kind::p95; };
  if (options.timing.rounds == 0 && std::ranges::any_of(options.goals, asks_for_time)) {
    throw error(error_kind::invalid_argument, "study_options: a goal needs wall time, but there are no rounds");
  }
  model.check(policy_at(options.rule, 0.0F));
  for (const named_policy& marked : options.marked) {
    model.check(marked.policy);
  }
}

}  // namespace
}  // namespace detail

curve_study run_study(const classifier& model, const dataset& data, const study_options& options, const runner& run,
                      const runner& timing_run, const study_progress& report) {
  const offramp::detail::default_floating_point environment;
  detail::check_study(model, options);
  return run_study(model, data, compute_exit_logits(model, data, run, report.texts), options, timing_run, report.times);
}

curve_study run_study(const classifier& model, const dataset& data, const exit_logits& logits,
                      const study_options& options, const runner& timing_run, const progress& report_times) {
  const offramp::detail::default_floating_point environment;
  detail::check_study(model, options);
  curve_study study = detail::begin_study(model, options.model_name, data, logits, options.rule);
  study.timing = options.timing;
  study.timing_threads = options.timing_threads;
  study.origin = options.origin;
  detail::add_counted_picks(study, options.goals);
  for (const named_policy& marked : options.marked) {
    study.marked.push_back({marked.name, summarise(logits, replay(logits).decide(marked.policy)), {}});
  }
  if (options.timing.rounds > 0) {
    detail::add_times(study, model, data, options, timing_run, report_times);
    detail::add_timed_picks(study, options.goals);
  }
  detail::add_texts(study, model, data, logits, options.examples);
  return study;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
