// SPDX-License-Identifier: Apache-2.0
// Classifies pairs of texts. Usage: pairs MODEL-DIRECTORY
//
// For models trained on pairs, such as entailment or paraphrase.
#include <offramp/offramp.hpp>

#include <array>
#include <exception>
#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: pairs MODEL-DIRECTORY\n";
    return 2;
  }
  const auto model = offramp::classifier::load(argv[1]);
  const std::array<offramp::sentence_pair, 2> pairs = {{
      {"A man is tuning a piano.", "Someone works on an instrument."},
      {"A man is tuning a piano.", "The piano has been sold."},
  }};
  for (const offramp::sentence_pair& pair : pairs) {
    const offramp::prediction p = model.classify(pair);
    std::cout << p.label << ' ' << p.confidence << " after layer " << p.layer << ": " << pair.premise << " / "
              << pair.hypothesis << '\n';
  }
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
