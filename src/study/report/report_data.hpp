// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "curve_chart.hpp"
#include "study_text.hpp"

#include <offramp/model/json_writer.hpp>
#include <offramp/study/curve_study.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

/// With few digits; null for what is no number.
inline void write_number(model::json_writer& json, std::string_view name, double value) {
  json.key(name);
  std::isfinite(value) ? json.value(static_cast<float>(std::round(value * 1e4) / 1e4)) : json.null();
}

inline void write_stop(model::json_writer& json, const curve_study& study, std::size_t index) {
  const operating_point& point = study.found.points[index];
  const cost_point cost = cost_of(point);
  json.object([&] {
    json.key("at");
    index + 1 == study.found.points.size() ? json.null() : json.value(threshold_number(point.thresholds->shortest));
    write_number(json, "gain", cost.gain);
    write_number(json, "lower", cost.lower);
    write_number(json, "upper", cost.upper);
    write_number(json, "accuracy", 100.0 * point.accuracy);
    write_number(json, "layer", point.mean_layer);
    write_number(json, "fewer", point.layer_speedup);
    write_number(json, "other", 100.0 * point.disagreement);
    if (point.mean_flops > 0.0 || point.flops_speedup > 0.0) {
      write_number(json, "gflops", point.mean_flops / 1e9);
      write_number(json, "lighter", point.flops_speedup);
    }
    if (!study.timed.empty()) {
      const time_at_point time = time_at(study, index);
      write_number(json, "ms", time.ms);
      write_number(json, "faster", time.speedup);
      json.member("measured", time.is_measured);
    }
    json.key("texts");
    json.array(point.exits, [&](const exit_share& share) { json.value(share.texts); });
    json.key("right");
    json.array(point.exits, [&](const exit_share& share) { json.value(share.correct); });
  });
}

/// By rows, of one stop; empty where labels are not known.
[[nodiscard]] inline std::vector<std::size_t> confusion_cells(const study_stop& stop) {
  std::vector<std::size_t> cells;
  for (const std::vector<std::size_t>& row : stop.confusion) {
    cells.insert(cells.end(), row.begin(), row.end());
  }
  return cells;
}

/// One table for the first stop, then for each what changes: [cell, by how many, ...].
inline void write_confusion(model::json_writer& json, const curve_study& study) {
  if (study.stops.empty() || study.stops.front().confusion.empty()) {
    return;
  }
  std::vector<std::size_t> before = confusion_cells(study.stops.front());
  json.member("confusion", before);
  json.key("changes");
  json.array(study.stops, [&](const study_stop& stop) {
    std::vector<std::size_t> cells = confusion_cells(stop);
    std::vector<std::ptrdiff_t> changes;
    for (std::size_t cell = 0; cell < before.size(); ++cell) {
      if (cells[cell] != before[cell]) {
        changes.push_back(static_cast<std::ptrdiff_t>(cell));
        changes.push_back(static_cast<std::ptrdiff_t>(cells[cell]) - static_cast<std::ptrdiff_t>(before[cell]));
      }
    }
    json.value(changes);
    before = std::move(cells);
  });
}

/// The index of the deepest stop at or below the shown point.
[[nodiscard]] inline std::size_t first_shown_stop(const curve_study& study) {
  std::size_t start = 0;
  for (std::size_t i = 0; i < study.stops.size(); ++i) {
    start = study.stops[i].point <= shown_point(study) ? i : start;
  }
  return start;
}

/// With U+FFFD in place of what is not UTF-8.
[[nodiscard]] inline std::string well_formed(const std::string& text) {
  const std::string quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return nlohmann::json::parse(quoted).get<std::string>();
}

/// `start`: where its full depth stands in the picture.
inline void write_series(model::json_writer& json, const curve_study& study, const std::string& name, double start) {
  const operating_point& full = study.found.full_depth();
  json.object([&] {
    json.member("name", well_formed(name));
    json.member("count", study.found.rule.kind == exit_policy::rule::patience);
    json.key("labels");
    json.array(study.labels, [&](const std::string& label) { json.value(well_formed(label)); });
    write_number(json, "full", 100.0 * full.accuracy);
    write_number(json, "depth", full.mean_layer);
    write_number(json, "above", start);
    json.member("start", first_shown_stop(study));
    json.key("layers");
    json.array(full.exits, [&](const exit_share& share) { json.value(share.layer); });
    json.key("stops");
    json.array(study.stops, [&](const study_stop& stop) { write_stop(json, study, stop.point); });
    write_confusion(json, study);
  });
}

/// For an element whose text is data: whatever could end it or start another is written as an escape.
[[nodiscard]] inline std::string json_for_markup(std::string_view json) {
  std::string safe;
  for (const char c : json) {
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
  std::vector<const curve_study*> all{&study};
  for (const curve_study& other : others) {
    all.push_back(&other);
  }
  model::json_writer json;
  std::size_t index = 0;
  json.array(all, [&](const curve_study* one) { write_series(json, *one, names[index++], head_start(*one, study)); });
  return "<script type=\"application/json\" id=\"data\">" + json_for_markup(std::move(json).finish()) + "</script>\n";
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
