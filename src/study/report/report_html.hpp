// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chart_style.hpp"
#include "curve_chart.hpp"
#include "exits_chart.hpp"
#include "reliability_chart.hpp"
#include "report_style.hpp"
#include "report_tables.hpp"
#include "time_chart.hpp"

#include <offramp/study/curve_study.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The point that the report shows first: the first pick that was reached, else full depth.
[[nodiscard]] inline std::size_t shown_point(const curve_study& study) {
  const std::vector<pick_mark> marks = marks_of(study);
  return marks.empty() ? study.found.points.size() - 1 : marks.front().point;
}

[[nodiscard]] inline std::string section(std::string_view heading, const std::string& content) {
  return "<section><h2>" + escape_markup(heading) + "</h2>\n" + content + "</section>\n";
}

[[nodiscard]] inline std::string paragraph(std::string_view words, std::string_view style = "muted") {
  return "<p class=\"" + std::string(style) + "\">" + escape_markup(words) + "</p>\n";
}

[[nodiscard]] inline std::string card(std::string_view number, std::string_view meaning) {
  return "<div class=\"card\"><b>" + escape_markup(number) + "</b><span>" + escape_markup(meaning) + "</span></div>\n";
}

/// What a reader of texts without labels must know.
[[nodiscard]] inline std::string report_note(const curve_study& study) {
  return study.is_labelled ? std::string()
                           : paragraph(
                                 "The texts have no labels. Full depth counts as right: accuracy is agreement with "
                                 "it on this page, and a loss is an answer that differs from it.");
}

[[nodiscard]] inline std::string report_lead(const curve_study& study) {
  const operating_point& full = study.found.full_depth();
  const std::size_t shown = shown_point(study);
  if (shown + 1 == study.found.points.size()) {
    return paragraph("At full depth the model answers " + percent(full.accuracy) + " of " + std::to_string(full.texts) +
                         " texts right.",
                     "lead");
  }
  const operating_point& point = study.found.points[shown];
  const wall_time* time = time_of(study, shown);
  const std::string wall =
      time == nullptr ? "" : " (" + time_factor_cell(study, *time, &wall_time::single) + " in wall time)";
  return paragraph("At " + describe_threshold(study, shown) + " the model runs " + fixed_number(point.mean_layer, 1) +
                       " of " + short_number(full.mean_layer) + " layers on average, which is " +
                       factor_cell(point.layer_speedup) + " faster" + wall + ", and loses " + describe_loss(point) +
                       ": " + percent(point.accuracy) + ", full depth " + percent(full.accuracy) + ".",
                   "lead");
}

[[nodiscard]] inline std::string report_cards(const curve_study& study) {
  const operating_point& full = study.found.full_depth();
  const std::size_t shown = shown_point(study);
  const operating_point& point = study.found.points[shown];
  std::string cards = study.is_labelled ? card(percent(full.accuracy),
                                               "accuracy at full depth, on " + std::to_string(full.texts) + " texts")
                                        : card(std::to_string(full.texts), "texts without labels");
  cards += card(factor_cell(point.layer_speedup),
                "as fast as full depth, in layers, at " + describe_threshold(study, shown));
  cards += card(percent(point.disagreement), "of the answers there differ from full depth's");
  if (const wall_time* time = time_of(study, shown)) {
    cards += card(fixed_number(time->single.mean_ms, 2) + " ms", "per text there, one at a time");
  } else {
    cards += card(percent(study.found.areas.early_exit),
                  "accuracy averaged over all costs; random exits reach " + percent(study.found.areas.random_exits));
  }
  return "<div class=\"cards\">\n" + cards + "</div>\n";
}

