// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/curve_study.hpp>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <vector>

namespace offramp_cli {

/// Where a study comes from: the command as it was given to `parser`, the model's identity, and the CPU where the
/// system names it.
std::vector<offramp::study::origin_line> origin_of(const CLI::App& parser, const std::filesystem::path& model);

}  // namespace offramp_cli
