// SPDX-License-Identifier: Apache-2.0
#include "curve_rows.hpp"
#include "report_html.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/model/write_file.hpp>
#include <offramp/study/curve_report.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

std::vector<std::size_t> points_to_write(const curve_study& study, std::size_t count) {
  const offramp::detail::default_floating_point environment;
  std::vector<std::size_t> points = spread_points(study.found, count == 0 ? study.found.points.size() : count);
  for (const picked_point& chosen : study.picks) {
    if (chosen.point) {
      points.push_back(*chosen.point);
    }
  }
  for (const timed_point& timed : study.timed) {
    points.push_back(timed.point);
  }
  std::ranges::sort(points);
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

namespace {

[[nodiscard]] std::vector<detail::curve_row> rows_of(const curve_study& study, std::span<const std::size_t> points) {
  std::vector<detail::curve_row> rows;
  detail::append_rows(rows, study, points, detail::layers_of(study));
  return rows;
}

/// All with the same fields.
[[nodiscard]] std::vector<detail::curve_row> rows_of_all(const curve_study& study, std::span<const curve_study> others,
                                                         std::size_t points) {
  std::set<int> layers = detail::layers_of(study);
  for (const curve_study& other : others) {
    layers.merge(detail::layers_of(other));
  }
  std::vector<detail::curve_row> rows;
  detail::append_rows(rows, study, points_to_write(study, points), layers);
  for (const curve_study& other : others) {
    detail::append_rows(rows, other, points_to_write(other, points), layers);
  }
  return rows;
}

}  // namespace

std::string curve_jsonl(const curve_study& study, std::span<const std::size_t> points) {
  const offramp::detail::default_floating_point environment;
  return detail::jsonl_of(rows_of(study, points));
}

std::string curve_csv(const curve_study& study, std::span<const std::size_t> points) {
  const offramp::detail::default_floating_point environment;
  return detail::csv_of(rows_of(study, points));
}

std::string curve_svg(const curve_study& study, std::span<const curve_study> others) {
  const offramp::detail::default_floating_point environment;
  return detail::curve_picture_document(study, others);
}

std::string report_html(const curve_study& study, std::span<const curve_study> others) {
  const offramp::detail::default_floating_point environment;
  const std::string title = detail::escape_markup(study.model + " on " + detail::file_name(study.data));
  const std::string where = detail::describe_threshold(study, shown_point(study));
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         title + "</title>\n<style>" + std::string(detail::chart_style) + std::string(detail::report_style) +
         "</style>\n</head>\n<body>\n<main>\n<h1>" + title + "</h1>\n" + detail::report_lead(study) +
         detail::report_note(study) + detail::curve_section(study, others) + detail::exits_section(study) +
         detail::confusion_section(study) + detail::examples_section(study) + detail::picks_section(study) +
         detail::times_section(study) +
         detail::section("Compared with", detail::baselines_table(study) + detail::areas_table(study)) +
         detail::reliability_section(study) + detail::section("By label", detail::labels_table(study, where)) +
         detail::meaning_section() + detail::origin_section(study) + "</main>\n<script>" +
         std::string(detail::report_script) + "</script>\n</body>\n</html>\n";
}

void write_curve_study(const curve_study& study, std::size_t points, const std::filesystem::path& directory,
                       std::span<const curve_study> others) {
  const offramp::detail::default_floating_point environment;
  std::error_code problem;
  std::filesystem::create_directories(directory, problem);
  if (problem) {
    throw error(error_kind::io, directory.string() + ": cannot be made: " + problem.message());
  }
  std::vector<reliability_panel> panels;
  for (const exit_reliability& exit : study.reliability) {
    panels.push_back(panel_of(exit));
  }
  const std::vector<detail::curve_row> rows = rows_of_all(study, others, points);
  // All of them first: a failure while one is made leaves the old files.
  const std::pair<const char*, std::string> files[] = {{"curve.jsonl", detail::jsonl_of(rows)},
                                                       {"curve.csv", detail::csv_of(rows)},
                                                       {"curve.svg", curve_svg(study, others)},
                                                       {"reliability.svg", reliability_svg(panels)},
                                                       {"report.html", report_html(study, others)}};
  for (const auto& [name, content] : files) {
    offramp::detail::write_file(directory / name, content);
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
