// SPDX-License-Identifier: Apache-2.0
// Usage: package_mixed MODEL-DIRECTORY. One program with header-only and compiled offramp: they answer alike, and their
// types differ, so that the linker cannot take one's functions for the other's.
#include "answers.hpp"

#include <cmath>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) {
    return 2;
  }
  const char* text = "A good film.";
  const answer header_only = ask_header_only(argv[1], text);
  const answer compiled = ask_compiled(argv[1], text);
  const bool is_apart = header_only.type != compiled.type;
  const bool agree =
      header_only.label == compiled.label && std::abs(header_only.confidence - compiled.confidence) < 1e-5F;
  if (is_apart && agree) {
    return 0;
  }
  for (const answer& found : {header_only, compiled}) {
    std::cerr << found.label << ' ' << found.confidence << ' ' << found.type << '\n';
  }
  return 1;
}
