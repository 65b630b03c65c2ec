// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "axis.hpp"
#include "chart_parts.hpp"
#include "label_placer.hpp"
#include "study_text.hpp"
#include "svg.hpp"

#include <offramp/study/curve_study.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The main picture: accuracy over mean layer.
class curve_chart {
 public:
  explicit curve_chart(const curve_study& study)
      : study_(study),
        across_(layers(study.found)),
        up_(accuracies(study.found)),
        placer_({left, top, right, bottom}),
        picture_(width, height + (marks_of(study).empty() ? 0.0 : 12.0) +
                            key_line * static_cast<double>(marks_of(study).size())) {
    early_ = pixels(&operating_point::accuracy);
    random_ = pixels(&operating_point::random_accuracy);
    for (const operating_point& exit : study.found.fixed_exits) {
      fixed_.push_back(place(exit.mean_layer, exit.accuracy));
    }
    for (const budget_point& budget : study.found.oracle_budgets) {
      oracle_.push_back(place(budget.mean_layer, budget.accuracy));
    }
    oracle_.push_back({right, oracle_.back().y});
  }

  /// Where a point of the curve stands.
  [[nodiscard]] pixel place(const operating_point& point) const { return place(point.mean_layer, point.accuracy); }

  [[nodiscard]] svg draw() {
    draw_axes();
    draw_lines();
    draw_key();
    draw_badges();
    draw_names();
    draw_tooltips();
    return picture_;
  }

 private:
  static constexpr double width = 880.0;
  static constexpr double height = 540.0;
  static constexpr double left = 62.0;
  static constexpr double right = width - 22.0;
  static constexpr double top = 92.0;
  static constexpr double bottom = height - 56.0;
  static constexpr double key_line = 21.0;

  [[nodiscard]] static axis layers(const curve& found) {
    const double first = found.fixed_exits.front().mean_layer;
    const double last = found.fixed_exits.back().mean_layer;
    return last > first ? axis{first, last, left, right} : axis{first - 1.0, first, left, right};
  }

  [[nodiscard]] static axis accuracies(const curve& found) {
    double low = 1.0;
    double high = found.oracle.accuracy;
    for (const auto* points : {&found.points, &found.fixed_exits}) {
      for (const operating_point& point : *points) {
        low = std::min({low, point.accuracy, point.random_accuracy});
        high = std::max(high, point.accuracy);
      }
    }
    const double margin = std::max(0.06 * (high - low), 0.004);
    return {std::max(0.0, low - margin), std::min(1.0, high + margin), bottom, top};
  }

  [[nodiscard]] pixel place(double layer, double accuracy) const { return {across_.at(layer), up_.at(accuracy)}; }

  /// Thinned to what can be seen.
  [[nodiscard]] std::vector<pixel> pixels(double operating_point::*height_of) const {
    constexpr double finest = 0.8;
    std::vector<pixel> line;
    for (const operating_point& point : study_.found.points) {
      const pixel next = place(point.mean_layer, point.*height_of);
      if (line.empty() || next.x - line.back().x >= finest || &point == &study_.found.points.back()) {
        line.push_back(next);
      }
    }
    return line;
  }

  void draw_axes() {
    picture_.text({left, 26.0},
                  study_.model + " on " + file_name(study_.data) + ": " + accuracy_name(study_) + " against layers run",
                  "heading");
    draw_accuracies(picture_, up_, left, right, 6);
    picture_.text({left, 50.0}, accuracy_name(study_) + ", %", "soft");
    for (const double tick :
         ticks(across_.low, across_.high, std::max(1.0, tick_step(across_.high - across_.low, 12)))) {
      draw_tick_below(picture_, across_.at(tick), bottom, tick, 0);
    }
    draw_base(picture_, left, right, bottom, "encoder layers run, mean over texts");
    draw_speedups();
  }

  void draw_speedups() {
    picture_.text({right, 50.0}, "times faster than full depth, in layers", "soft", anchor::end);
    constexpr double room = 42.0;
    double free_from = left - room;
    for (const double factor : {48.0, 24.0, 16.0, 12.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.5, 2.0, 1.75, 1.5, 1.25, 1.1, 1.0}) {
      const double layer = across_.high / factor;
      const double x = across_.at(layer);
      if (layer < across_.low - 1e-9 || x - free_from < room) {
        continue;
      }
      picture_.line({x, top - 5.0}, {x, top}, "base");
      picture_.text({x, top - 12.0}, short_number(factor) + "\u00D7", "soft right",
                    x > right - room / 2.0 ? anchor::end : anchor::middle);
      free_from = x;
    }
    picture_.line({left, top}, {right, top}, "rule");
  }

