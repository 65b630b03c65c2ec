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
  const answer one = ask_header_only_one(argv[1], text);
  const answer two = ask_header_only_two(argv[1], text);
  const answer compiled = ask_compiled(argv[1], text);
  const bool is_same_code = one.type == two.type && one.label == two.label && one.confidence == two.confidence;
  const bool is_apart = one.type != compiled.type;
  const bool agree = one.label == compiled.label && std::abs(one.confidence - compiled.confidence) < 1e-5F;
  if (is_same_code && is_apart && agree) {
    return 0;
  }
  for (const answer& found : {one, two, compiled}) {
    std::cerr << found.label << ' ' << found.confidence << ' ' << found.type << '\n';
  }
  return 1;
}
