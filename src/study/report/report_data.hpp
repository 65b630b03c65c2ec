// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "curve_chart.hpp"
#include "study_text.hpp"

#include <offramp/model/json.hpp>
#include <offramp/study/curve_study.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

/// The numbers that the report's script shows, as JSON.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The time of one text at a point: measured, or on a straight line between its timed neighbours.
struct time_at_point {
  double ms = 0.0;
  double speedup = 0.0;
  bool is_measured = false;
};

/// For studies with times.
[[nodiscard]] inline time_at_point time_at(const curve_study& study, std::size_t point) {
  const auto after = std::ranges::lower_bound(study.timed, point, {}, &timed_point::point);
  const timed_point& above = after == study.timed.end() ? study.timed.back() : *after;
  const timed_point& below = above.point == point || after == study.timed.begin() ? above : *(after - 1);
  const auto layer_of = [&](std::size_t of) { return study.found.points[of].mean_layer; };
  const double width = layer_of(above.point) - layer_of(below.point);
  const double share = width > 0.0 ? std::clamp((layer_of(point) - layer_of(below.point)) / width, 0.0, 1.0) : 0.0;
  const double low = below.time.single.mean_ms;
  const double ms = low + share * (above.time.single.mean_ms - low);
  const double full = study.timed.back().time.single.mean_ms;
  return {ms, ms > 0.0 ? full / ms : 0.0, above.point == point};
}

/// With few digits; `null` for what is no number.
[[nodiscard]] inline nlohmann::ordered_json short_json(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(static_cast<float>(std::round(value * 1e4) / 1e4))
                              : nlohmann::ordered_json();
}

[[nodiscard]] inline nlohmann::ordered_json stop_json(const curve_study& study, std::size_t index) {
  const operating_point& point = study.found.points[index];
  const cost_point cost = cost_of(point);
  const bool is_full = index + 1 == study.found.points.size();
  nlohmann::ordered_json stop = {
      {"at", is_full ? nlohmann::ordered_json() : nlohmann::ordered_json(threshold_number(point.thresholds->shortest))},
      {"gain", short_json(cost.gain)},
      {"lower", short_json(cost.lower)},
      {"upper", short_json(cost.upper)},
      {"accuracy", short_json(100.0 * point.accuracy)},
      {"layer", short_json(point.mean_layer)},
      {"fewer", short_json(point.layer_speedup)},
      {"other", short_json(100.0 * point.disagreement)}};
  if (point.mean_flops > 0.0 || point.flops_speedup > 0.0) {
    stop["gflops"] = short_json(point.mean_flops / 1e9);
    stop["lighter"] = short_json(point.flops_speedup);
  }
  if (!study.timed.empty()) {
    const time_at_point time = time_at(study, index);
    stop["ms"] = short_json(time.ms);
    stop["faster"] = short_json(time.speedup);
    stop["measured"] = time.is_measured;
  }
  for (const exit_share& share : point.exits) {
    stop["texts"].push_back(share.texts);
    stop["right"].push_back(share.correct);
  }
  return stop;
}

/// One table for the first stop, then for each what changes: [cell, by how many, ...].
inline void append_confusion(nlohmann::ordered_json& series, const curve_study& study) {
  std::vector<std::size_t> before;
  for (const study_stop& stop : study.stops) {
    std::vector<std::size_t> cells;
    for (const std::vector<std::size_t>& row : stop.confusion) {
      cells.insert(cells.end(), row.begin(), row.end());
    }
    if (cells.empty()) {
      return;
    }
    nlohmann::ordered_json changes = nlohmann::ordered_json::array();
    for (std::size_t cell = 0; cell < before.size(); ++cell) {
      if (cells[cell] != before[cell]) {
        changes.push_back(cell);
        changes.push_back(static_cast<std::ptrdiff_t>(cells[cell]) - static_cast<std::ptrdiff_t>(before[cell]));
      }
    }
    if (before.empty()) {
      series["confusion"] = cells;
    }
    series["changes"].push_back(changes);
    before = std::move(cells);
  }
}

[[nodiscard]] inline nlohmann::ordered_json series_json(const curve_study& study, const std::string& name) {
  nlohmann::ordered_json series = {{"name", name},
                                   {"count", study.found.rule.kind == exit_policy::rule::patience},
                                   {"labels", study.labels},
                                   {"full", short_json(100.0 * study.found.full_depth().accuracy)},
                                   {"depth", study.found.full_depth().mean_layer},
                                   {"start", 0}};
  for (const exit_share& share : study.found.full_depth().exits) {
    series["layers"].push_back(share.layer);
  }
  for (std::size_t i = 0; i < study.stops.size(); ++i) {
    series["start"] = study.stops[i].point <= shown_point(study) ? nlohmann::ordered_json(i) : series["start"];
    series["stops"].push_back(stop_json(study, study.stops[i].point));
  }
  append_confusion(series, study);
  return series;
}

/// For an element whose text is data: whatever could end it or start another is written as an escape.
[[nodiscard]] inline std::string json_for_markup(const nlohmann::ordered_json& value) {
  std::string safe;
  for (const char c : value.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace)) {
    const std::string_view escaped = c == '<'    ? "\\u003c"
                                     : c == '>'  ? "\\u003e"
                                     : c == '&'  ? "\\u0026"
                                     : c == '\'' ? "\\u0027"
                                                 : "";
    safe += escaped.empty() ? std::string(1, c) : std::string(escaped);
  }
  return safe;
}

[[nodiscard]] inline std::string report_data(const curve_study& study, std::span<const curve_study> others) {
  const std::vector<std::string> names = series_names(study, others);
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  all.push_back(series_json(study, names.front()));
  for (std::size_t i = 0; i < others.size(); ++i) {
    all.push_back(series_json(others[i], names[i + 1]));
  }
  return "<script type=\"application/json\" id=\"data\">" + json_for_markup(all) + "</script>\n";
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
