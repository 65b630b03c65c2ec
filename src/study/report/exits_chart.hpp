// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study_text.hpp"
#include "svg.hpp"

#include <offramp/study/curve_study.hpp>

#include <cstddef>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Opacity of an exit's colour by how deep it is.
[[nodiscard]] inline double depth_opacity(std::size_t exit, std::size_t num_exits) {
  return num_exits < 2 ? 1.0 : 0.22 + 0.78 * static_cast<double>(exit) / static_cast<double>(num_exits - 1);
}

/// Where texts leave at each picked point: one bar per point, split by exit.
[[nodiscard]] inline svg draw_exits(const curve_study& study) {
  constexpr double width = 880.0;
  constexpr double left = 62.0;
  constexpr double right = width - 22.0;
  constexpr double bar = 34.0;
  constexpr double row_height = 74.0;
  const std::vector<pick_mark> marks = marks_of(study);
  svg picture(width, row_height * static_cast<double>(marks.size()) + 4.0);
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const operating_point& point = study.found.points[marks[i].point];
    const double y = row_height * static_cast<double>(i) + 30.0;
    picture.text({left - 22.0, y + 22.0}, marks[i].letter, "early-text heading", anchor::end);
    std::string wanted = describe_threshold(study, marks[i].point);
    for (const std::string& goal_text : marks[i].wanted) {
      wanted += ", " + goal_text;
    }
    picture.text({left, y - 8.0}, wanted, "soft");
    double from = left;
    for (std::size_t exit = 0; exit < point.exits.size(); ++exit) {
      const exit_share& share = point.exits[exit];
      const double part = static_cast<double>(share.texts) / static_cast<double>(point.texts);
      const double wide = part * (right - left);
      const double opacity = depth_opacity(exit, point.exits.size());
      if (share.texts > 0) {
        picture.shade({from, y}, {wide, bar}, opacity, "segment",
                      "Layer " + std::to_string(share.layer) + " answers " + std::to_string(share.texts) + " texts, " +
                          percent(part) + "\nright: " + percent(share.accuracy()) +
                          ", confidence: " + percent(share.mean_confidence));
        const std::string name = "layer " + std::to_string(share.layer) + ": " + fixed_number(100.0 * part, 0) + " %";
        const std::string shorter = std::to_string(share.layer);
        const std::string_view style = opacity > 0.55 ? "on-fill small" : "small";
        const bool fits = text_width(name, 12.0) + 8.0 < wide;
        if (fits || text_width(shorter, 12.0) + 8.0 < wide) {
          picture.text({from + wide / 2.0, y + bar / 2.0 + 4.0}, fits ? name : shorter, style, anchor::middle);
        }
      }
      from += wide;
    }
  }
  return picture;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
