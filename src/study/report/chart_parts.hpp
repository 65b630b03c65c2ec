// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "axis.hpp"
#include "label_placer.hpp"
#include "study/number_text.hpp"
#include "study_text.hpp"
#include "svg.hpp"

#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Rules across the picture from `left` to `right` at about `count` accuracies, which stand beside them in percent.
inline void draw_accuracies(svg& picture, const axis& up, double left, double right, int count) {
  const double step = tick_step(100.0 * (up.high - up.low), count);
  for (const double tick : ticks(100.0 * up.low, 100.0 * up.high, step)) {
    const double y = up.at(tick / 100.0);
    picture.line({left, y}, {right, y}, "rule");
    picture.text({left - 9.0, y + 4.5}, fixed_number(tick, tick_decimals(step)), "soft right", anchor::end);
  }
}

/// A tick below the picture with its number.
inline void draw_tick_below(svg& picture, double x, double bottom, double tick, int decimals) {
  picture.line({x, bottom}, {x, bottom + 5.0}, "base");
  picture.text({x, bottom + 21.0}, fixed_number(tick, decimals), "soft right", anchor::middle);
}

/// The line under the picture, and what its ticks count.
inline void draw_base(svg& picture, double left, double right, double bottom, std::string_view counted) {
  picture.line({left, bottom}, {right, bottom}, "base");
  picture.text({(left + right) / 2.0, bottom + 43.0}, counted, "soft", anchor::middle);
}

/// A name near one of these places, within `reach`, where there is room.
inline void draw_name(svg& picture, label_placer& placer, std::string_view label, const std::vector<pixel>& places,
                      std::string_view style, double font_size, double reach) {
  if (const auto room = placer.place(places, {text_width(label, font_size), 16.0}, reach)) {
    picture.text({room->centre().x, room->bottom - 4.0}, label, style, anchor::middle);
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
