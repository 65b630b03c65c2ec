// SPDX-License-Identifier: Apache-2.0
// Usage: consumer MODEL-DIRECTORY TEXT
#include <offramp/offramp.hpp>

#include <exception>
#include <iostream>
#include <string_view>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: consumer MODEL-DIRECTORY TEXT\n";
    return 2;
  }
  const auto model = offramp::classifier::load(argv[1]);
  const offramp::prediction p = model.classify(std::string_view(argv[2]));
  std::cout << p.label << ' ' << p.confidence << '\n';
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
