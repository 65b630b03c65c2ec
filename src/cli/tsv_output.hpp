// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace offramp_cli {

/// `field` as it stands between tabs: a backslash, tab, line feed or carriage return in it becomes `\\`, `\t`, `\n` or
/// `\r`, so that a line is always one row and a tab always ends a column.
std::string tsv_field(std::string_view field);

}  // namespace offramp_cli
