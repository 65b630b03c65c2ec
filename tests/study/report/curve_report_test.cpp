// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/curve_report.hpp>

#include <offramp/study/sweep_rule.hpp>

#include "model_in_memory.hpp"
#include "study/random_logits.hpp"
#include "study/report/markup_checker.hpp"

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
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
using offramp_tests::logits_shape;
using offramp_tests::markup_checker;
using offramp_tests::random_logits;
using language = markup_checker::language;

/// Names that would break out of markup, and bytes that no markup holds.
const std::vector<std::string> hostile_names = {"<script>alert(1)</script>",
                                                "\"' onload=x & &amp; </svg>",
                                                "Gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80",
                                                "\xFF\xC0\x80 \xED\xA0\x80",
                                                std::string("a\0b\x01\x1F\x7F\n", 7),
                                                "]]>--><!--"};

curve_study study_of(const exit_logits& logits, const sweep_rule& rule, const std::string& name) {
  curve_study study{.model = name,
                    .numeric_format = name,
                    .kernels = name,
                    .data = "data/" + name,
                    .data_sha256 = std::string(64, 'a'),
                    .found = compute_curve(logits, rule),
                    .picks = {},
                    .timed = {},
                    .timing = {},
                    .timing_threads = 1,
                    .reliability = reliability_of_exits(logits),
                    .by_label = share_by_label(logits, std::vector<std::string>(logits.num_labels, name), 0.7F)};
  study.picks = {{name, 0}, {"no loss", pick_loss(study.found, 0)}, {"never", std::nullopt}};
  return study;
}

void add_times(curve_study& study) {
  for (const std::size_t point : spread_points(study.found, 4)) {
    const double ms = study.found.points[point].mean_layer / 3;
    study.timed.push_back({point, {{ms, ms, ms * 2, ms * 3}, {ms / 2, ms / 2, ms, ms}}});
  }
}

std::vector<std::size_t> all_points(const curve_study& study) { return spread_points(study.found, 1000000); }

void expect_well_formed(const std::string& markup, language kind) {
  const markup_checker checker(markup, kind);
  EXPECT_EQ(checker.problem(), "");
  for (const char* loads :
       {"href", "src", "link", "image", "img", "iframe", "object", "use", "foreignObject", "onload"}) {
    EXPECT_FALSE(checker.names().contains(loads)) << loads;
  }
}

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

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line + ',');
  for (std::string cell; std::getline(stream, cell, ',');) {
    cells.push_back(cell);
  }
  return cells;
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
  EXPECT_EQ(count, points.size() + 4 + 1);
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

class CurveFiles : public ::testing::Test {
 protected:
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  void SetUp() override {
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 ("curve-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

 private:
  std::filesystem::path directory_;
};

const std::set<std::string> file_names = {"curve.jsonl", "curve.csv", "curve.svg", "reliability.svg", "report.html"};

TEST_F(CurveFiles, AreAllThere) {
  const curve_study study = study_of(random_logits({30, 3, 2}, 8), {}, "plain");
  write_curve_study(study, all_points(study), directory() / "deep" / "..");
  std::filesystem::remove(directory() / "deep");
  EXPECT_EQ(files(), file_names);
  EXPECT_EQ(offramp_tests::read_file(directory() / "report.html"), report_html(study));
  EXPECT_EQ(offramp_tests::read_file(directory() / "curve.csv"), curve_csv(study, all_points(study)));
}

TEST_F(CurveFiles, AreWholeOrAsBefore) {
  const curve_study study = study_of(random_logits({30, 3, 2}, 8), {}, "plain");
  std::filesystem::create_directories(directory() / "curve.svg" / "in the way");
  std::ofstream(directory() / "report.html") << "old";
  EXPECT_THROW(write_curve_study(study, all_points(study), directory()), offramp::error);
  EXPECT_EQ(files(), (std::set<std::string>{"curve.jsonl", "curve.csv", "curve.svg", "report.html"}));
  EXPECT_EQ(offramp_tests::read_file(directory() / "report.html"), "old");
  EXPECT_EQ(offramp_tests::read_file(directory() / "curve.csv"), curve_csv(study, all_points(study)));
  EXPECT_THROW(write_curve_study(study, all_points(study), directory() / "report.html"), offramp::error);
}

}  // namespace curve_report_test
