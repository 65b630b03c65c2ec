// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "axis.hpp"
#include "chart_parts.hpp"
#include "label_placer.hpp"
#include "study_text.hpp"
#include "svg.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Points of accuracy (hundredths) above that of the main study's full depth, for so many layers run on average, and
/// where that may lie.
struct cost_point {
  double layer = 0.0;
  double gain = 0.0;
  double lower = 0.0;
  double upper = 0.0;
};

/// How wide a chart is: its texts are as large as the page's at either.
enum class chart_width { wide, narrow };

/// What a chart shows: layers across, points of accuracy upwards.
struct cost_ranges {
  double first_layer = 0.0;
  double last_layer = 1.0;  ///< above the first
  double full_layer = 1.0;  ///< that speed-ups compare with
  double lowest = -1.0;
  double highest = 1.0;  ///< above the lowest
};

/// Accuracy against that of full depth over the layers run.
class cost_chart {
 public:
  cost_chart(chart_width width, const cost_ranges& shown, double foot)
      : is_wide_(width == chart_width::wide),
        size_{is_wide_ ? 880.0 : 344.0, (is_wide_ ? 470.0 : 350.0) + foot},
        area_{is_wide_ ? 52.0 : 34.0, is_wide_ ? 62.0 : 58.0, size_.x - 14.0, size_.y - foot - 52.0},
        across_{shown.first_layer, shown.last_layer, area_.left, area_.right},
        up_{shown.lowest, shown.highest, area_.bottom, area_.top},
        full_layer_(shown.full_layer),
        placer_(area_),
        picture_(size_.x, size_.y) {
    for (const auto& [name, value] :
         {std::pair{"left", area_.left}, std::pair{"right", area_.right}, std::pair{"top", area_.top},
          std::pair{"bottom", area_.bottom}, std::pair{"first", across_.low}, std::pair{"last", across_.high},
          std::pair{"lowest", up_.low}, std::pair{"highest", up_.high}}) {
      picture_.add_data(name, value);
    }
  }

  [[nodiscard]] pixel place(double layer, double gain) const { return {across_.at(layer), up_.at(gain)}; }
  [[nodiscard]] const box& area() const { return area_; }
  [[nodiscard]] bool is_wide() const { return is_wide_; }
  [[nodiscard]] svg& picture() { return picture_; }
  [[nodiscard]] label_placer& placer() { return placer_; }

  /// Rules, ticks and what they count; `upwards` stands above the picture.
  void draw_axes(std::string_view upwards) {
    picture_.text({area_.left, 18.0}, upwards, "soft");
    const double step = tick_step(up_.high - up_.low, is_wide_ ? 7 : 5);
    for (const double tick : ticks(up_.low, up_.high, step)) {
      const bool is_zero = std::abs(tick) < 1e-9;
      const double y = up_.at(tick);
      picture_.line({area_.left, y}, {area_.right, y}, is_zero ? "full" : "rule");
      picture_.text({area_.left - 8.0, y + 4.5}, signed_number(tick, tick_decimals(step)), "soft right", anchor::end);
    }
    for (const double tick :
         ticks(across_.low, across_.high, std::max(1.0, tick_step(across_.high - across_.low, is_wide_ ? 12 : 7)))) {
      draw_tick_below(picture_, across_.at(tick), area_.bottom, tick, 0);
    }
    draw_base(picture_, area_.left, area_.right, area_.bottom, "encoder layers run, mean over texts");
    draw_speedups();
  }

  void draw_band(std::span<const cost_point> points) {
    std::vector<pixel> band;
    for (const cost_point& point : points) {
      band.push_back(place(point.layer, point.upper));
    }
    for (std::size_t i = points.size(); i-- > 0;) {
      band.push_back(place(points[i].layer, points[i].lower));
    }
    inside([&] { picture_.polygon(band, "band"); });
  }

  /// A line that names keep away from; of a single point a ring, whole at the edge of the area too.
  void draw_line(std::span<const cost_point> points, std::string_view style) {
    const std::vector<pixel> line = pixels(points);
    if (line.size() == 1) {
      picture_.circle(line.front(), 5.0, "spot " + std::string(style));
      avoid_around(line.front(), 7.0);
      return;
    }
    inside([&] { picture_.polyline(line, "line " + std::string(style)); });
    placer_.avoid(line);
  }

  /// A name near the line, where there is room, at one of these shares of the width.
  void draw_line_name(std::string_view name, std::span<const cost_point> points, std::span<const double> shares,
                      std::string_view style) {
    const std::vector<pixel> line = pixels(points);
    std::vector<pixel> places;
    for (const double share : shares) {
      const double x = area_.left + share * (area_.right - area_.left);
      const auto after = std::ranges::find_if(line, [&](const pixel& point) { return point.x >= x; });
      places.push_back(after == line.end() ? line.back() : *after);
    }
    draw_name(picture_, placer_, name, places, style, 13.0, 90.0);
  }

  void avoid_around(pixel centre, double radius) {
    placer_.avoid(box{centre.x - radius, centre.y - radius, centre.x + radius, centre.y + radius});
  }

  /// Draws what is cut off at the edges of the area.
  template <class Draw>
  void inside(const Draw& draw) {
    constexpr double margin = 3.0;
    picture_.begin_part({area_.left - margin, area_.top - margin},
                        {area_.right - area_.left + 2 * margin, area_.bottom - area_.top + 2 * margin});
    draw();
    picture_.end_part();
  }

 private:
  /// As in "-1", "0" and "+0.5".
  [[nodiscard]] static std::string signed_number(double value, int decimals) {
    const std::string number = fixed_number(std::abs(value), decimals);
    return std::abs(value) < 1e-9 ? "0" : (value < 0.0 ? "\u2212" : "+") + number;
  }

  /// Thinned to what can be seen.
  [[nodiscard]] std::vector<pixel> pixels(std::span<const cost_point> points) const {
    constexpr double finest = 0.8;
    std::vector<pixel> line;
    for (const cost_point& point : points) {
      const pixel next = place(point.layer, point.gain);
      if (line.empty() || next.x - line.back().x >= finest || &point == &points.back()) {
        line.push_back(next);
      }
    }
    return line;
  }

  void draw_speedups() {
    const double room = 38.0;
    double free_from = area_.left - room;
    for (const double factor : {48.0, 24.0, 16.0, 12.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.5, 2.0, 1.75, 1.5, 1.25, 1.1, 1.0}) {
      const double layer = full_layer_ / factor;
      const double x = across_.at(layer);
      if (layer < across_.low - 1e-9 || x - free_from < room) {
        continue;
      }
      picture_.line({x, area_.top - 5.0}, {x, area_.top}, "base");
      picture_.text({x, area_.top - 11.0}, short_number(factor) + "\u00D7", "soft right",
                    x > area_.right - room / 2.0 ? anchor::end : anchor::middle);
      free_from = x;
    }
    picture_.line({area_.left, area_.top}, {area_.right, area_.top}, "rule");
    if (is_wide_) {
      picture_.text({area_.right, 18.0}, "times fewer layers", "soft", anchor::end);
    }
  }

  bool is_wide_;
  pixel size_;
  box area_;
  axis across_;
  axis up_;
  double full_layer_;
  label_placer placer_;
  svg picture_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
