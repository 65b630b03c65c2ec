// SPDX-License-Identifier: Apache-2.0
#include "keenness.hpp"
#include "tally.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/exits/labelling.hpp>
#include <offramp/study/curve.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// A text leaves at this exit when the rule asks for this keenness or less, unless it has left before.
struct departure {
  float keenness = 0.0F;
  std::size_t text = 0;
  std::size_t exit = 0;
  std::size_t next_exit = 0;  ///< where it leaves when the rule asks for more
};

/// The departures of one text are the exits that are keener than all before them.
void append_departures(const exit_logits& logits, const sweep_rule& rule, std::size_t text,
                       std::vector<departure>& departures) {
  const std::size_t last = logits.exits.size() - 1;
  const std::size_t begin = departures.size();
  std::vector<float> probabilities(logits.num_labels);
  const exits::labelling labels(logits.cuts);
  keenness keenness_at(rule, labels);
  for (std::size_t exit = 0; exit < last; ++exit) {
    labels.calibrate(logits.at(exit, text), logits.exits[exit].temperature, probabilities);
    const float value = keenness_at.of(probabilities, logits.uncertainty(exit, text));
    if (value > (departures.size() == begin ? never : departures.back().keenness)) {
      if (departures.size() > begin) {
        departures.back().next_exit = exit;
      }
      departures.push_back({value, text, exit, last});
    }
  }
}

[[nodiscard]] operating_point within(operating_point point, const threshold_range& range) {
  point.thresholds = range;
  return point;
}

/// Asks for more and more keenness and moves the texts that no longer leave.
[[nodiscard]] std::vector<operating_point> sweep(const exit_logits& logits, const sweep_rule& rule) {
  std::vector<departure> departures;
  tally counts(logits);
  for (std::size_t text = 0; text < logits.num_texts; ++text) {
    const std::size_t begin = departures.size();
    append_departures(logits, rule, text, departures);
    counts.add(text, departures.size() > begin ? departures[begin].exit : logits.exits.size() - 1);
  }
  std::ranges::stable_sort(departures, std::ranges::less(), &departure::keenness);
  std::vector<operating_point> points;
  float below = never;
  for (std::size_t i = 0; i < departures.size();) {
    const float level = departures[i].keenness;
    points.push_back(within(counts.point(), threshold_range_of(rule, below, level)));
    for (; i < departures.size() && departures[i].keenness == level; ++i) {
      counts.remove(departures[i].text, departures[i].exit);
      counts.add(departures[i].text, departures[i].next_exit);
    }
    below = level;
  }
  points.push_back(within(counts.point(), threshold_range_of(rule, below, -never)));
  points.back().thresholds->shortest = full_depth_threshold(rule, logits.exits.size());
  return points;
}

/// The cheapest exit that is right about each text; the number of exits where none is.
[[nodiscard]] std::vector<std::size_t> first_right_exits(const exit_logits& logits, const tally& answers) {
  std::vector<std::size_t> first;
  for (std::size_t text = 0; text < logits.num_texts; ++text) {
    std::size_t exit = 0;
    while (exit < logits.exits.size() && !answers.is_right(text, exit)) {
      ++exit;
    }
    first.push_back(exit);
  }
  return first;
}

/// Everyone leaves at the first exit, then the texts that become right at the second go there, and so on: each right
/// answer costs at least as much as those before it, so no other choice has a better accuracy for its cost.
[[nodiscard]] std::vector<budget_point> oracle_budgets(const exit_logits& logits,
                                                       std::span<const std::size_t> first_right) {
  std::vector<budget_point> budgets;
  const auto n = static_cast<double>(logits.num_texts);
  double layers = n * logits.exits.front().layer;
  double correct = 0.0;
  for (std::size_t exit = 0; exit < logits.exits.size(); ++exit) {
    const auto texts = static_cast<double>(std::ranges::count(first_right, exit));
    layers += texts * (logits.exits[exit].layer - logits.exits.front().layer);
    correct += texts;
    budgets.push_back({layers / n, correct / n});
  }
  return budgets;
}

/// Mean height of the line through points of ascending mean layer, from `start`, which stands before them, to
/// `last_layer`.
[[nodiscard]] double mean_height(budget_point start, std::span<const budget_point> points, double last_layer) {
  const double first_layer = start.mean_layer;
  double area = 0.0;
  for (const budget_point& point : points) {
    area += (point.mean_layer - start.mean_layer) * (point.accuracy + start.accuracy) / 2.0;
    start = point;
  }
  area += (last_layer - start.mean_layer) * start.accuracy;
  return last_layer > first_layer ? area / (last_layer - first_layer) : start.accuracy;
}

