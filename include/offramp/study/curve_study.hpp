// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/curve.hpp>
#include <offramp/study/pick.hpp>
#include <offramp/study/reliability_chart.hpp>
#include <offramp/study/wall_time.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// A threshold chosen for a goal.
struct pick {
  std::string wanted;                ///< as in "at least 3x faster, in layers"
  std::optional<std::size_t> point;  ///< index into curve::points; nothing when no point reaches the goal
};

/// How the texts of one label fare at one point, by their right label.
struct label_share {
  std::string label;
  std::size_t texts = 0;
  std::size_t correct = 0;
  std::size_t correct_at_full_depth = 0;
  double mean_layer = 0.0;
};

/// A curve with all that is said about it. Names may hold any bytes.
struct curve_study {
  std::string model;
  std::string numeric_format;
  std::string kernels;
  std::string data;
  std::string data_sha256;
  curve found;
  std::vector<pick> picks;
  std::vector<timed_point> timed;  ///< by ascending point; empty when nothing was timed
  timing_options timing;
  int timing_threads = 1;
  std::vector<exit_reliability> reliability;  ///< of every exit over all texts
  std::vector<label_share> by_label;          ///< at the first pick that was reached, else at full depth
};

/// How the texts of each label fare under `policy`.
[[nodiscard]] std::vector<label_share> share_by_label(const exit_logits& logits, std::span<const std::string> labels,
                                                      const exit_policy& policy);

/// Indices of about `count` points, evenly spread over the mean layer, the first and the last among them; all where
/// there are no more.
[[nodiscard]] std::vector<std::size_t> spread_points(const curve& found, std::size_t count);

/// The points to write into files: `count` spread ones, those that were picked and those that were timed.
[[nodiscard]] std::vector<std::size_t> points_to_write(const curve_study& study, std::size_t count);

/// One JSON object a line for each of `points`, then for each fixed exit and for the oracle. What was measured stands
/// in fields that end in `_ms`, null where nothing was; all else depends on model, data and numbers alone.
[[nodiscard]] std::string curve_jsonl(const curve_study& study, std::span<const std::size_t> points);
/// The same rows and the same numbers, comma-separated, with a header line.
[[nodiscard]] std::string curve_csv(const curve_study& study, std::span<const std::size_t> points);
/// Accuracy over mean layer, with what to compare it with. A file of its own that knows light and dark.
[[nodiscard]] std::string curve_svg(const curve_study& study);
/// All of it as one page for a browser, without anything from a network.
[[nodiscard]] std::string report_html(const curve_study& study);

/// Writes curve.jsonl, curve.csv, curve.svg, reliability.svg and report.html into `directory`, which is made where it
/// is missing; each file whole or not at all. Throws `io`.
void write_curve_study(const curve_study& study, std::span<const std::size_t> points,
                       const std::filesystem::path& directory);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/detail/study/curve_study.hpp>
#endif
