// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chart_style.hpp"
#include "curve_chart.hpp"
#include "reliability_chart.hpp"
#include "report_data.hpp"
#include "report_script.hpp"
#include "report_style.hpp"
#include "report_tables.hpp"
#include "time_chart.hpp"

#include <offramp/study/curve_study.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

[[nodiscard]] inline std::string section(std::string_view heading, const std::string& content) {
  return "<section><h2>" + escape_markup(heading) + "</h2>\n" + content + "</section>\n";
}

[[nodiscard]] inline std::string paragraph(std::string_view words, std::string_view style = "muted") {
  return "<p class=\"" + std::string(style) + "\">" + escape_markup(words) + "</p>\n";
}

/// What a reader of texts without labels must know.
[[nodiscard]] inline std::string report_note(const curve_study& study) {
  return study.is_labelled ? std::string()
                           : paragraph(
                                 "The texts have no labels. Full depth counts as right: accuracy is agreement with "
                                 "it on this page, and a loss is an answer that differs from it.");
}

/// Text that the script replaces.
[[nodiscard]] inline std::string live_text(std::string_view tag, std::string_view id, std::string_view content) {
  return "<" + std::string(tag) + " id=\"" + std::string(id) + "\">" + escape_markup(content) + "</" +
         std::string(tag) + ">";
}

/// As in "At threshold 0.9: 3.1x faster, loses 0.40 points".
[[nodiscard]] inline std::string report_lead(const curve_study& study) {
  const std::size_t shown = shown_point(study);
  const operating_point& point = study.found.points[shown];
  const paired_difference loss = point.paired_loss();
  const bool gains = loss.estimate < 0.0;
  const wall_time* time = time_of(study, shown);
  const std::string faster = time != nullptr ? factor_text(time->single.speedup.estimate, 1) + " faster"
                                             : factor_text(point.layer_speedup, 1) + " fewer layers";
  return "<p class=\"lead\">At " + live_text("b", "say-at", describe_threshold(study, shown)) + ": " +
         live_text("b", "say-faster", faster) + ", " + live_text("span", "say-verb", gains ? "gains" : "loses") + " " +
         live_text("b", "say-loss", points_number(std::abs(loss.estimate)) + " points") +
         (study.is_labelled ? " of accuracy" : " of agreement") + "<small>95 %: " +
         live_text("span", "say-span",
                   points_number(gains ? -loss.upper : loss.lower) + " to " +
                       points_number(gains ? -loss.lower : loss.upper)) +
         " points, the same " + std::to_string(point.texts) + " texts at both</small></p>\n";
}

[[nodiscard]] inline std::string tile(std::string_view name, std::string_view id, std::string_view small_id = {}) {
  return "<div class=\"tile\"><span>" + std::string(name) + "</span><b id=\"" + std::string(id) + "\"></b>" +
         (small_id.empty() ? "<small></small>" : "<small id=\"" + std::string(small_id) + "\"></small>") + "</div>\n";
}

/// Both widths of a chart; one of them is shown.
[[nodiscard]] inline std::string both_widths(const std::string& wide, const std::string& narrow) {
  return "<div class=\"wide\">" + wide + "</div><div class=\"narrow\">" + narrow + "</div>\n";
}

/// Which lines are drawn, and which curve is followed.
[[nodiscard]] inline std::string line_choices(const curve_study& study, std::span<const curve_study> others) {
  std::string choices;
  const std::vector<std::string> names = series_names(study, others);
  for (std::size_t i = 0; i < names.size() && !others.empty(); ++i) {
    choices += "<label><input type=\"radio\" name=\"series\" value=\"" + std::to_string(i) + "\"" +
               (i == 0 ? " checked=\"\"" : "") + ">" + escape_markup(names[i]) + "</label>";
  }
  for (const auto& [line, name] : {std::pair{"fixed", "one exit for every text"}, std::pair{"random", "random exits"},
                                   std::pair{"oracle", "oracle"}}) {
    choices += "<label><input type=\"checkbox\" data-line=\"" + std::string(line) + "\"" +
               (std::string_view(line) == "fixed" ? " checked=\"\"" : "") + ">" + name + "</label>";
  }
  return "<div class=\"live\"><div class=\"lines\">" + choices + "</div></div>\n";
}

[[nodiscard]] inline std::string curve_picture(const curve_study& study, std::span<const curve_study> others,
                                               chart_width width) {
  curve_chart chart(study, others, width);
  svg picture = chart.draw();
  chart.draw_cursor(picture, shown_point(study));
  return picture.fragment(describe_curve(study));
}

[[nodiscard]] inline std::string curve_section(const curve_study& study, std::span<const curve_study> others) {
  const std::string slider =
      "<div class=\"live\"><input type=\"range\" id=\"slider\" min=\"0\" max=\"0\" step=\"1\" "
      "aria-label=\"threshold, from cheap to full depth\"><div class=\"ends\"><span>cheap</span><span>full "
      "depth</span></div>\n<div class=\"tiles\">" +
      tile(study.found.rule.kind == exit_policy::rule::patience ? "patience" : "threshold", "at-threshold") +
      tile("layers", "at-layer", "of-layer") + tile("ms per text", "at-ms", "of-ms") +
      tile("GFLOPs per text", "at-gflops", "of-gflops") + tile("other answers", "at-other", "of-other") +
      tile(study.is_labelled ? "accuracy" : "agreement", "at-accuracy", "of-accuracy") + "</div></div>\n";
  return section("What leaving early costs",
                 paragraph("Every threshold is a point on the line, counted exactly. The band is the 95 % interval of "
                           "the difference from full depth on the same texts.") +
                     "<div id=\"curve\">" +
                     both_widths(curve_picture(study, others, chart_width::wide),
                                 curve_picture(study, others, chart_width::narrow)) +
                     "</div>\n" + slider + line_choices(study, others) + report_data(study, others));
}

