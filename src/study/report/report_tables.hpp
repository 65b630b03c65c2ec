// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "html_table.hpp"
#include "study_text.hpp"

#include <offramp/study/curve_study.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

[[nodiscard]] inline std::string accuracy_cell(const operating_point& point) {
  return percent(point.accuracy) + "\n" + fixed_number(100.0 * point.accuracy_95.lower, 1) + " to " +
         fixed_number(100.0 * point.accuracy_95.upper, 1);
}

/// Points of accuracy lost against full depth.
[[nodiscard]] inline std::string loss_cell(const operating_point& point) {
  const paired_difference loss = point.paired_loss();
  return points_number(loss.estimate) + "\n" + points_number(loss.lower) + " to " + points_number(loss.upper);
}

[[nodiscard]] inline std::string factor_cell(double factor) { return factor_text(factor, 2); }

[[nodiscard]] inline std::string time_cell(const latency& time) {
  return fixed_number(time.mean_ms, 2) + "\np95 " + fixed_number(time.p95_ms, 2);
}

/// How many times faster in wall time than full depth.
[[nodiscard]] inline std::string time_factor_cell(const latency& time) {
  return factor_cell(time.speedup.estimate) + "\n" + fixed_number(time.speedup.likely.lower, 2) + " to " +
         fixed_number(time.speedup.likely.upper, 2);
}

[[nodiscard]] inline std::string flops_cell(const operating_point& point) {
  return fixed_number(point.mean_flops / 1e9, 2);
}

[[nodiscard]] inline std::string picks_table(const curve_study& study) {
  std::vector<std::string> columns = {"goal",       "threshold", "accuracy",      "points lost",
                                      "mean layer", "GFLOPs",    "faster, layers"};
  if (!study.timed.empty()) {
    columns.insert(columns.end(), {"faster, time", "ms per text"});
  }
  html_table table("Thresholds chosen on these texts", columns);
  const std::vector<pick_mark> marks = marks_of(study);
  for (const picked_point& chosen : study.picks) {
    if (!chosen.point) {
      std::vector<std::string> cells(columns.size(), "-");
      cells.front() = chosen.wanted + ": not reached";
      table.add(cells, "-");
      continue;
    }
    const operating_point& point = study.found.points[*chosen.point];
    const bool is_full = *chosen.point + 1 == study.found.points.size();
    std::vector<std::string> cells = {chosen.wanted,
                                      is_full ? "full depth" : threshold_number(point.thresholds->shortest),
                                      accuracy_cell(point),
                                      loss_cell(point),
                                      fixed_number(point.mean_layer, 2),
                                      flops_cell(point),
                                      factor_cell(point.layer_speedup)};
    if (const wall_time* time = time_of(study, *chosen.point)) {
      cells.push_back(time_factor_cell(time->single));
      cells.push_back(time_cell(time->single));
    } else if (!study.timed.empty()) {
      cells.insert(cells.end(), {"-", "-"});
    }
    for (const pick_mark& mark : marks) {
      if (mark.point == *chosen.point) {
        table.add(cells, mark.letter);
      }
    }
  }
  return table.finish();
}

[[nodiscard]] inline std::string baselines_table(const curve_study& study) {
  html_table table("The same texts, answered without looking at confidence",
                   {"exits", "accuracy", "points lost", "macro F1", "mean layer", "GFLOPs", "faster, layers"});
  const auto add = [&](const std::string& name, const operating_point& point) {
    table.add({name, accuracy_cell(point), loss_cell(point), fixed_number(point.macro_f1, 3),
               fixed_number(point.mean_layer, 2), flops_cell(point), factor_cell(point.layer_speedup)});
  };
  for (const operating_point& exit : study.found.fixed_exits) {
    const bool is_full = &exit == &study.found.fixed_exits.back();
    add("layer " + short_number(exit.mean_layer) + " answers all" + (is_full ? " (full depth)" : ""), exit);
  }
  for (const marked_point& marked : study.marked) {
    add(marked.name, marked.point);
  }
  add("oracle: the cheapest exit that is right, else the last", study.found.oracle);
  return table.finish();
}

