// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/curve_report.hpp>

#include <offramp/study/sweep_rule.hpp>

#include "model_in_memory.hpp"
#include "study/random_logits.hpp"
#include "study/report/made_up_study.hpp"
#include "study/report/markup_checker.hpp"

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace curve_report_test {

using offramp::exit_policy;
using offramp::study::curve_study;
using offramp::study::exit_logits;
using offramp::study::replay;
using offramp::study::sweep_rule;
using offramp_tests::add_times;
using offramp_tests::all_points;
using offramp_tests::cells_of;
using offramp_tests::expect_well_formed;
using offramp_tests::logits_shape;
using offramp_tests::markup_checker;
using offramp_tests::random_logits;
using offramp_tests::study_of;
using language = markup_checker::language;

/// Names that would break out of markup, and bytes that no markup holds.
const std::vector<std::string> hostile_names = {"<script>alert(1)</script>",
                                                "\"' onload=x & &amp; </svg>",
                                                "Gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80",
                                                "\xFF\xC0\x80 \xED\xA0\x80",
                                                std::string("a\0b\x01\x1F\x7F\n", 7),
                                                "]]>--><!--"};

std::string panel_svg(const curve_study& study) {
  std::vector<offramp::study::reliability_panel> panels;
  for (const auto& exit : study.reliability) {
    panels.push_back(panel_of(exit));
  }
  return reliability_svg(panels);
}

void expect_safe_files(const curve_study& study) {
  expect_well_formed(curve_svg(study), language::xml);
  expect_well_formed(panel_svg(study), language::xml);
  const std::string report = report_html(study);
  expect_well_formed(report, language::html);
  EXPECT_EQ(report.find("http"), std::string::npos);
  EXPECT_EQ(report.find("url("), std::string::npos);
  EXPECT_EQ(report.find("@import"), std::string::npos);
  EXPECT_EQ(report.find("<script>alert"), std::string::npos);
}

TEST(markup_checker, finds_what_is_broken) {
  for (const char* broken : {"<a>", "</a>", "<a></b>", "<a b=c></a>", "<a b=\"1\" b=\"2\"></a>", "<a>&x;</a>",
                             "<a>\x01</a>", "<a b=\"<\"></a>", "x", "<a", "<a b=\"1></a>", "<a>&</a>"}) {
    EXPECT_NE(markup_checker(broken, language::xml).problem(), "") << broken;
  }
  EXPECT_EQ(markup_checker("<a b=\"&lt;\">x<c/></a>\n", language::xml).problem(), "");
}

TEST(curve_report, writes_well_formed_files_for_any_shape) {
  const sweep_rule confidence;
  for (const std::size_t labels : {2U, 6U}) {
    for (const std::size_t exits : {1U, 2U, 12U}) {
      for (const std::size_t texts : {1U, 2U, 300U}) {
        curve_study study = study_of(random_logits({texts, exits, labels}, 4), confidence, "plain");
        expect_safe_files(study);
        add_times(study);
        expect_safe_files(study);
        study.picks.clear();
        expect_safe_files(study);
      }
    }
  }
}

TEST(curve_report, escapes_every_name) {
  for (const std::string& name : hostile_names) {
    curve_study study = study_of(random_logits({50, 3, 3}, 4), {}, name);
    add_times(study);
    expect_safe_files(study);
  }
  const curve_study study = study_of(random_logits({50, 3, 3}, 4), {}, hostile_names[2]);
  EXPECT_NE(report_html(study).find(hostile_names[2]), std::string::npos);
}

TEST(curve_report, leaves_empty_how_much_faster_no_layers_are) {
  exit_logits logits = random_logits({50, 3, 2}, 4);
  logits.exits.front().layer = 0;
  const curve_study study = study_of(logits, {}, "plain");
  expect_safe_files(study);
  for (const std::string& file : {report_html(study), curve_svg(study)}) {
    EXPECT_NE(file.find("\u221E"), std::string::npos);
    EXPECT_EQ(file.find("-\u00D7"), std::string::npos);
    EXPECT_EQ(file.find("- times"), std::string::npos);
  }
  std::istringstream lines(curve_jsonl(study, all_points(study)));
  std::size_t without_layers = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    without_layers += row["mean_layer"] == 0.0 ? 1U : 0U;
    EXPECT_EQ(row["layer_speedup"].is_null(), row["mean_layer"] == 0.0) << line;
  }
  EXPECT_GT(without_layers, 0U);
  EXPECT_EQ(curve_csv(study, all_points(study)).find(",-,"), std::string::npos);
}

