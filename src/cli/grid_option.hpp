// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/run_study.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace offramp_cli {

/// Sets which points are timed: "16" spreads so many evenly over the mean layer, "0.5,0.9" or "0.9" names thresholds (a
/// single one needs its decimal point). Throws usage_error for anything else.
void set_grid(const std::string& text, offramp::study::study_options& options);

}  // namespace offramp_cli
