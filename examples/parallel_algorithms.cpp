// SPDX-License-Identifier: Apache-2.0
// Classifies on the threads of the standard parallel algorithms. Usage: parallel_algorithms [MODEL-DIRECTORY]
//
// std::execution::par_unseq would be wrong: bodies wait for others that have started.
#include <offramp/offramp.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <algorithm>
#include <execution>
#include <numeric>

namespace {

void in_parallel(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::size_t> indices(n);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  std::for_each(std::execution::par, indices.begin(), indices.end(), body);
}

}  // namespace

int main(int argc, char** argv) try {
  const auto model = offramp::classifier::load(argc > 1 ? argv[1] : "models/sentiment-en");
  const offramp::runner run = in_parallel;  // as many threads as the system lets the program use
  const std::vector<std::string> texts = {"A delight from start to finish.", "Two hours I will never get back."};
  for (const offramp::prediction& p : model.classify_batch(texts, 0.9F, run)) {
    std::cout << p.label << '\n';
  }
  std::cout << model.classify("The cast deserves better jokes.", 0.9F, run).label << '\n';
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