TEST(curve_report, shows_every_rule) {
  using enum exit_policy::rule;
  for (const sweep_rule& rule :
       {sweep_rule{entropy}, sweep_rule{normalized_entropy}, sweep_rule{margin}, sweep_rule{patience},
        sweep_rule{patience_entropy, 2}, sweep_rule{.kind = declining, .decline = 0.06F}}) {
    expect_safe_files(study_of(random_logits({60, 4, 3}, 4), rule, "plain"));
  }
}

TEST(curve_report, says_the_same_in_both_tables) {
  curve_study study = study_of(random_logits({80, 4, 3}, 8), {}, "plain");
  add_times(study);
  const auto points = all_points(study);
  std::istringstream lines(curve_jsonl(study, points));
  std::istringstream rows(curve_csv(study, points));
  std::string row;
  std::getline(rows, row);
  const std::vector<std::string> header = cells_of(row);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line) && std::getline(rows, row); ++count) {
    const auto object = nlohmann::ordered_json::parse(line);
    const std::vector<std::string> cells = cells_of(row);
    ASSERT_EQ(cells.size(), header.size());
    ASSERT_EQ(object.size(), header.size());
    std::size_t column = 0;
    for (const auto& [name, value] : object.items()) {
      EXPECT_EQ(name, header[column]);
      const std::string& cell = cells[column++];
      if (cell.empty()) {
        EXPECT_TRUE(value.is_null());
      } else if (value.is_string()) {
        EXPECT_EQ(value, cell);
      } else {
        EXPECT_EQ(value.get<double>(), std::stod(cell)) << name;
      }
    }
  }
  EXPECT_EQ(count, points.size() + 4 + 1 + 1);  // the exits, the oracle, the marked policy
  EXPECT_FALSE(std::getline(rows, row));
}

TEST(curve_report, writes_what_the_curve_says) {
  const exit_logits logits = random_logits({80, 4, 3}, 8);
  curve_study study = study_of(logits, {}, "plain");
  add_times(study);
  const auto points = all_points(study);
  std::istringstream lines(curve_jsonl(study, points));
  std::string line;
  for (const std::size_t index : points) {
    ASSERT_TRUE(std::getline(lines, line));
    const auto object = nlohmann::json::parse(line);
    const auto answers = replay(logits).decide(offramp::study::policy_at({}, object["threshold"].get<float>()));
    const auto point = summarise(logits, answers);
    EXPECT_EQ(object["kind"], "threshold");
    EXPECT_EQ(object["correct"], point.correct);
    EXPECT_EQ(object["disagreeing"], point.disagreeing);
    EXPECT_NEAR(object["mean_layer"].get<double>(), point.mean_layer, 1e-6);
    EXPECT_NEAR(object["accuracy"].get<double>(), point.accuracy, 1e-6);
    EXPECT_EQ(object["layer_4_texts"], point.exits[1].texts);
    EXPECT_EQ(object["early_texts"], point.early().texts);
    const auto timed = std::ranges::find(study.timed, index, &offramp::study::timed_point::point);
    EXPECT_EQ(object["single_p95_ms"].is_null(), timed == study.timed.end());
    EXPECT_EQ(object["lowest_threshold"].is_null(), index == 0);
    EXPECT_EQ(object["highest_threshold"].is_null(), index + 1 == study.found.points.size());
  }
}

TEST(curve_report, shows_several_curves_at_once) {
  const exit_logits logits = random_logits({80, 4, 3}, 8);
  const curve_study study = study_of(logits, {}, "plain");
  std::vector<curve_study> others;
  for (const sweep_rule& rule : {sweep_rule{exit_policy::rule::margin}, sweep_rule{exit_policy::rule::entropy}}) {
    others.push_back(study_of(logits, rule, "plain"));
  }
  expect_well_formed(curve_svg(study, others), language::xml);
  const std::string report = report_html(study, others);
  expect_well_formed(report, language::html);
  for (const char* name : {">confidence<", ">margin<", ">entropy<"}) {
    EXPECT_NE(report.find(name), std::string::npos) << name;
  }
  others.push_back(study_of(logits, {}, hostile_names.front()));
  expect_well_formed(curve_svg(study, others), language::xml);
  expect_well_formed(report_html(study, others), language::html);
}

/// The number of an attribute, from the first place where `before` stands.
double number_after(const std::string& markup, const std::string& before, const std::string& attribute) {
  const std::size_t element = markup.find(before);
  const std::size_t value = markup.find(attribute + "=\"", element);
  if (element == std::string::npos || value == std::string::npos) {
    ADD_FAILURE() << before << " or " << attribute << " is missing";
    return 0.0;
  }
  return std::stod(markup.substr(value + attribute.size() + 2));
}