[[nodiscard]] curve_areas areas_of(const curve& found) {
  const auto line_of = [](std::span<const operating_point> points, double operating_point::*height) {
    std::vector<budget_point> line;
    for (const operating_point& point : points) {
      line.push_back({point.mean_layer, point.*height});
    }
    return line;
  };
  const auto fixed = line_of(found.fixed_exits, &operating_point::accuracy);
  const auto area = [&](std::span<const budget_point> line) {
    return mean_height(fixed.front(), line, fixed.back().mean_layer);
  };
  return {area(line_of(found.points, &operating_point::accuracy)),
          area(line_of(found.points, &operating_point::random_accuracy)), area(fixed), area(found.oracle_budgets)};
}

}  // namespace
}  // namespace detail

const operating_point& curve::at(float threshold) const {
  const offramp::detail::default_floating_point environment;
  static_cast<void>(policy_at(rule, threshold));
  if (rule.kind == exit_policy::rule::patience) {
    threshold = std::floor(threshold);
    if (threshold < 1.0F) {
      return full_depth();
    }
  }
  const bool is_ascending = points.front().thresholds->lowest <= points.back().thresholds->lowest;
  const auto found = std::ranges::partition_point(points, [&](const operating_point& point) {
    return is_ascending ? point.thresholds->highest < threshold : threshold < point.thresholds->lowest;
  });
  return found == points.end() ? full_depth() : *found;
}

operating_point summarise(const exit_logits& logits, std::span<const exit_answer> answers) {
  const offramp::detail::default_floating_point environment;
  if (answers.size() != logits.num_texts) {
    throw error(error_kind::invalid_argument, "summarise: " + std::to_string(answers.size()) + " answers, expected " +
                                                  std::to_string(logits.num_texts));
  }
  return detail::point_of_exits(detail::tally(logits), logits.num_texts,
                                [&](std::size_t text) { return answers[text].exit; });
}

curve compute_curve(const exit_logits& logits, const sweep_rule& rule) {
  const offramp::detail::default_floating_point environment;
  const exit_policy policy = policy_at(rule, 0.0F);
  if (!logits.cuts.empty()) {
    exits::refuse_exclusive(policy);
  }
  if (rule.kind == exit_policy::rule::learned && logits.uncertainties.empty()) {
    throw error(error_kind::invalid_argument, "sweep_rule: the rule is learned, but the model has no gate");
  }
  const detail::tally empty(logits);
  const std::vector<std::size_t> first_right = detail::first_right_exits(logits, empty);
  const std::size_t last = logits.exits.size() - 1;
  curve found{.rule = rule,
              .points = detail::sweep(logits, rule),
              .fixed_exits = {},
              .oracle = detail::point_of_exits(empty, logits.num_texts,
                                               [&](std::size_t text) { return std::min(first_right[text], last); }),
              .oracle_budgets = detail::oracle_budgets(logits, first_right),
              .areas = {}};
  for (std::size_t exit = 0; exit <= last; ++exit) {
    found.fixed_exits.push_back(detail::point_of_exits(empty, logits.num_texts, [&](std::size_t) { return exit; }));
  }
  found.areas = detail::areas_of(found);
  return found;
}

std::vector<std::size_t> spread_points(const curve& found, std::size_t count) {
  const offramp::detail::default_floating_point environment;
  const std::size_t last = found.points.size() - 1;
  std::vector<std::size_t> chosen;
  if (count >= found.points.size()) {
    for (std::size_t point = 0; point <= last; ++point) {
      chosen.push_back(point);
    }
    return chosen;
  }
  const double from = found.points.front().mean_layer;
  const double width = found.full_depth().mean_layer - from;
  const double steps = count > 1 ? static_cast<double>(count - 1) : 1.0;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const double wanted = from + width * static_cast<double>(i) / steps;
    const auto point = std::ranges::lower_bound(found.points, wanted, {}, &operating_point::mean_layer);
    const auto index = std::min(last, static_cast<std::size_t>(point - found.points.begin()));
    if (chosen.empty() || chosen.back() < index) {
      chosen.push_back(index);
    }
  }
  if (chosen.empty() || chosen.back() < last) {
    chosen.push_back(last);
  }
  return chosen;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