[[nodiscard]] inline std::string quotes(std::string_view heading, std::string_view which,
                                        const std::vector<text_example>& examples) {
  if (examples.empty()) {
    return "";
  }
  std::string list;
  for (const text_example& example : examples) {
    list += "<li>" + escape_markup(example.text) + "<small>" +
            escape_markup((example.layer == 0 ? "before the encoder" : "layer " + std::to_string(example.layer)) +
                          ": " + example.given + ", " + percent(static_cast<double>(example.confidence)) +
                          (example.given == example.right ? "" : "; right: " + example.right)) +
            "</small></li>\n";
  }
  return "<div><h3>" + escape_markup(heading) + "<small>" + escape_markup(which) +
         "</small></h3><ul class=\"quotes\">" + list + "</ul></div>\n";
}

/// How many texts of each right label are given each, which the script counts.
[[nodiscard]] inline std::string confusion_section(const curve_study& study) {
  if (study.stops.empty() || study.stops.front().confusion.empty()) {
    return "";
  }
  std::string head = "<th scope=\"col\" class=\"name\">right \u2193 given \u2192</th>";
  std::string rows;
  for (const std::string& label : study.labels) {
    head += "<th scope=\"col\">" + escape_markup(label) + "</th>";
    rows += "<tr><td class=\"name\">" + escape_markup(label) + "</td>";
    for (std::size_t given = 0; given < study.labels.size(); ++given) {
      rows += "<td><b></b><small></small></td>";
    }
    rows += "</tr>\n";
  }
  return "<div class=\"live\">" +
         section("Which answers change",
                 paragraph("Texts by right and given label at the point above; in small print how many more than at "
                           "full depth.") +
                     "<div class=\"scroll\"><table id=\"confusion\"><thead><tr>" + head + "</tr></thead><tbody>" +
                     rows + "</tbody></table></div>\n") +
         "</div>\n";
}

[[nodiscard]] inline std::string exits_section(const curve_study& study) {
  const std::string details = marks_of(study).empty()
                                  ? ""
                                  : "<details><summary>Accuracy and confidence among those that leave, at the chosen "
                                    "thresholds</summary>" +
                                        exits_table(study) + "</details>\n";
  return section("Where texts leave", "<div class=\"live\"><div class=\"bars\" id=\"exits\"></div></div>\n" + details);
}

[[nodiscard]] inline std::string examples_section(const curve_study& study) {
  const text_examples& found = study.examples;
  if (found.easiest.empty()) {
    return "";
  }
  const std::string where = describe_threshold(study, shown_point(study));
  return section("Easy and hard texts",
                 paragraph("Where they leave at " + where + ", with which answer, and how sure.") +
                     "<div class=\"columns\">" + quotes("Easiest", "the first exit is surest of them", found.easiest) +
                     quotes("Hardest", "the last exit is least sure of them", found.hardest) +
                     quotes("Lost", "wrong here, right at full depth", found.lost) + "</div>\n");
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

inline constexpr std::string_view time_description =
    "Accuracy over measured milliseconds per text; the table below holds the same numbers.";

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
          both_widths(time_chart(study, chart_width::wide).draw().fragment(time_description),
                      time_chart(study, chart_width::narrow).draw().fragment(time_description)) +
          "<details><summary>All measured times</summary>" + times_table(study) + "</details>\n");
}

[[nodiscard]] inline std::string reliability_section(const curve_study& study) {
  std::string panels;
  for (const exit_reliability& exit : study.reliability) {
    const std::array panel{panel_of(exit)};
    panels += draw_reliability(panel).fragment("Reliability of layer " + std::to_string(exit.layer) +
                                               "; the table below sums it up.");
  }
  return section(
      "Is confidence what it promises?",
      paragraph("Of the answers with a confidence around 80 %, 80 % should be right: dots on the diagonal, each "
                "at the mean confidence of its texts. Below it an exit promises too much, above it too "
                "little. The grey foot shows how many texts have that confidence; a thin line is a dot's "
                "95 % interval.") +
          "<div class=\"panels\">" + panels + "</div>\n<details><summary>Every exit in numbers</summary>" +
          reliability_table(study) + "</details>\n");
}

[[nodiscard]] inline std::string meaning_section() {
  constexpr std::pair<std::string_view, std::string_view> meanings[] = {
      {"accuracy", "share of texts answered right; in small print Wilson's 95 % interval for texts of this kind"},
      {"mean layer", "encoder layers run per text, on average: the work done, whatever the machine"},
      {"GFLOPs",
       "billions of floating-point operations of the encoder per text: for n tokens, h hidden and i intermediate units "
       "2n(4h\u00B2 + 2hi) + 4n\u00B2h a layer (3hi where it is gated)"},
      {"faster, layers", "layer of the last exit divided by the mean layer"},
      {"faster, time",
       "mean wall time at full depth divided by that at the threshold, one text at a time; in "
       "small print its 95 % interval over the same texts"},
      {"ms per text", "measured milliseconds, tokenization included; p95: 95 % of the texts take no longer"},
      {"with length", "Spearman's rank correlation of confidence and length in tokens; below 0, long texts are harder"},
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
  for (const origin_line& line : study.origin) {
    table.add({line.name, line.value});
  }
  table.add({"offramp", std::string(version())});
  return section("Origin", table.finish());
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