/// The points the slider stops at, as numbers alone.
[[nodiscard]] inline std::string slider_data(const curve_study& study, const curve_chart& chart,
                                             const std::vector<std::size_t>& stops) {
  std::string data;
  for (const std::size_t stop : stops) {
    const operating_point& point = study.found.points[stop];
    const bool is_full = stop + 1 == study.found.points.size();
    const pixel place = chart.place(point);
    data += (data.empty() ? "[" : ",[") + (is_full ? "null" : threshold_number(point.thresholds->shortest));
    const paired_difference loss = point.paired_loss();
    for (const double value : {100.0 * point.accuracy, 100.0 * point.accuracy_95.lower, 100.0 * point.accuracy_95.upper,
                               point.mean_layer, point.layer_speedup, 100.0 * point.disagreement, place.x, place.y,
                               100.0 * loss.estimate, 100.0 * loss.lower, 100.0 * loss.upper}) {
      data += "," + fixed_number(value, 3);
    }
    std::string shares;
    for (const exit_share& share : point.exits) {
      const double part = static_cast<double>(share.texts) / static_cast<double>(point.texts);
      shares += (shares.empty() ? "" : ",") + fixed_number(100.0 * part, 2);
    }
    data += ",[" + shares + "]]";
  }
  std::string layers;
  for (const exit_share& share : study.found.full_depth().exits) {
    layers += (layers.empty() ? "" : ",") + std::to_string(share.layer);
  }
  return "<script type=\"application/json\" id=\"points\">[" + data +
         "]</script>\n<script type=\"application/json\" id=\"layers\">[" + layers + "]</script>\n";
}

[[nodiscard]] inline std::string slider(const curve_study& study, const curve_chart& chart) {
  std::vector<std::size_t> stops = spread_points(study.found, 300);
  const std::size_t shown = shown_point(study);
  const auto start = std::ranges::lower_bound(stops, shown);
  const auto number = std::to_string(start - stops.begin());
  if (start == stops.end() || *start != shown) {
    stops.insert(start, shown);
  }
  std::string rows;
  for (const auto& [id, name] :
       {std::pair{"threshold", "threshold"}, std::pair{"accuracy", "accuracy"},
        std::pair{"loss", "lost against full depth"}, std::pair{"layer", "mean layer"},
        std::pair{"speedup", "faster, in layers"}, std::pair{"disagreement", "answers unlike full depth's"}}) {
    rows += "<dt>" + std::string(name) + "</dt><dd id=\"at-" + id + "\"></dd>";
  }
  return "<div class=\"try\" id=\"try\" hidden><label>Try a threshold: cheap on the left, full depth on the right"
         "<input type=\"range\" id=\"slider\" min=\"0\" max=\"" +
         std::to_string(stops.size() - 1) + "\" step=\"1\" data-start=\"" + number + "\"></label>\n<dl>" + rows +
         "</dl>\n<div class=\"bars\" id=\"bars\" aria-hidden=\"true\"></div></div>\n" +
         slider_data(study, chart, stops);
}

[[nodiscard]] inline std::string curve_section(const curve_study& study) {
  curve_chart chart(study);
  svg picture = chart.draw();
  picture.circle(chart.place(study.found.points[shown_point(study)]), 6.5, "cursor");
  return section("Accuracy against cost",
                 paragraph("The solid line is what the model does: every threshold gives one point on it, exactly "
                           "computed from one pass over the texts. The band is the 95 % interval of each accuracy. "
                           "Point at the line for its numbers.") +
                     "<div id=\"curve\">" + picture.fragment(describe_curve(study)) + "</div>\n" +
                     slider(study, chart));
}

[[nodiscard]] inline std::string picks_section(const curve_study& study) {
  if (study.picks.empty()) {
    return "";
  }
  return section("Chosen thresholds",
                 picks_table(study) +
                     paragraph("A threshold that was chosen on some texts looks a little better on them than it is. "
                               "Choose on one data set (dev) and report on another (test).",
                               "note"));
}

