// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

/// What one translation unit's offramp says to a text, in types that all of them share.
struct answer {
  std::string label;
  float confidence;
  std::string type;  ///< the name of the translation unit's classifier type
};

answer ask_header_only(const char* directory, const char* text);
answer ask_compiled(const char* directory, const char* text);
