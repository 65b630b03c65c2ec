// SPDX-License-Identifier: Apache-2.0
// Classifies one text within a time limit. Usage: anytime [MODEL-DIRECTORY]
//
// A text that runs out of time is answered by the last exit it visited. The first exit is always reached, so even a
// limit of nothing gives an answer.
#include <offramp/offramp.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string_view>

namespace {

std::string_view name(offramp::stop_reason reason) {
  switch (reason) {
    case offramp::stop_reason::confident:
      return "it was confident";
    case offramp::stop_reason::last_exit:
      return "it reached the last exit";
    case offramp::stop_reason::deadline:
      return "time was up";
    case offramp::stop_reason::layer_limit:
      return "it reached max_layer";
    case offramp::stop_reason::cancelled:
      return "it was cancelled";
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) try {
  using namespace std::chrono_literals;
  const auto model = offramp::classifier::load(argc > 1 ? argv[1] : "models/sentiment-en");
  const std::string_view text =
      "It should not work, and for an hour it does not, yet I left the cinema glad I had stayed.";
  for (const auto limit : {0ms, 2ms, 1000ms}) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    const offramp::prediction p = model.classify(text, offramp::exit_policy(0.9F).with_deadline(deadline));
    std::cout << limit.count() << " ms: " << p.label << ' ' << p.confidence << ", stopped after layer " << p.layer
              << " because " << name(p.stopped) << '\n';
  }
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
