// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/curve_study.hpp>

namespace offramp_cli {

/// What a curve comes to, on standard output: full depth, the areas, and a table of the chosen thresholds.
void write_curve_text(const offramp::study::curve_study& study);
/// The same as JSON Lines: one object of `kind` "summary", then one of `kind` "pick" for each chosen threshold.
void write_curve_json(const offramp::study::curve_study& study);

}  // namespace offramp_cli
