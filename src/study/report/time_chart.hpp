// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "axis.hpp"
#include "chart_parts.hpp"
#include "cost_chart.hpp"
#include "label_placer.hpp"
#include "study_text.hpp"
#include "svg.hpp"

#include <offramp/study/curve_study.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Accuracy over measured milliseconds per text, one at a time and in batches.
class time_chart {
 public:
  time_chart(const curve_study& study, chart_width size)
      : study_(study),
        width_(size == chart_width::wide ? 880.0 : 344.0),
        right_(width_ - 14.0),
        placer_({left, top, right_, bottom}),
        picture_(width_, height) {
    double slowest = 0.0;
    double low = 1.0;
    double high = 0.0;
    for (const timed_point& timed : study.timed) {
      slowest = std::max({slowest, timed.time.single.mean_ms, timed.time.batched.mean_ms});
      low = std::min(low, study.found.points[timed.point].accuracy);
      high = std::max(high, study.found.points[timed.point].accuracy);
    }
    const double margin = std::max(0.08 * (high - low), 0.004);
    across_ = {0.0, slowest * 1.04, left, right_};
    up_ = {std::max(0.0, low - margin), std::min(1.0, high + margin), bottom, top};
  }

  [[nodiscard]] svg draw() {
    draw_axes();
    const std::vector<pixel> single = line_of(&wall_time::single);
    const std::vector<pixel> batched = line_of(&wall_time::batched);
    picture_.polyline(batched, "line batch");
    picture_.polyline(single, "line early");
    draw_marks();
    placer_.avoid(single);
    placer_.avoid(batched);
    name("batches of " + std::to_string(study_.timing.batch), batched, "fixed-text strong");
    name("one text at a time", single, "early-text");
    return picture_;
  }

 private:
  static constexpr double height = 360.0;
  static constexpr double left = 46.0;
  static constexpr double top = 40.0;
  static constexpr double bottom = height - 56.0;

  void draw_axes() {
    draw_accuracies(picture_, up_, left, right_, 5);
    picture_.text({left, 22.0}, accuracy_name(study_) + ", %", "soft");
    const double time_step = tick_step(across_.high, width_ > 500.0 ? 9 : 5);
    for (const double tick : ticks(0.0, across_.high, time_step)) {
      draw_tick_below(picture_, across_.at(tick), bottom, tick, tick_decimals(time_step));
    }
    draw_base(picture_, left, right_, bottom,
              width_ > 500.0 ? "milliseconds per text, mean, tokenization included" : "milliseconds per text");
  }

  [[nodiscard]] pixel place(const timed_point& timed, latency wall_time::*way) const {
    return {across_.at((timed.time.*way).mean_ms), up_.at(study_.found.points[timed.point].accuracy)};
  }

  [[nodiscard]] std::vector<pixel> line_of(latency wall_time::*way) const {
    std::vector<pixel> line;
    for (const timed_point& timed : study_.timed) {
      line.push_back(place(timed, way));
    }
    return line;
  }

  void draw_marks() {
    for (const timed_point& timed : study_.timed) {
      const auto title = [&](const latency& time) {
        return describe_threshold(study_, timed.point) + "\n" + fixed_number(time.mean_ms, 3) +
               " ms on average (95 %: " + fixed_number(time.mean_likely.lower, 3) + " to " +
               fixed_number(time.mean_likely.upper, 3) + "), 95 % of texts within " + fixed_number(time.p95_ms, 3) +
               " ms\naccuracy " + percent(study_.found.points[timed.point].accuracy);
      };
      for (const auto way : {&wall_time::single, &wall_time::batched}) {
        const double y = place(timed, way).y;
        const time_interval likely = (timed.time.*way).mean_likely;
        const auto x = [&](double ms) { return std::min(across_.at(ms), right_); };
        picture_.line({x(likely.lower), y}, {x(likely.upper), y},
                      way == &wall_time::single ? "whisker" : "whisker-warm");
      }
      picture_.square(place(timed, &wall_time::batched), 4.0, "batch-mark", title(timed.time.batched));
      picture_.circle(place(timed, &wall_time::single), 4.6, "dot", title(timed.time.single));
    }
  }

  /// Near the line's slow end, where the two are far apart.
  void name(std::string_view label, const std::vector<pixel>& line, std::string_view style) {
    draw_name(picture_, placer_, label, {line.rbegin(), line.rend()}, style, 13.5, 90.0);
  }

  const curve_study& study_;
  double width_;
  double right_;
  axis across_;
  axis up_;
  label_placer placer_;
  svg picture_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
