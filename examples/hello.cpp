// SPDX-License-Identifier: Apache-2.0
// Classifies one text. Usage: hello [MODEL-DIRECTORY]
#include <offramp/offramp.hpp>

#include <exception>
#include <iostream>

int main(int argc, char** argv) try {
  const auto model = offramp::classifier::load(argc > 1 ? argv[1] : "models/sentiment-en");
  const offramp::prediction p = model.classify("A delight from start to finish.", 0.9F);
  std::cout << p.label << ' ' << p.confidence << " after layer " << p.layer << " of " << model.num_layers() << '\n';
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
