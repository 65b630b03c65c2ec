// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study_text.hpp"
#include "svg.hpp"

#include <offramp/study/curve_study.hpp>
#include <offramp/text/unicode/utf8.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// One field of a row: the same characters in every file format, nothing for "not known" and "unbounded".
struct curve_field {
  std::string name;
  std::string value;
  enum class kind { number, word } what = kind::number;
};

using curve_row = std::vector<curve_field>;

/// Empty for what is unbounded, as the speed-up of texts that run no layer.
[[nodiscard]] inline std::string rate_number(double value) {
  constexpr int decimals = 6;
  return std::isfinite(value) ? fixed_number(value, decimals) : std::string();
}

inline void append_thresholds(curve_row& fields, const operating_point& point) {
  const auto number = [&](float threshold_range::*end) {
    return point.thresholds && std::isfinite(*point.thresholds.*end) ? threshold_number(*point.thresholds.*end)
                                                                     : std::string();
  };
  fields.push_back({"threshold", number(&threshold_range::shortest)});
  fields.push_back({"lowest_threshold", number(&threshold_range::lowest)});
  fields.push_back({"highest_threshold", number(&threshold_range::highest)});
}

inline void append_results(curve_row& fields, const operating_point& point) {
  const exit_share early = point.early();
  fields.push_back({"texts", std::to_string(point.texts)});
  fields.push_back({"correct", std::to_string(point.correct)});
  fields.push_back({"accuracy", rate_number(point.accuracy)});
  fields.push_back({"accuracy_lower", rate_number(point.accuracy_95.lower)});
  fields.push_back({"accuracy_upper", rate_number(point.accuracy_95.upper)});
  const paired_difference loss = point.paired_loss();
  fields.push_back({"lost", std::to_string(point.lost)});
  fields.push_back({"gained", std::to_string(point.gained)});
  fields.push_back({"loss", rate_number(loss.estimate)});
  fields.push_back({"loss_lower", rate_number(loss.lower)});
  fields.push_back({"loss_upper", rate_number(loss.upper)});
  fields.push_back({"mcnemar_p", rate_number(loss.p_value)});
  fields.push_back({"macro_f1", rate_number(point.macro_f1)});
  fields.push_back({"micro_f1", rate_number(point.micro_f1)});
  fields.push_back({"mean_layer", rate_number(point.mean_layer)});
  fields.push_back({"layer_speedup", rate_number(point.layer_speedup)});
  fields.push_back({"mean_flops", fixed_number(point.mean_flops, 0)});
  fields.push_back({"flops_speedup", rate_number(point.flops_speedup)});
  fields.push_back({"disagreeing", std::to_string(point.disagreeing)});
  fields.push_back({"disagreement", rate_number(point.disagreement)});
  fields.push_back({"random_accuracy", rate_number(point.random_accuracy)});
  fields.push_back({"early_texts", std::to_string(early.texts)});
  fields.push_back({"early_accuracy", rate_number(early.accuracy())});
  fields.push_back({"early_confidence", rate_number(early.mean_confidence)});
}

/// Nothing where the study has no exit on a layer.
inline void append_exits(curve_row& fields, const operating_point& point, const std::set<int>& layers) {
  for (const int layer : layers) {
    const auto share = std::ranges::find(point.exits, layer, &exit_share::layer);
    const bool is_there = share != point.exits.end();
    const std::string name = "layer_" + std::to_string(layer);
    fields.push_back({name + "_texts", is_there ? std::to_string(share->texts) : std::string()});
    fields.push_back({name + "_correct", is_there ? std::to_string(share->correct) : std::string()});
    fields.push_back({name + "_confidence", is_there ? rate_number(share->mean_confidence) : std::string()});
  }
}

inline void append_times(curve_row& fields, const wall_time* time) {
  for (const auto& [name, way] :
       {std::pair{"single_", &wall_time::single}, std::pair{"batched_", &wall_time::batched}}) {
    const latency none;
    const latency& taken = time == nullptr ? none : time->*way;
    const std::pair<std::string_view, double> numbers[] = {{"mean_ms", taken.mean_ms},
                                                           {"mean_lower_ms", taken.mean_likely.lower},
                                                           {"mean_upper_ms", taken.mean_likely.upper},
                                                           {"p50_ms", taken.p50_ms},
                                                           {"p95_ms", taken.p95_ms},
                                                           {"p95_upper_ms", taken.p95_likely.upper},
                                                           {"p99_ms", taken.p99_ms},
                                                           {"speedup", taken.speedup.estimate},
                                                           {"speedup_lower", taken.speedup.likely.lower},
                                                           {"speedup_upper", taken.speedup.likely.upper}};
    for (const auto& [suffix, number] : numbers) {
      fields.push_back({name + std::string(suffix), time == nullptr ? std::string() : rate_number(number)});
    }
  }
}

