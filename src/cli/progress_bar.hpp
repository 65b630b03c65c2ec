// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/progress.hpp>

#include <string>

namespace offramp_cli {

/// Draws `title`, a bar, the rate in `unit` per second and the time left on standard error, and ends the line when all
/// is done. Empty where standard error is no terminal.
offramp::study::progress progress_bar(const std::string& title, const std::string& unit);

}  // namespace offramp_cli
