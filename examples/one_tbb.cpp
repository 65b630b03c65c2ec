// SPDX-License-Identifier: Apache-2.0
// Classifies on the threads of oneTBB. Usage: one_tbb [MODEL-DIRECTORY]
#include <offramp/offramp.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

namespace {

void on_one_tbb(std::size_t n, const std::function<void(std::size_t)>& body) {
  tbb::parallel_for(
      tbb::blocked_range<std::size_t>(0, n, 1),
      [&](const tbb::blocked_range<std::size_t>& range) {
        for (std::size_t i = range.begin(); i < range.end(); ++i) {
          body(i);
        }
      },
      tbb::simple_partitioner());  // each body on its own, so that threads without one are soon found
}

}  // namespace

int main(int argc, char** argv) try {
  const auto model = offramp::classifier::load(argc > 1 ? argv[1] : "models/sentiment-en");
  const offramp::runner run = {on_one_tbb, tbb::this_task_arena::max_concurrency()};
  const std::vector<std::string> texts = {"A delight from start to finish.", "Two hours I will never get back."};
  for (const offramp::prediction& p : model.classify_batch(texts, 0.9F, run)) {
    std::cout << p.label << '\n';
  }
  std::cout << model.classify("The cast deserves better jokes.", 0.9F, run).label << '\n';
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
