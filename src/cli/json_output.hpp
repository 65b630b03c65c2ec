// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <iosfwd>
#include <string>

namespace offramp_cli {

/// Keeps the order of fields, and writes a float with the digits a float needs rather than those of a double.
using json =
    nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

/// One line with its end; ill-formed UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_line(const json& value);
void write_json_line(std::ostream& out, const json& value);

}  // namespace offramp_cli