[[nodiscard]] inline std::string areas_table(const curve_study& study) {
  const curve_areas& areas = study.found.areas;
  html_table table("Accuracy averaged over all costs, from the first exit to the last", {"exits chosen by", "area"});
  table.add({"early exit by " + rule_text(study.found.rule), percent(areas.early_exit)});
  table.add({"one exit for every text", percent(areas.fixed_exits)});
  table.add({"random exits at equal cost", percent(areas.random_exits)});
  table.add({"oracle", percent(areas.oracle)});
  return table.finish();
}

/// Accuracy and confidence among the texts that leave at each exit, for every picked point.
[[nodiscard]] inline std::string exits_table(const curve_study& study) {
  html_table table("Who answers at each chosen threshold, and how well its confidence fits",
                   {"threshold and layer", "texts", "share", "right", "confidence", "difference"});
  for (const pick_mark& mark : marks_of(study)) {
    const operating_point& point = study.found.points[mark.point];
    for (const exit_share& share : point.exits) {
      if (share.texts > 0) {
        table.add(
            {describe_threshold(study, mark.point) + ", layer " + std::to_string(share.layer),
             std::to_string(share.texts), percent(static_cast<double>(share.texts) / static_cast<double>(point.texts)),
             percent(share.accuracy()), percent(share.mean_confidence),
             fixed_number(100.0 * (share.mean_confidence - share.accuracy()), 1)},
            mark.letter);
      }
    }
  }
  return table.finish();
}

[[nodiscard]] inline std::string reliability_table(const curve_study& study) {
  html_table table("Every exit on all texts", {"exit", "accuracy", "mean confidence", "calibration error",
                                               "by chance alone", "temperature", "with length"});
  for (const exit_reliability& exit : study.reliability) {
    table.add({"layer " + std::to_string(exit.layer), percent(exit.accuracy), percent(exit.mean_confidence),
               fixed_number(exit.calibration_error, 4), fixed_number(exit.error_of_drawn_labels, 4),
               threshold_number(exit.temperature), fixed_number(exit.length_correlation, 2)});
  }
  return table.finish();
}

[[nodiscard]] inline std::string labels_table(const curve_study& study, const std::string& where) {
  html_table table("Texts by their right label, at " + where,
                   {"label", "texts", "right", "right at full depth", "mean layer"});
  for (const label_share& share : study.by_label) {
    const auto rate = [&](std::size_t count) {
      return share.texts == 0 ? "-" : percent(static_cast<double>(count) / static_cast<double>(share.texts));
    };
    table.add({share.label, std::to_string(share.texts), rate(share.correct), rate(share.correct_at_full_depth),
               share.texts == 0 ? "-" : fixed_number(share.mean_layer, 2)});
  }
  return table.finish();
}

/// With its interval.
[[nodiscard]] inline std::string mean_cell(const latency& time) {
  return fixed_number(time.mean_ms, 3) + "\n" + fixed_number(time.mean_likely.lower, 3) + " to " +
         fixed_number(time.mean_likely.upper, 3);
}

[[nodiscard]] inline std::string times_table(const curve_study& study) {
  const std::string batch = "batches of " + std::to_string(study.timing.batch);
  html_table table("Milliseconds per text, tokenization included",
                   {"threshold", "accuracy", "one at a time", "p50", "p95", "p99", "faster", batch, "p95", "faster"});
  for (const timed_point& timed : study.timed) {
    const latency& single = timed.time.single;
    const latency& batched = timed.time.batched;
    table.add({describe_threshold(study, timed.point), percent(study.found.points[timed.point].accuracy),
               mean_cell(single), fixed_number(single.p50_ms, 3), fixed_number(single.p95_ms, 3),
               fixed_number(single.p99_ms, 3), time_factor_cell(single), mean_cell(batched),
               fixed_number(batched.p95_ms, 3), time_factor_cell(batched)});
  }
  return table.finish();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
