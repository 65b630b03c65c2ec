// SPDX-License-Identifier: Apache-2.0
#include "json_output.hpp"

#include <ostream>

namespace offramp_cli {

std::string json_line(const json& value) {
  constexpr int one_line = -1;
  constexpr char no_indent = ' ';
  constexpr bool escape_non_ascii = false;
  return value.dump(one_line, no_indent, escape_non_ascii, json::error_handler_t::replace) + '\n';
}

void write_json_line(std::ostream& out, const json& value) { out << json_line(value); }

}  // namespace offramp_cli
