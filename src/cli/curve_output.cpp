// SPDX-License-Identifier: Apache-2.0
#include "curve_output.hpp"

#include "fixed_number.hpp"
#include "policy_text.hpp"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <string>

namespace offramp_cli {

namespace study = offramp::study;

namespace {

/// As few digits as tell the float from its neighbours.
std::string shortest(float value) {
  char digits[64];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width > text.size() ? width - text.size() : 1, ' ');
}

/// Without the spaces at the end.
void write_row(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  std::cout << line << '\n';
}

/// As in "0.33 (-0.40 to 1.08)", in hundredths.
std::string loss_text(const study::operating_point& point) {
  const study::paired_difference loss = point.paired_loss();
  const auto points = [](double share) { return fixed(share == 0.0 ? 0.0 : 100.0 * share, 2); };
  return points(loss.estimate) + " (" + points(loss.lower) + " to " + points(loss.upper) + ")";
}

void write_point(const std::string& name, std::size_t width, const std::string& threshold,
                 const study::operating_point& point, const study::wall_time* time) {
  std::string line = padded(name, width) + padded(threshold, 12);
  line += padded(fixed(100.0 * point.accuracy, 2) + " %", 11) + padded(loss_text(point), 24);
  line += padded(fixed(point.mean_layer, 2), 8);
  line += padded(point.mean_layer > 0.0 ? fixed(point.layer_speedup, 2) + "x" : "-", 8);
  if (time != nullptr) {
    line += padded(fixed(time->single.speedup.estimate, 2) + "x", 8) + padded(fixed(time->single.mean_ms, 3), 9) +
            fixed(time->single.p95_ms, 3);
  }
  write_row(line);
}

void write_pick(const study::curve_study& result, const study::picked_point& chosen, std::size_t width) {
  if (!chosen.point) {
    write_row(padded(chosen.wanted, width) + "not reached");
    return;
  }
  const study::operating_point& point = result.found.points[*chosen.point];
  const bool is_full = *chosen.point + 1 == result.found.points.size();
  write_point(chosen.wanted, width, is_full ? "full depth" : shortest(point.thresholds->shortest), point,
              time_of(result, *chosen.point));
}

void append_point(json& line, const study::operating_point& point, const study::wall_time* time) {
  const auto number = [](double value) { return static_cast<float>(value); };
  line["accuracy"] = number(point.accuracy);
  line["accuracy_lower"] = number(point.accuracy_95.lower);
  line["accuracy_upper"] = number(point.accuracy_95.upper);
  const study::paired_difference loss = point.paired_loss();
  line["loss"] = number(loss.estimate);
  line["loss_lower"] = number(loss.lower);
  line["loss_upper"] = number(loss.upper);
  line["mcnemar_p"] = number(loss.p_value);
  line["macro_f1"] = number(point.macro_f1);
  line["micro_f1"] = number(point.micro_f1);
  line["mean_layer"] = number(point.mean_layer);
  line["layer_speedup"] = number(point.layer_speedup);
  line["mean_flops"] = number(point.mean_flops);
  line["flops_speedup"] = number(point.flops_speedup);
  line["disagreement"] = number(point.disagreement);
  if (time != nullptr) {
    line["single"] = times_of(time->single);
    line["batched"] = times_of(time->batched);
  }
}

}  // namespace

json times_of(const study::latency& time) {
  const auto number = [](double value) { return static_cast<float>(value); };
  return {{"mean_ms", number(time.mean_ms)},
          {"mean_lower_ms", number(time.mean_likely.lower)},
          {"mean_upper_ms", number(time.mean_likely.upper)},
          {"p50_ms", number(time.p50_ms)},
          {"p95_ms", number(time.p95_ms)},
          {"p99_ms", number(time.p99_ms)},
          {"speedup", number(time.speedup.estimate)},
          {"speedup_lower", number(time.speedup.likely.lower)},
          {"speedup_upper", number(time.speedup.likely.upper)}};
}

void write_curve_text(const study::curve_study& result) {
  const study::operating_point& full = result.found.full_depth();
  const study::curve_areas& areas = result.found.areas;
  const auto percent = [](double share) { return fixed(100.0 * share, 2) + " %"; };
  std::cout << full.texts << (result.is_labelled ? " texts, full depth " : " texts without labels, agreement ")
            << percent(full.accuracy) << " at layer " << fixed(full.mean_layer, 0) << "; over all costs: early exit "
            << percent(areas.early_exit) << ", one exit for all " << percent(areas.fixed_exits) << ", random exits "
            << percent(areas.random_exits) << ", oracle " << percent(areas.oracle) << "\n";
  if (result.picks.empty() && result.marked.empty()) {
    return;
  }
  std::size_t width = 4;
  for (const study::picked_point& chosen : result.picks) {
    width = std::max(width, chosen.wanted.size() + 2);
  }
  for (const study::marked_point& marked : result.marked) {
    width = std::max(width, marked.name.size() + 2);
  }
  std::cout << '\n';
  write_row(padded("goal", width) + "threshold   " + (result.is_labelled ? "accuracy " : "agreement") +
            "  lost (95 %)             layers  faster  " + (result.timed.empty() ? "" : "in time ms/text  p95"));
  for (const study::picked_point& chosen : result.picks) {
    write_pick(result, chosen, width);
  }
  for (const study::marked_point& marked : result.marked) {
    write_point(marked.name, width, "", marked.point, marked.time ? &*marked.time : nullptr);
  }
  std::cout << "Choose a threshold on one data set (dev), report its accuracy on another (test).\n";
}

void write_curve_json(const study::curve_study& result) {
  const auto number = [](double value) { return static_cast<float>(value); };
  const study::curve_areas& areas = result.found.areas;
  const study::operating_point& full = result.found.full_depth();
  write_json_line(std::cout, {{"kind", "summary"},
                              {"model", result.model},
                              {"format", result.numeric_format},
                              {"rule", rule_name(result.found.rule.kind)},
                              {"data", result.data},
                              {"data_sha256", result.data_sha256},
                              {"texts", full.texts},
                              {"labelled", result.is_labelled},
                              {"accuracy", number(full.accuracy)},
                              {"layer", number(full.mean_layer)},
                              {"area_early_exit", number(areas.early_exit)},
                              {"area_fixed_exits", number(areas.fixed_exits)},
                              {"area_random_exits", number(areas.random_exits)},
                              {"area_oracle", number(areas.oracle)}});
  for (const study::picked_point& chosen : result.picks) {
    json line = {{"kind", "pick"}, {"goal", chosen.wanted}, {"reached", chosen.point.has_value()}};
    if (chosen.point) {
      const study::operating_point& point = result.found.points[*chosen.point];
      line["threshold"] = point.thresholds->shortest;
      append_point(line, point, time_of(result, *chosen.point));
    }
    write_json_line(std::cout, line);
  }
  for (const study::marked_point& marked : result.marked) {
    json line = {{"kind", "policy"}, {"policy", marked.name}};
    append_point(line, marked.point, marked.time ? &*marked.time : nullptr);
    write_json_line(std::cout, line);
  }
}

}  // namespace offramp_cli
