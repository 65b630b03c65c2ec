// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace offramp_cli {

/// Ends the help of every subcommand with a line to try.
void add_examples(CLI::App& app);

}  // namespace offramp_cli
