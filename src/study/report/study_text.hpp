// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "svg.hpp"

#include <offramp/study/curve_study.hpp>
#include <offramp/text/unicode/utf8.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

[[nodiscard]] inline std::string percent(double share) { return fixed_number(100.0 * share, 1) + " %"; }

/// Hundredths, never "-0.00".
[[nodiscard]] inline std::string points_number(double share) {
  const std::string number = fixed_number(100.0 * share, 2);
  return number == "-0.00" ? "0.00" : number;
}

/// As in "0.33 points of accuracy (95 %: -0.40 to 1.08)".
[[nodiscard]] inline std::string describe_loss(const operating_point& point) {
  const paired_difference loss = point.paired_loss();
  return points_number(loss.estimate) + " points of accuracy (95 %: " + points_number(loss.lower) + " to " +
         points_number(loss.upper) + ")";
}

/// The last part of a path.
[[nodiscard]] inline std::string file_name(std::string_view path) {
  return std::string(path.substr(path.find_last_of('/') + 1));
}

/// About how wide a text is, in the units of its font size: browsers differ, labels leave room.
[[nodiscard]] inline double text_width(std::string_view content, double font_size) {
  double characters = 0.0;
  for (std::size_t position = 0; position < content.size(); position += text::decode(content, position).length) {
    characters += 1.0;
  }
  return 0.54 * font_size * characters;
}

/// What a rule compares, in words.
[[nodiscard]] inline std::string rule_text(const sweep_rule& rule) {
  switch (rule.kind) {
    case exit_policy::rule::declining:
      return "confidence, " + threshold_number(rule.decline) + " less per exit";
    case exit_policy::rule::entropy:
      return "entropy";
    case exit_policy::rule::normalized_entropy:
      return "normalized entropy";
    case exit_policy::rule::margin:
      return "margin";
    case exit_policy::rule::patience:
      return "patience";
    case exit_policy::rule::patience_entropy:
      return "entropy at " + std::to_string(rule.count) + " exits in a row";
    case exit_policy::rule::learned:
      return "learned gate";
    default:
      return "confidence";
  }
}

/// As in "threshold 0.87", "patience 2" or "full depth".
[[nodiscard]] inline std::string describe_threshold(const curve_study& study, std::size_t point) {
  const curve& found = study.found;
  if (point + 1 == found.points.size()) {
    return "full depth";
  }
  return (found.rule.kind == exit_policy::rule::patience ? "patience " : "threshold ") +
         threshold_number(found.points[point].thresholds->shortest);
}

/// What the share of right answers is called: without labels full depth counts as right.
[[nodiscard]] inline std::string accuracy_name(const curve_study& study) {
  return study.is_labelled ? "accuracy" : "agreement with full depth";
}

/// As in "3.05\u00D7", and "\u221E" where no text ran a layer.
[[nodiscard]] inline std::string factor_text(double factor, int decimals) {
  return std::isinf(factor) ? "\u221E" : fixed_number(factor, decimals) + "\u00D7";
}

/// The numbers of one point as the lines of a tooltip.
[[nodiscard]] inline std::string describe_result(const operating_point& point) {
  return "accuracy " + percent(point.accuracy) + " (" + fixed_number(100.0 * point.accuracy_95.lower, 1) + " to " +
         fixed_number(100.0 * point.accuracy_95.upper, 1) + ")\nloses " + describe_loss(point) + "\n" +
         fixed_number(point.mean_layer, 2) + " layers on average, " +
         (std::isinf(point.layer_speedup) ? "\u221E" : fixed_number(point.layer_speedup, 2)) + " times faster\n" +
         percent(point.disagreement) + " answered otherwise than at full depth";
}

/// What tells each of these studies from the others, in their order: model, numeric format and rule, where they differ.
[[nodiscard]] inline std::vector<std::string> series_names(const curve_study& study,
                                                           std::span<const curve_study> others) {
  const auto differs = [&](const auto& part_of) {
    return std::ranges::any_of(others, [&](const curve_study& other) { return part_of(other) != part_of(study); });
  };
  const auto rule_of = [](const curve_study& of) { return rule_text(of.found.rule); };
  const auto format_of = [](const curve_study& of) { return of.numeric_format; };
  const auto model_of = [](const curve_study& of) { return of.model; };
  const bool has_models = differs(model_of);
  const bool has_formats = differs(format_of);
  const bool has_rules = differs(rule_of) || !(has_models || has_formats);
  const auto name_of = [&](const curve_study& of) {
    std::string name = has_models ? of.model : "";
    for (const auto& [is_part, part] : {std::pair{has_formats, of.numeric_format}, std::pair{has_rules, rule_of(of)}}) {
      name += is_part ? (name.empty() ? "" : ", ") + part : "";
    }
    return name;
  };
  std::vector<std::string> names = {name_of(study)};
  std::ranges::transform(others, std::back_inserter(names), name_of);
  return names;
}

/// A point that was picked, for one goal or several.
struct pick_mark {
  std::string letter;
  std::size_t point = 0;
  std::vector<std::string> wanted;
};

/// In the order of the picks; "A" to "Z", then "27" and so on.
[[nodiscard]] inline std::vector<pick_mark> marks_of(const curve_study& study) {
  std::vector<pick_mark> marks;
  for (const picked_point& chosen : study.picks) {
    if (!chosen.point) {
      continue;
    }
    auto same = std::ranges::find(marks, *chosen.point, &pick_mark::point);
    if (same == marks.end()) {
      const std::size_t number = marks.size();
      marks.push_back({number < 26 ? std::string(1, static_cast<char>('A' + number)) : std::to_string(number + 1),
                       *chosen.point,
                       {}});
      same = marks.end() - 1;
    }
    same->wanted.push_back(chosen.wanted);
  }
  return marks;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