  void draw_lines() {
    std::vector<pixel> band;
    std::vector<pixel> lower;
    for (const std::size_t i : spread_points(study_.found, 160)) {
      const operating_point& point = study_.found.points[i];
      band.push_back(place(point.mean_layer, std::min(up_.high, point.accuracy_95.upper)));
      lower.push_back(place(point.mean_layer, std::max(up_.low, point.accuracy_95.lower)));
    }
    band.insert(band.end(), lower.rbegin(), lower.rend());
    picture_.polygon(band, "band");
    const pixel full = early_.back();
    const pixel full_line[] = {{left, full.y}, {right, full.y}};
    picture_.polyline(full_line, "line full");
    placer_.avoid(full_line);
    picture_.polyline(oracle_, "line oracle");
    picture_.polyline(random_, "line random");
    picture_.polyline(fixed_, "line fixed");
    picture_.polyline(early_, "line early");
    for (std::size_t exit = 0; exit < fixed_.size(); ++exit) {
      const operating_point& point = study_.found.fixed_exits[exit];
      picture_.square(fixed_[exit], 5.0, "fixed-mark",
                      "Layer " + short_number(point.mean_layer) + " answers every text\n" + describe_result(point));
      avoid_around(fixed_[exit], 7.0);
    }
    const pixel oracle = place(study_.found.oracle);
    picture_.diamond(oracle, 6.5, "oracle-mark",
                     "Oracle: the cheapest exit that is right, else the last\n" + describe_result(study_.found.oracle));
    avoid_around(oracle, 8.0);
    for (const auto* line : {&early_, &random_, &fixed_, &oracle_}) {
      placer_.avoid(*line);
    }
  }

  void avoid_around(pixel centre, double radius) {
    placer_.avoid(box{centre.x - radius, centre.y - radius, centre.x + radius, centre.y + radius});
  }

  /// What the letters on the curve stand for, below the plot: inside, some line would run through it.
  void draw_key() {
    double y = bottom + 72.0;
    for (const pick_mark& mark : marks_of(study_)) {
      const operating_point& point = study_.found.points[mark.point];
      std::string wanted;
      for (const std::string& one : mark.wanted) {
        wanted += (wanted.empty() ? "" : "; ") + one;
      }
      picture_.text({left, y}, mark.letter, "early-text");
      picture_.text({left + 24.0, y},
                    wanted + ": " + describe_threshold(study_, mark.point) + ", " + percent(point.accuracy) + " at " +
                        fixed_number(point.layer_speedup, 1) + "\u00D7",
                    "soft");
      y += key_line;
    }
  }

  void draw_badges() {
    for (const pick_mark& mark : marks_of(study_)) {
      const pixel centre = place(study_.found.points[mark.point]);
      avoid_around(centre, 7.0);
    }
    for (const pick_mark& mark : marks_of(study_)) {
      const pixel centre = place(study_.found.points[mark.point]);
      const pixel places[] = {centre};
      const auto room = placer_.place(places, {text_width(mark.letter, 15.0) + 2.0, 17.0}, 60.0);
      picture_.circle(centre, 5.5, "ring");
      if (room) {
        picture_.text({room->centre().x, room->bottom - 4.0}, mark.letter, "early-text strong", anchor::middle);
      }
    }
  }

  void draw_names() {
    const std::string full = "full depth " + percent(study_.found.full_depth().accuracy);
    const double full_y = early_.back().y;
    name(full, {{left + 70.0, full_y}, {left + 160.0, full_y}, {right - 80.0, full_y}}, "soft");
    name("oracle: cheapest exit that is right", places_along(oracle_, {0.7, 0.55, 0.85, 0.4}), "oracle-text");
    name("early exit by " + rule_text(study_.found.rule), places_along(early_, {0.3, 0.22, 0.4, 0.5, 0.15}),
         "early-text");
    name("one exit for every text", places_along(fixed_, {0.4, 0.55, 0.25, 0.7}), "fixed-text");
    name("random exits at equal cost", places_along(random_, {0.25, 0.45, 0.6, 0.75}), "random-text");
  }

  /// A line's places at these shares of the width.
  [[nodiscard]] static std::vector<pixel> places_along(const std::vector<pixel>& line, std::vector<double> shares) {
    std::vector<pixel> places;
    for (const double share : shares) {
      const double x = left + share * (right - left);
      const auto after = std::ranges::find_if(line, [&](const pixel& point) { return point.x >= x; });
      if (after == line.end() || after == line.begin()) {
        places.push_back(after == line.end() ? line.back() : line.front());
        continue;
      }
      const pixel before = *(after - 1);
      places.push_back({x, before.y + (after->y - before.y) * (x - before.x) / (after->x - before.x)});
    }
    return places;
  }

  void name(std::string_view label, const std::vector<pixel>& places, std::string_view style) {
    draw_name(picture_, placer_, label, places, style, 13.0, 70.0);
  }

  void draw_tooltips() {
    for (const std::size_t i : spread_points(study_.found, 48)) {
      const operating_point& point = study_.found.points[i];
      picture_.circle(place(point), 8.0, "hit", describe_threshold(study_, i) + "\n" + describe_result(point));
    }
  }

  const curve_study& study_;
  axis across_;
  axis up_;
  label_placer placer_;
  svg picture_;
  std::vector<pixel> early_;
  std::vector<pixel> random_;
  std::vector<pixel> fixed_;
  std::vector<pixel> oracle_;
};

/// What a reader who sees no pictures is told.
[[nodiscard]] inline std::string describe_curve(const curve_study& study) {
  const curve& found = study.found;
  const std::string what = study.is_labelled ? "Accuracy" : "Agreement with full depth";
  return what + " over the mean number of layers run. Full depth: " + percent(found.full_depth().accuracy) +
         " at layer " + short_number(found.full_depth().mean_layer) + ". Averaged over all costs: early exit " +
         percent(found.areas.early_exit) + ", one exit for every text " + percent(found.areas.fixed_exits) +
         ", random exits " + percent(found.areas.random_exits) + ", oracle " + percent(found.areas.oracle) + ".";
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
