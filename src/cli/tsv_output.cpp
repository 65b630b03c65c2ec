// SPDX-License-Identifier: Apache-2.0
#include "tsv_output.hpp"

namespace offramp_cli {

std::string tsv_field(std::string_view field) {
  std::string result;
  result.reserve(field.size());
  for (const char byte : field) {
    switch (byte) {
      case '\\':
        result += "\\\\";
        break;
      case '\t':
        result += "\\t";
        break;
      case '\n':
        result += "\\n";
        break;
      case '\r':
        result += "\\r";
        break;
      default:
        result += byte;
    }
  }
  return result;
}

}  // namespace offramp_cli
