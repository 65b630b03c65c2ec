// SPDX-License-Identifier: Apache-2.0
// Classifies on a thread pool that offramp ships, for programs that have none. Usage: thread_pool [MODEL-DIRECTORY]
//
// The threads are started once and lent to any number of calls, which take turns. Between calls they sleep. See
// batch_threads.cpp for threads of the program's own. The answers are the same on any number of threads.
#include <offramp/offramp.hpp>
#include <offramp/thread_pool.hpp>

#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  const auto model = offramp::classifier::load(argc > 1 ? argv[1] : "models/sentiment-en");
  offramp::thread_pool pool;  // as many threads as the system lets the program use

  const std::vector<std::string> texts = {"A delight from start to finish.", "Two hours I will never get back.",
                                          "It should not work, yet I left the cinema glad I had stayed."};
  const auto predictions = model.classify_batch(texts, 0.9F, pool.lend());  // the threads share the texts
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::cout << predictions[i].label << ": " << texts[i] << '\n';
  }
  const std::string alone = "The cast deserves better jokes.";
  std::cout << model.classify(alone, 0.9F, pool.lend()).label << ": " << alone << '\n';  // and the work of each layer
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