TEST(curve_report, draws_another_model_where_its_accuracy_is) {
  const exit_logits logits = random_logits({300, 4, 3}, 8);
  const curve_study study = study_of(logits, {}, "early");
  for (const bool is_deeper : {false, true}) {
    exit_logits one_exit = logits;  // always right
    one_exit.exits = {{is_deeper ? 12 : 6, 1.0F}};
    one_exit.values.assign(300 * 3, 0.0F);
    one_exit.uncertainties.clear();
    for (std::size_t text = 0; text < 300; ++text) {
      one_exit.values[text * 3 + static_cast<std::size_t>(logits.label_ids[text])] = 5.0F;
    }
    const std::vector<curve_study> others = {study_of(one_exit, {}, "plain")};
    const std::string picture = curve_svg(study, others);
    const auto frame = [&](const char* name) { return number_after(picture, "<svg", std::string("data-") + name); };
    const auto place = [&](const char* low, const char* high, const char* from, const char* to, double value) {
      return frame(from) + (value - frame(low)) / (frame(high) - frame(low)) * (frame(to) - frame(from));
    };
    const double gain = 100.0 * (1.0 - study.found.full_depth().accuracy);
    ASSERT_GT(gain, 5.0);
    const std::string ring = "<circle class=\"spot other other-0\"";
    EXPECT_NEAR(number_after(picture, ring, "cx"),
                place("first", "last", "left", "right", others.front().found.full_depth().mean_layer), 0.06);
    EXPECT_NEAR(number_after(picture, ring, "cy"), place("lowest", "highest", "bottom", "top", gain), 0.06);
    EXPECT_EQ(frame("last"), is_deeper ? 12.0 : 8.0);
    EXPECT_NE(picture.find("above full depth of early"), std::string::npos);
    const std::string report = report_html(study, others);
    const std::string above = "\"above\":";  // the last one is the other's
    EXPECT_NEAR(std::stod(report.substr(report.rfind(above) + above.size())), gain, 1e-3);
  }
}

TEST(curve_report, begins_with_what_leaving_early_costs) {
  curve_study study = study_of(random_logits({200, 4, 2}, 8), {}, "plain");
  study.picks = {{"a goal", study.found.points.size() / 2}};
  add_times(study);
  const std::string report = report_html(study);
  const auto& point = study.found.points[study.found.points.size() / 2];
  const std::size_t lead = report.find("class=\"lead\"");
  ASSERT_NE(lead, std::string::npos);
  const std::string begin = report.substr(lead, 700);
  for (const std::string& part : {std::string("At <b id=\"say-at\">threshold "), std::string(" points</b> of accuracy"),
                                  "the same " + std::to_string(point.texts) + " texts at both"}) {
    EXPECT_NE(begin.find(part), std::string::npos) << part << " in " << begin;
  }
}

TEST(curve_report, spreads_points_over_the_cost) {
  const auto found = compute_curve(random_logits({400, 5, 3}, 8), {});
  for (const std::size_t count : {1U, 2U, 3U, 20U, 200U}) {
    const auto points = spread_points(found, count);
    EXPECT_LE(points.size(), count);
    EXPECT_GE(points.size() * 2, count);
    EXPECT_TRUE(std::ranges::is_sorted(points));
    EXPECT_EQ(points.back(), found.points.size() - 1);
    EXPECT_TRUE(count == 1 || points.front() == 0);
    EXPECT_EQ(std::set(points.begin(), points.end()).size(), points.size());
  }
  EXPECT_EQ(spread_points(found, found.points.size()).size(), found.points.size());
}

TEST(curve_report, counts_by_label) {
  const exit_logits logits = random_logits({90, 3, 4}, 8);
  const auto shares = share_by_label(logits, std::vector<std::string>{"a", "b", "c", "d"}, 0.6F);
  const auto answers = replay(logits).decide(0.6F);
  std::size_t texts = 0;
  std::size_t correct = 0;
  double layers = 0;
  for (const auto& share : shares) {
    texts += share.texts;
    correct += share.correct;
    layers += share.mean_layer * static_cast<double>(share.texts);
  }
  EXPECT_EQ(texts, 90U);
  EXPECT_EQ(correct, summarise(logits, answers).correct);
  EXPECT_NEAR(layers / 90, summarise(logits, answers).mean_layer, 1e-9);
}

TEST(reliability, draws_any_bins) {
  expect_well_formed(offramp::study::reliability_svg({}), language::xml);
  std::vector<offramp::study::reliability_panel> panels;
  for (const std::string& name : hostile_names) {
    panels.push_back({name, name, {}});
    panels.push_back({name, name, {{0.0, 1.0, 3, 0.5, 1.0 / 3}}});
  }
  expect_well_formed(reliability_svg(panels), language::xml);
}

}  // namespace curve_report_test
