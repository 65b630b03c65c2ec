// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/curve_report.hpp>

#include "model_in_memory.hpp"
#include "study/random_logits.hpp"
#include "study/report/made_up_study.hpp"

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace curve_files_test {

using offramp_tests::all_points;
using offramp_tests::curve_study;
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

}  // namespace curve_files_test
