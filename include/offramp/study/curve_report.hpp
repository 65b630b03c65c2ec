// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/compiled_target.hpp>
#include <offramp/study/curve_study.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// The points to write into files: `count` spread ones (0: all), those that were picked and those that were timed.
[[nodiscard]] OFFRAMP_API std::vector<std::size_t> points_to_write(const curve_study& study, std::size_t count);

/// One JSON object a line for each of `points`, then for each fixed exit, for the oracle and for each marked policy.
/// What was measured stands in fields that begin with `single_` and `batched_`, null where nothing was; all else
/// depends on model, data and numbers alone.
[[nodiscard]] OFFRAMP_API std::string curve_jsonl(const curve_study& study, std::span<const std::size_t> points);
/// The same rows and the same numbers, comma-separated, with a header line.
[[nodiscard]] OFFRAMP_API std::string curve_csv(const curve_study& study, std::span<const std::size_t> points);
/// Accuracy against full depth's over mean layer, with the curves of `others` on the same data to compare it with. A
/// file of its own that knows light and dark.
[[nodiscard]] OFFRAMP_API std::string curve_svg(const curve_study& study, std::span<const curve_study> others = {});
/// All of it as one page for a browser, without anything from a network. It quotes the examples among the texts.
[[nodiscard]] OFFRAMP_API std::string report_html(const curve_study& study, std::span<const curve_study> others = {});

/// Writes curve.jsonl, curve.csv, curve.svg, reliability.svg and report.html into `directory`, which is made where it
/// is missing; each file whole or not at all. Of each study points_to_write(study, points); rows of `others` come after
/// those of `study`, and all have the fields of every layer that has an exit in any. Throws `io`.
OFFRAMP_API void write_curve_study(const curve_study& study, std::size_t points, const std::filesystem::path& directory,
                                   std::span<const curve_study> others = {});

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