/// As CSV and JSON write it alike: quotes and backslashes become apostrophes, commas semicolons, and control characters
/// spaces.
[[nodiscard]] inline std::string plain_word(std::string_view given) {
  std::string plain;
  for (std::size_t position = 0; position < given.size();) {
    const text::decoded next = text::decode(given, position);
    const std::string_view bytes = given.substr(position, next.length);
    position += next.length;
    const bool is_control = next.code_point < 0x20 || next.code_point == 0x7F;
    plain += !next.well_formed                ? "\xEF\xBF\xBD"
             : is_control                     ? " "
             : bytes == ","                   ? ";"
             : bytes == "\"" || bytes == "\\" ? "'"
                                              : bytes;
  }
  return plain;
}

[[nodiscard]] inline curve_row row_of(const curve_study& study, std::string_view kind, const operating_point& point,
                                      const std::set<int>& layers, const wall_time* time, std::string_view name = {}) {
  using enum curve_field::kind;
  curve_row fields = {{"kind", std::string(kind), word},
                      {"model", plain_word(study.model), word},
                      {"format", plain_word(study.numeric_format), word},
                      {"rule", plain_word(rule_text(study.found.rule)), word},
                      {"policy", plain_word(name), word}};
  append_thresholds(fields, point);
  append_results(fields, point);
  append_exits(fields, point, layers);
  append_times(fields, time);
  return fields;
}

/// Kinds: "threshold" for the points of the curve, "exit" for one exit that answers every text, "oracle", "policy" for
/// marked ones. Each has fields for all of `layers`.
inline void append_rows(std::vector<curve_row>& rows, const curve_study& study, std::span<const std::size_t> points,
                        const std::set<int>& layers) {
  for (const std::size_t point : points) {
    rows.push_back(row_of(study, "threshold", study.found.points.at(point), layers, time_of(study, point)));
  }
  for (const operating_point& exit : study.found.fixed_exits) {
    rows.push_back(row_of(study, "exit", exit, layers, nullptr));
  }
  rows.push_back(row_of(study, "oracle", study.found.oracle, layers, nullptr));
  for (const marked_point& marked : study.marked) {
    rows.push_back(row_of(study, "policy", marked.point, layers, marked.time ? &*marked.time : nullptr, marked.name));
  }
}

/// Those with an exit of the study.
[[nodiscard]] inline std::set<int> layers_of(const curve_study& study) {
  std::set<int> layers;
  for (const exit_share& share : study.found.oracle.exits) {
    layers.insert(share.layer);
  }
  return layers;
}

[[nodiscard]] inline std::string json_line(const curve_row& fields) {
  std::string line = "{";
  for (const curve_field& next : fields) {
    const std::string value = next.value.empty()                     ? "null"
                              : next.what == curve_field::kind::word ? "\"" + next.value + "\""
                                                                     : next.value;
    line += (line.size() > 1 ? ",\"" : "\"") + next.name + "\":" + value;
  }
  return line + "}\n";
}

[[nodiscard]] inline std::string csv_line(const curve_row& fields, std::string curve_field::*part) {
  std::string line;
  for (const curve_field& next : fields) {
    line += (line.empty() ? "" : ",") + next.*part;
  }
  return line + "\n";
}

/// With a header.
[[nodiscard]] inline std::string csv_of(std::span<const curve_row> rows) {
  std::string lines = csv_line(rows.front(), &curve_field::name);
  for (const curve_row& fields : rows) {
    lines += csv_line(fields, &curve_field::value);
  }
  return lines;
}

[[nodiscard]] inline std::string jsonl_of(std::span<const curve_row> rows) {
  std::string lines;
  for (const curve_row& fields : rows) {
    lines += json_line(fields);
  }
  return lines;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
