// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/offramp.hpp>

#include "model_in_memory.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

/// A tiny model, more texts than run together, and what it answers to them one by one.
namespace tiny_batch {

inline const offramp::classifier& model() {
  static const offramp::classifier loaded = offramp::classifier::load(offramp_tests::tiny_directory("tiny"));
  return loaded;
}

inline const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> some = {"A good film.",
                                     "",
                                     "The plot is dull, and the actor is not warm!",
                                     "never bad",
                                     "the story of a man and a dog",
                                     "RUNS \xff runs Runs",
                                     "a",
                                     "bad bad"};
    for (int copies = 0; copies < 120; ++copies) {  // several parts' worth
      some.push_back(some[static_cast<std::size_t>(copies) % 8] + " the story of a man and a dog");
    }
    return some;
  }();
  return all;
}

inline const std::vector<offramp::prediction>& answers() {
  static const std::vector<offramp::prediction> all = [] {
    std::vector<offramp::prediction> singly;
    for (const std::string& text : texts()) {
      singly.push_back(model().classify(text, 0.6F));
    }
    return singly;
  }();
  return all;
}

inline void run_on_a_thread_each(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < n; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
}

inline std::vector<offramp::runner> runners() { return {offramp::runner(), offramp::runner(run_on_a_thread_each)}; }

}  // namespace tiny_batch
