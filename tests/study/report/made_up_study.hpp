// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/curve_study.hpp>
#include <offramp/study/sweep_rule.hpp>

#include "study/report/markup_checker.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace offramp_tests {

using offramp::study::curve_study;
using offramp::study::exit_logits;
using offramp::study::sweep_rule;

/// A study of these logits with a value in every field, each name being `name`.
inline curve_study study_of(const exit_logits& logits, const sweep_rule& rule, const std::string& name) {
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
  study.labels.assign(logits.num_labels, name);
  study.marked = {{name, study.found.oracle, {}}};
  study.examples.easiest = {{name, 1, name, name, 0.5F}};
  study.origin = {{name, name}};
  for (const std::size_t point : spread_points(study.found, 5)) {
    std::vector<std::vector<std::size_t>> confusion(logits.num_labels,
                                                    std::vector<std::size_t>(logits.num_labels, point));
    study.stops.push_back({point, confusion});
  }
  study.picks = {{name, 0}, {"no loss", pick_loss(study.found, 0)}, {"never", std::nullopt}};
  return study;
}

inline void add_times(curve_study& study) {
  for (const std::size_t point : spread_points(study.found, 4)) {
    const double ms = study.found.points[point].mean_layer / 3;
    study.timed.push_back({point, {{ms, ms, ms * 2, ms * 3, {ms / 2, ms * 2}}, {ms / 2, ms / 2, ms, ms}}});
  }
}

/// Of a row of curve.csv.
inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line + ',');
  for (std::string cell; std::getline(stream, cell, ',');) {
    cells.push_back(cell);
  }
  return cells;
}

inline std::vector<std::size_t> all_points(const curve_study& study) { return spread_points(study.found, 1000000); }

inline void expect_well_formed(const std::string& markup, markup_checker::language kind) {
  const markup_checker checker(markup, kind);
  EXPECT_EQ(checker.problem(), "");
  for (const char* loads :
       {"href", "src", "link", "image", "img", "iframe", "object", "use", "foreignObject", "onload"}) {
    EXPECT_FALSE(checker.names().contains(loads)) << loads;
  }
}

}  // namespace offramp_tests
