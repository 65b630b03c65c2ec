// SPDX-License-Identifier: Apache-2.0
// Classifies on threads of its own, a batch and a single text. Usage: batch_threads [MODEL-DIRECTORY]
// The library starts no thread. It asks a `runner` to call body(0) to body(n - 1), here on four threads; a program
// with a thread pool would hand the bodies to that. The answers are the same on any number of threads.
#include <offramp/offramp.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace {

void on_four_threads(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (std::size_t index = next++; index < n; index = next++) {
        body(index);
      }
    });
  }
}  // the threads are joined here

void print(const std::string& text, const offramp::prediction& p) {
  std::cout << p.label << " after layer " << p.layer << ": " << text << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  const auto model = offramp::classifier::load(argc > 1 ? argv[1] : "models/sentiment-en");
  const std::vector<std::string> texts = {"A delight from start to finish.", "Two hours I will never get back.",
                                          "It should not work, yet I left the cinema glad I had stayed."};
  const auto predictions = model.classify_batch(texts, 0.9F, on_four_threads);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    print(texts[i], predictions[i]);
  }
  const std::string alone = "The cast deserves better jokes.";
  print(alone, model.classify(alone, 0.9F, on_four_threads));  // the threads share the work of each layer
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
