// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/curve_report.hpp>

#include "model_in_memory.hpp"
#include "study/random_logits.hpp"
#include "study/report/made_up_study.hpp"

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace curve_files_test {

using offramp_tests::all_points;
using offramp_tests::cells_of;
using offramp_tests::curve_study;
using offramp_tests::exit_logits;
using offramp_tests::random_logits;
using offramp_tests::study_of;

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
  write_curve_study(study, 0, directory() / "deep" / "..");
  std::filesystem::remove(directory() / "deep");
  EXPECT_EQ(files(), file_names);
  EXPECT_EQ(offramp_tests::read_file(directory() / "report.html"), report_html(study));
  EXPECT_EQ(offramp_tests::read_file(directory() / "curve.csv"), curve_csv(study, all_points(study)));
}

TEST_F(CurveFiles, HoldEveryFieldOfSeveralCurves) {
  const curve_study deep = study_of(random_logits({80, 4, 3}, 8), {}, "deep");
  exit_logits others = random_logits({80, 3, 3}, 8);
  others.exits.front().layer = 0;
  const curve_study shallow = study_of(others, {}, "shallow");
  const auto rows_of = [&](const curve_study& first, const curve_study& second) {
    write_curve_study(first, 0, directory(), std::span(&second, 1));
    std::map<std::string, std::size_t> points;  // by model
    std::ifstream lines(directory() / "curve.jsonl");
    std::ifstream rows(directory() / "curve.csv");
    std::string row;
    std::getline(rows, row);
    const std::vector<std::string> header = cells_of(row);
    for (std::string line; std::getline(lines, line) && std::getline(rows, row);) {
      const auto object = nlohmann::json::parse(line);
      const std::vector<std::string> cells = cells_of(row);
      EXPECT_EQ(object.size(), header.size());
      EXPECT_EQ(cells.size(), header.size()) << row;
      for (std::size_t column = 0; column < std::min(cells.size(), header.size()); ++column) {
        const nlohmann::json& value = object.at(header[column]);
        EXPECT_EQ(value.is_null(), cells[column].empty()) << header[column];
        if (value.is_number()) {
          EXPECT_EQ(value.get<double>(), std::stod(cells[column])) << header[column];
        }
      }
      const bool is_deep = object["model"] == "deep";
      EXPECT_EQ(object["layer_0_texts"].is_null(), is_deep);
      EXPECT_EQ(object["layer_8_texts"].is_null(), !is_deep);
      points[object["model"].get<std::string>()] += object["kind"] == "threshold" ? 1U : 0U;
    }
    EXPECT_FALSE(std::getline(rows, row));
    return points;
  };
  const std::map<std::string, std::size_t> all = {{"deep", deep.found.points.size()},
                                                  {"shallow", shallow.found.points.size()}};
  EXPECT_NE(all.at("deep"), all.at("shallow"));
  EXPECT_EQ(rows_of(deep, shallow), all);
  EXPECT_EQ(rows_of(shallow, deep), all);
}

TEST_F(CurveFiles, AreWholeOrAsBefore) {
  const curve_study study = study_of(random_logits({30, 3, 2}, 8), {}, "plain");
  std::filesystem::create_directories(directory() / "curve.svg" / "in the way");
  std::ofstream(directory() / "report.html") << "old";
  EXPECT_THROW(write_curve_study(study, 0, directory()), offramp::error);
  EXPECT_EQ(files(), (std::set<std::string>{"curve.jsonl", "curve.csv", "curve.svg", "report.html"}));
  EXPECT_EQ(offramp_tests::read_file(directory() / "report.html"), "old");
  EXPECT_EQ(offramp_tests::read_file(directory() / "curve.csv"), curve_csv(study, all_points(study)));
  EXPECT_THROW(write_curve_study(study, 0, directory() / "report.html"), offramp::error);
}

}  // namespace curve_files_test
