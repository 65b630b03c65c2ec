// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chart_style.hpp"
#include "cost_chart.hpp"
#include "study_text.hpp"
#include "svg.hpp"

#include <offramp/study/curve_study.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Points of accuracy by which `study` is better at full depth than `main`, on the same texts.
[[nodiscard]] inline double head_start(const curve_study& study, const curve_study& main) {
  return 100.0 * (study.found.full_depth().accuracy - main.found.full_depth().accuracy);
}

/// Against full depth of its own model, raised by `start`.
[[nodiscard]] inline cost_point cost_of(const operating_point& point, double start = 0.0) {
  const paired_difference loss = point.paired_loss();
  return {point.mean_layer, start - 100.0 * loss.estimate, start - 100.0 * loss.upper, start - 100.0 * loss.lower};
}

/// Against full depth of the main study.
[[nodiscard]] inline std::vector<cost_point> costs_of(const curve_study& study, const curve_study& main) {
  std::vector<cost_point> costs;
  for (const std::size_t point : spread_points(study.found, 240)) {
    costs.push_back(cost_of(study.found.points[point], head_start(study, main)));
  }
  return costs;
}

/// The main picture: accuracy against full depth's over mean layer, with the paired interval.
class curve_chart {
 public:
  /// `others` are curves on the same texts, drawn against full depth of `study`.
  curve_chart(const curve_study& study, std::span<const curve_study> others, chart_width width, double foot = 0.0)
      : study_(study), others_(others), early_(costs_of(study, study)), chart_(width, ranges(study, others), foot) {}

  [[nodiscard]] pixel place(std::size_t point) const {
    const cost_point cost = cost_of(study_.found.points[point]);
    return chart_.place(cost.layer, cost.gain);
  }

  /// Lines that a reader can ask for, of the classes "random", "fixed" and "oracle", stand in groups that are "asked".
  [[nodiscard]] svg draw() {
    const bool has_models =
        std::ranges::any_of(others_, [&](const auto& other) { return other.model != study_.model; });
    chart_.draw_axes(std::string(study_.is_labelled ? "points of accuracy" : "points of agreement") +
                     (chart_.is_wide() ? " above full depth" : " against full depth") +
                     (has_models && chart_.is_wide() ? " of " + study_.model : ""));
    draw_asked_lines();
    chart_.draw_band(early_);
    for (std::size_t i = 0; i < others_.size(); ++i) {
      chart_.draw_line(costs_of(others_[i], study_), "other other-" + std::to_string(i % num_other_styles));
    }
    chart_.draw_line(early_, "early");
    draw_marked();
    draw_picks();
    draw_names();
    return chart_.picture();
  }

  /// Where a reader is: a line down, the interval, and a dot, which scripts move.
  void draw_cursor(svg& picture, std::size_t point) const {
    const cost_point cost = cost_of(study_.found.points[point]);
    const pixel at = chart_.place(cost.layer, cost.gain);
    picture.begin_group("cursor");
    picture.line({at.x, chart_.area().top}, {at.x, chart_.area().bottom}, "cross");
    picture.line({at.x, chart_.place(0, cost.lower).y}, {at.x, chart_.place(0, cost.upper).y}, "span");
    picture.circle(at, 6.5, "cursor-dot");
    picture.end_group();
  }

  static constexpr std::size_t num_other_styles = 4;

 private:
  [[nodiscard]] static cost_ranges ranges(const curve_study& study, std::span<const curve_study> others) {
    const double full_layer = study.found.full_depth().mean_layer;
    cost_ranges shown{study.found.fixed_exits.front().mean_layer, full_layer, full_layer, 0.0, 0.0};
    const auto include = [&](const curve_study& of) {
      shown.first_layer = std::min(shown.first_layer, of.found.points.front().mean_layer);
      shown.last_layer = std::max(shown.last_layer, of.found.full_depth().mean_layer);
      for (const operating_point& point : of.found.points) {
        const double gain = cost_of(point, head_start(of, study)).gain;
        shown.lowest = std::min(shown.lowest, gain);
        shown.highest = std::max(shown.highest, gain);
      }
    };
    include(study);
    std::ranges::for_each(others, include);
    if (shown.last_layer <= shown.first_layer) {
      shown.first_layer = shown.last_layer - 1.0;
    }
    const double margin = std::max(0.08 * (shown.highest - shown.lowest), 0.4);
    shown.lowest -= margin;
    shown.highest += 1.5 * margin;
    return shown;
  }

  void draw_asked_lines() {
    std::vector<cost_point> random;
    const double full = study_.found.full_depth().accuracy;
    for (const std::size_t i : spread_points(study_.found, 120)) {
      const operating_point& point = study_.found.points[i];
      random.push_back({point.mean_layer, 100.0 * (point.random_accuracy - full)});
    }
    std::vector<cost_point> oracle;
    for (const budget_point& budget : study_.found.oracle_budgets) {
      oracle.push_back({budget.mean_layer, 100.0 * (budget.accuracy - full)});
    }
    oracle.push_back({study_.found.full_depth().mean_layer, oracle.back().gain});
    std::vector<cost_point> fixed;
    for (const operating_point& exit : study_.found.fixed_exits) {
      fixed.push_back(cost_of(exit));
    }
    draw_asked("random", random);
    draw_asked("oracle", oracle);
    draw_asked("fixed", fixed);
    for (const cost_point& exit : fixed) {
      chart_.avoid_around(chart_.place(exit.layer, exit.gain), 6.0);
    }
  }

