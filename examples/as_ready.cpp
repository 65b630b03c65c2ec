// SPDX-License-Identifier: Apache-2.0
// Takes the answers of a batch as texts leave, early exits first, and stops once it has seen enough.
// Usage: as_ready [MODEL-DIRECTORY]
#include <offramp/offramp.hpp>

#include <cstddef>
#include <exception>
#include <iostream>
#include <stop_token>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  const auto model = offramp::classifier::load(argc > 1 ? argv[1] : "models/sentiment-en");
  const std::vector<std::string> texts = {
      "Hardly a masterpiece, yet I would gladly see it again.",
      "A delight from start to finish.",
      "Two hours of people explaining the plot to each other.",
      "A film about grief that somehow leaves you smiling.",
  };
  std::stop_source stop;
  const auto policy = offramp::exit_policy(0.97F).with_stop_token(stop.get_token());
  std::size_t answers = 0;
  model.classify_batch_as_ready(
      texts,
      [&](std::size_t index, const offramp::prediction& p) {
        if (p.label_id < 0) {
          std::cout << "no answer: " << texts[index] << '\n';
          return;
        }
        std::cout << p.label << " after layer " << p.layer
                  << (p.stopped == offramp::stop_reason::cancelled ? ", cut short: " : ": ") << texts[index] << '\n';
        if (++answers == 2) {
          stop.request_stop();
        }
      },
      policy);
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return 1;
}
