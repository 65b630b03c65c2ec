// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <span>
#include <string>

namespace offramp_cli {

/// What the first unknown subcommand or option among `arguments` (without the program's name) may have meant: the
/// nearest that there is, where it is near.
[[nodiscard]] std::optional<std::string> suggest(const CLI::App& app, std::span<const std::string> arguments);

}  // namespace offramp_cli
