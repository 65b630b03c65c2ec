// SPDX-License-Identifier: Apache-2.0
// How long batches go on after their deadline, or after a stop was requested. Where a deadline comes too early, they are
// late by what the texts take to their first exits, which they reach all the same.
// Usage: overdue [--texts N] [--tokens N] [MODEL]
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "model_inputs.hpp"

namespace {

using offramp::classifier;
using offramp::encoding;
using offramp::exit_policy;
using offramp::prediction;
using clock = std::chrono::steady_clock;
using milliseconds = std::chrono::duration<double, std::milli>;

milliseconds time_of(const std::function<void()>& call) {
  const auto start = clock::now();
  call();
  return clock::now() - start;
}

/// What the last layer but one costs texts of so many tokens that run together when calls must be quick.
milliseconds one_layer(const classifier& model, const std::vector<encoding>& texts) {
  const std::size_t together = std::max<std::size_t>(1, 512 / texts.front().ids.size());
  const std::vector<encoding> part(texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(together));
  const auto to_layer = [&](int layer) {
    return time_of([&] { (void)model.classify_batch(part, exit_policy::full_depth().with_max_layer(layer)); });
  };
  const auto& exits = model.exits();
  const int first = exits.front().layer;
  const int last = exits.back().layer;
  return (to_layer(last) - to_layer(first)) / std::max(1, last - first);
}

std::size_t count(const std::vector<prediction>& answers, offramp::stop_reason why) {
  return static_cast<std::size_t>(
      std::count_if(answers.begin(), answers.end(), [&](const prediction& p) { return p.stopped == why; }));
}

void report(const classifier& model, const std::vector<encoding>& texts) {
  const exit_policy full = exit_policy::full_depth();
  (void)model.classify_batch(texts, full);
  const milliseconds whole = time_of([&] { (void)model.classify_batch(texts, full); });
  const milliseconds first_exits =
      time_of([&] { (void)model.classify_batch(texts, full.with_max_layer(model.exits().front().layer)); });
  std::cout << texts.size() << " texts of " << texts.front().ids.size() << " tokens: " << whole.count()
            << " ms at full depth, " << first_exits.count() << " ms to their first exits, "
            << one_layer(model, texts).count() << " ms for a layer of what runs together\n"
            << "stop after ms   deadline: late by ms (texts it stopped)   token: late by ms (texts it stopped)\n";
  for (const double share : {0.0, 0.1, 0.25, 0.5, 0.75, 0.9}) {
    const auto limit = std::chrono::duration_cast<clock::duration>(whole * share);
    std::vector<prediction> answers;
    const auto deadline = clock::now() + limit;
    answers = model.classify_batch(texts, full.with_deadline(deadline));
    const milliseconds late = clock::now() - deadline;
    const std::size_t stopped = count(answers, offramp::stop_reason::deadline);

    std::stop_source source;
    clock::time_point requested;
    std::jthread stopper([&] {
      std::this_thread::sleep_for(limit);
      requested = clock::now();
      source.request_stop();
    });
    answers = model.classify_batch(texts, full.with_stop_token(source.get_token()));
    const auto end = clock::now();
    stopper.join();
    std::cout << milliseconds(limit).count() << "   " << late.count() << " (" << stopped << ")   "
              << milliseconds(end - requested).count() << " (" << count(answers, offramp::stop_reason::cancelled)
              << ")\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t texts = 600;
  std::size_t tokens = 24;
  std::string directory = OFFRAMP_SOURCE_MODEL;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--texts" && i + 1 < argc) {
      texts = std::stoul(argv[++i]);
    } else if (argument == "--tokens" && i + 1 < argc) {
      tokens = std::stoul(argv[++i]);
    } else {
      directory = argument;
    }
  }
  try {
    const classifier model = classifier::load(directory);
    report(model, offramp_bench::random_inputs(model, texts, static_cast<std::uint32_t>(tokens)));
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
  return 0;
}
