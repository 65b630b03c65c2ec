// SPDX-License-Identifier: Apache-2.0
// Classifies on the threads of OpenMP. Usage: openmp [MODEL-DIRECTORY]
#include <offramp/offramp.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <omp.h>

namespace {

void on_openmp(std::size_t n, const std::function<void(std::size_t)>& body) {
#pragma omp parallel for schedule(dynamic, 1)
  for (std::size_t i = 0; i < n; ++i) {
    body(i);  // does not throw
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const auto model = offramp::classifier::load(argc > 1 ? argv[1] : "models/sentiment-en");
  const offramp::runner run = {on_openmp, omp_get_max_threads()};
  const std::vector<std::string> texts = {"A delight from start to finish.", "Two hours I will never get back."};
  for (const offramp::prediction& p : model.classify_batch(texts, 0.9F, run)) {
    std::cout << p.label << '\n';
  }
  std::cout << model.classify("The cast deserves better jokes.", 0.9F, run).label << '\n';
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