  void draw_asked(std::string_view name, std::span<const cost_point> points) {
    svg& picture = chart_.picture();
    picture.begin_group("asked asked-" + std::string(name) + (name == "fixed" ? " is-shown" : ""));
    chart_.inside([&] {
      std::vector<pixel> line;
      for (const cost_point& point : points) {
        line.push_back(chart_.place(point.layer, point.gain));
      }
      picture.polyline(line, "line " + std::string(name));
      for (const pixel& at : line) {
        if (name == "fixed") {
          picture.square(at, 4.0, "fixed-mark");
        }
      }
    });
    picture.end_group();
  }

  void draw_marked() {
    svg& picture = chart_.picture();
    chart_.inside([&] {
      for (const marked_point& marked : study_.marked) {
        const cost_point cost = cost_of(marked.point);
        const double x = chart_.place(cost.layer, 0.0).x;
        picture.line({x, chart_.place(0.0, cost.lower).y}, {x, chart_.place(0.0, cost.upper).y}, "whisker-warm");
        picture.diamond(chart_.place(cost.layer, cost.gain), 6.5, "marked",
                        marked.name + "\n" + describe_result(marked.point));
      }
    });
    for (const marked_point& marked : study_.marked) {
      const cost_point cost = cost_of(marked.point);
      chart_.avoid_around(chart_.place(cost.layer, cost.gain), 8.0);
    }
  }

  void draw_picks() {
    const std::vector<pick_mark> marks = marks_of(study_);
    for (const pick_mark& mark : marks) {
      chart_.avoid_around(place(mark.point), 7.0);
    }
    for (const pick_mark& mark : marks) {
      const std::array places{place(mark.point)};
      const auto room = chart_.placer().place(places, {text_width(mark.letter, 15.0) + 2.0, 17.0}, 60.0);
      chart_.picture().circle(
          places[0], 5.5, "ring",
          describe_threshold(study_, mark.point) + "\n" + describe_result(study_.found.points[mark.point]));
      if (room) {
        chart_.picture().text({room->centre().x, room->bottom - 4.0}, mark.letter, "early-text strong", anchor::middle);
      }
    }
  }

  void draw_names() {
    constexpr std::array shares{0.62, 0.5, 0.75, 0.4, 0.3, 0.2};
    for (const marked_point& marked : study_.marked) {
      const cost_point cost = cost_of(marked.point);
      const std::array places{chart_.place(cost.layer, cost.gain)};
      draw_name(chart_.picture(), chart_.placer(), marked.name, {places.begin(), places.end()}, "marked-text", 13.0,
                90.0);
    }
    if (others_.empty()) {
      const std::string full = "full depth, " + percent(study_.found.full_depth().accuracy);
      const std::array<cost_point, 2> line{cost_point{study_.found.fixed_exits.front().mean_layer, 0.0},
                                           cost_point{study_.found.full_depth().mean_layer, 0.0}};
      chart_.draw_line_name(full, line, std::array{0.16, 0.3, 0.85}, "soft");
      return;
    }
    const std::vector<std::string> names = series_names(study_, others_);
    chart_.draw_line_name(names.front(), early_, shares, "early-text");
    for (std::size_t i = 0; i < others_.size(); ++i) {
      chart_.draw_line_name(names[i + 1], costs_of(others_[i], study_), shares,
                            "other-text-" + std::to_string(i % num_other_styles));
    }
  }

  const curve_study& study_;
  std::span<const curve_study> others_;
  std::vector<cost_point> early_;
  cost_chart chart_;
};

/// What a reader who sees no pictures is told.
[[nodiscard]] inline std::string describe_curve(const curve_study& study) {
  const curve& found = study.found;
  const std::string what = study.is_labelled ? "Accuracy" : "Agreement";
  return what +
         " against full depth's over the mean number of layers run, with the paired 95 % interval. Full depth: " +
         percent(found.full_depth().accuracy) + " at layer " + short_number(found.full_depth().mean_layer) +
         ". Averaged over all costs: early exit " + percent(found.areas.early_exit) + ", one exit for every text " +
         percent(found.areas.fixed_exits) + ", random exits " + percent(found.areas.random_exits) + ", oracle " +
         percent(found.areas.oracle) + ".";
}

/// A file of its own: below the picture a line for each picked point.
[[nodiscard]] inline std::string curve_picture_document(const curve_study& study, std::span<const curve_study> others) {
  constexpr double line_height = 21.0;
  constexpr double left = 52.0;
  const std::vector<pick_mark> marks = marks_of(study);
  const double foot = marks.empty() ? 0.0 : 12.0 + line_height * static_cast<double>(marks.size());
  curve_chart chart(study, others, chart_width::wide, foot);
  svg picture = chart.draw();
  double y = 470.0 + 8.0;
  for (const pick_mark& mark : marks) {
    const operating_point& point = study.found.points[mark.point];
    std::string wanted = describe_threshold(study, mark.point) + ": " + factor_text(point.layer_speedup, 2) +
                         " fewer layers, loses " + describe_loss(point);
    picture.text({left, y}, mark.letter, "early-text strong");
    picture.text({left + 22.0, y}, wanted, "soft");
    y += line_height;
  }
  return picture.document(describe_curve(study), chart_style);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
