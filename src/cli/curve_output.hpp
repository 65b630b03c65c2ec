// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "json_output.hpp"

#include <offramp/study/curve_study.hpp>
#include <offramp/study/wall_time.hpp>

namespace offramp_cli {

/// What a curve comes to, on standard output: full depth, the areas, and a table of the chosen thresholds.
void write_curve_text(const offramp::study::curve_study& study);
/// The fields of a measured time and of how much faster it is than full depth's.
json times_of(const offramp::study::latency& time);
/// The same as JSON Lines: one object of `kind` "summary", then one of `kind` "pick" for each chosen threshold.
void write_curve_json(const offramp::study::curve_study& study);

}  // namespace offramp_cli