[[nodiscard]] inline std::string times_section(const curve_study& study) {
  if (study.timed.empty()) {
    return "";
  }
  const timing_options& timing = study.timing;
  const std::size_t texts = std::min(timing.texts, study.found.full_depth().texts);
  return section(
      "Measured time",
      paragraph("From text to answer on " + std::to_string(study.timing_threads) +
                (study.timing_threads == 1 ? " thread: " : " threads: ") + std::to_string(texts) + " of the texts, " +
                std::to_string(timing.rounds) + (timing.rounds == 1 ? " round" : " rounds") +
                ", the thresholds taking turns so that whatever slows the machine slows all of them alike.") +
          time_chart(study).draw().fragment("Accuracy over measured milliseconds per text; the table below holds the "
                                            "same numbers.") +
          "<details><summary>All measured times</summary>" + times_table(study) + "</details>\n");
}

[[nodiscard]] inline std::string exits_section(const curve_study& study) {
  if (marks_of(study).empty()) {
    return "";
  }
  return section("Where texts leave",
                 paragraph("How many texts each layer answers at the chosen thresholds. The paler, the earlier.") +
                     draw_exits(study).fragment("Share of the texts that each layer answers at each chosen threshold; "
                                                "the table below holds the same numbers.") +
                     "<details><summary>Accuracy and confidence among those that leave</summary>" + exits_table(study) +
                     "</details>\n");
}

[[nodiscard]] inline std::string reliability_section(const curve_study& study) {
  std::vector<reliability_panel> panels;
  for (const exit_reliability& exit : study.reliability) {
    panels.push_back(panel_of(exit));
  }
  return section("Is confidence what it promises?",
                 paragraph("Of the answers with a confidence around 80 %, 80 % should be right: dots on the diagonal. "
                           "Below it an exit promises too much, above it too little. The grey foot shows how many "
                           "texts have that confidence; a thin line is a dot's 95 % interval.") +
                     draw_reliability(panels).fragment(reliability_description) + reliability_table(study));
}

[[nodiscard]] inline std::string meaning_section() {
  constexpr std::pair<std::string_view, std::string_view> meanings[] = {
      {"accuracy", "share of texts answered right; in small print Wilson's 95 % interval for texts of this kind"},
      {"mean layer", "encoder layers run per text, on average: the work done, whatever the machine"},
      {"faster, layers", "layer of the last exit divided by the mean layer"},
      {"faster, time", "mean wall time at full depth divided by that at the threshold, one text at a time"},
      {"ms per text", "measured milliseconds, tokenization included; p95: 95 % of the texts take no longer"},
      {"points lost",
       "accuracy at full depth minus accuracy here, in hundredths, below 0 when leaving early is better; in small "
       "print "
       "the 95 % interval of the difference on the same texts (Tango)"},
      {"random exits at equal cost", "the same exits dealt to the texts by lot: what confidence has to beat"},
      {"oracle", "knows which exits are right and takes the cheapest: the most that any rule could reach"},
      {"area", "accuracy averaged over all mean layers from the first exit's to the last's"},
      {"calibration error", "mean distance between confidence and accuracy over 15 bins of equal width"},
      {"by chance alone", "the calibration error a perfectly calibrated exit would show on so few texts"}};
  std::string list;
  for (const auto& [name, meaning] : meanings) {
    list += "<dt>" + escape_markup(name) + "</dt><dd>" + escape_markup(meaning) + "</dd>\n";
  }
  return section("What the numbers mean", "<dl class=\"meaning\">" + list + "</dl>\n");
}

[[nodiscard]] inline std::string origin_section(const curve_study& study) {
  html_table table("What this report was computed from", {"", ""});
  table.add({"model", study.model});
  table.add({"data", study.data});
  table.add({"SHA-256 of the data", study.data_sha256});
  table.add({"texts", std::to_string(study.found.full_depth().texts)});
  table.add({"exit rule", rule_text(study.found.rule)});
  table.add({"distinct behaviours of the rule", std::to_string(study.found.points.size())});
  table.add({"numeric format", study.numeric_format});
  table.add({"arithmetic", study.kernels});
  return section("Origin", table.finish());
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
