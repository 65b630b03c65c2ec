// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "axis.hpp"
#include "chart_style.hpp"
#include "svg.hpp"

#include <offramp/study/binomial.hpp>
#include <offramp/study/reliability_chart.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Where the axes begin; both end at 1.
struct reliability_range {
  double confidence = 0.0;
  double accuracy = 0.0;
};

/// Draws one panel with its upper left corner at `corner`.
class reliability_drawing {
 public:
  static constexpr double width = 280.0;
  static constexpr double height = 312.0;

  reliability_drawing(svg& picture, pixel corner, const reliability_range& shown)
      : picture_(picture),
        corner_(corner),
        across_{shown.confidence, 1.0, corner.x + 46.0, corner.x + 46.0 + wide},
        up_{shown.accuracy, 1.0, corner.y + 50.0 + tall, corner.y + 50.0} {}

  void draw(const reliability_panel& panel) {
    picture_.text({across_.from, corner_.y + 20.0}, panel.title, "strong");
    picture_.text({across_.from, corner_.y + 38.0}, panel.note, "soft small");
    draw_axes();
    draw_shares(panel.bins);
    picture_.line({across_.from, up_.at(across_.low)}, {across_.to, up_.to}, "line diagonal");
    for (const reliability_bin& bin : panel.bins) {
      draw_bin(bin);
    }
  }

 private:
  static constexpr double wide = 220.0;
  static constexpr double tall = 204.0;
  static constexpr double foot = 30.0;  // of the tallest share

  void draw_axes() {
    for (const double value : ticks(up_.low, 1.0, tick_step(1.0 - up_.low, 5))) {
      picture_.line({across_.from, up_.at(value)}, {across_.to, up_.at(value)}, "rule");
      picture_.text({across_.from - 7.0, up_.at(value) + 4.0}, fixed_number(100.0 * value, 0), "soft small",
                    anchor::end);
    }
    for (const double value : ticks(across_.low, 1.0, tick_step(1.0 - across_.low, 5))) {
      picture_.text({across_.at(value), up_.from + 17.0}, fixed_number(100.0 * value, 0), "soft small", anchor::middle);
    }
    picture_.line({across_.from, up_.from}, {across_.to, up_.from}, "base");
    picture_.text({(across_.from + across_.to) / 2.0, up_.from + 34.0}, "confidence, %", "soft small", anchor::middle);
    picture_.upward_text({corner_.x + 14.0, (up_.from + up_.to) / 2.0}, "right answers, %", "soft small");
  }

  void draw_shares(std::span<const reliability_bin> bins) {
    std::size_t most = 1;
    for (const reliability_bin& bin : bins) {
      most = std::max(most, bin.texts);
    }
    for (const reliability_bin& bin : bins) {
      if (bin.texts > 0) {
        const double left = across_.at(std::max(bin.lower, across_.low)) + 0.75;
        const double right = across_.at(std::max(bin.upper, across_.low)) - 0.75;
        const double share = foot * static_cast<double>(bin.texts) / static_cast<double>(most);
        picture_.rectangle({left, up_.from - share}, {std::max(0.5, right - left), share}, "share");
      }
    }
  }

  void draw_bin(const reliability_bin& bin) {
    if (bin.texts == 0) {
      return;
    }
    const auto texts = static_cast<double>(bin.texts);
    const interval likely = wilson(std::llround(bin.accuracy * texts), static_cast<std::int64_t>(bin.texts), 0.95);
    const auto inside = [&](double value) { return up_.at(std::max(value, up_.low)); };
    const double x = across_.at(std::max(bin.confidence, across_.low));
    picture_.line({x, inside(likely.lower)}, {x, inside(likely.upper)}, "line whisker");
    picture_.circle({x, inside(bin.accuracy)}, 4.2, "dot",
                    std::to_string(bin.texts) + " texts: confidence " + fixed_number(100.0 * bin.confidence, 1) +
                        " %, right " + fixed_number(100.0 * bin.accuracy, 1) + " % (" +
                        fixed_number(100.0 * likely.lower, 1) + " to " + fixed_number(100.0 * likely.upper, 1) + ")");
  }

  svg& picture_;
  pixel corner_;
  axis across_;
  axis up_;
};

/// What is worth showing, from full tenths on: bins that hold hardly any text do not stretch the axes.
[[nodiscard]] inline reliability_range shown_range(std::span<const reliability_panel> panels) {
  constexpr std::size_t least_share = 50;  // one text of so many
  reliability_range lowest{0.9, 0.9};
  for (const reliability_panel& panel : panels) {
    std::size_t texts = 0;
    for (const reliability_bin& bin : panel.bins) {
      texts += bin.texts;
    }
    for (const reliability_bin& bin : panel.bins) {
      if (bin.texts > 0) {
        lowest.confidence = std::min(lowest.confidence, bin.confidence);
      }
      if (bin.texts > 0 && bin.texts * least_share >= texts) {
        lowest.accuracy = std::min(lowest.accuracy, bin.accuracy);
      }
    }
  }
  const auto full_tenth = [](double value) { return std::max(0.0, std::floor(value * 10.0) / 10.0); };
  const double confidence = full_tenth(lowest.confidence);
  return {confidence, std::min(confidence, full_tenth(lowest.accuracy))};
}

[[nodiscard]] inline svg draw_reliability(std::span<const reliability_panel> panels) {
  constexpr std::size_t per_row = 3;
  const std::size_t columns = std::clamp<std::size_t>(panels.size(), 1, per_row);
  const std::size_t rows = (panels.size() + per_row - 1) / per_row;
  svg picture(reliability_drawing::width * static_cast<double>(columns) + 8.0,
              reliability_drawing::height * static_cast<double>(rows) + 8.0);
  const reliability_range shown = shown_range(panels);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const pixel corner{reliability_drawing::width * static_cast<double>(i % per_row),
                       reliability_drawing::height * static_cast<double>(i / per_row)};
    reliability_drawing(picture, corner, shown).draw(panels[i]);
  }
  return picture;
}

inline constexpr std::string_view reliability_description =
    "Reliability diagrams: for each exit, how often its answers are right against how confident they are. Dots on the "
    "dashed diagonal keep what they promise; below it they promise too much.";

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
