// SPDX-License-Identifier: Apache-2.0
// What a program or a plugin asks of the library: it classifies, and fits heads, which Eigen does.
#include <offramp/offramp.hpp>
#include <offramp/study/head_fit.hpp>

#include <exception>
#include <iostream>
#include <vector>

namespace {

void fit() {
  constexpr int texts = 60;
  constexpr int features = 7;
  std::vector<float> values;
  std::vector<int> labels;
  for (int text = 0; text < texts; ++text) {
    for (int feature = 0; feature < features; ++feature) {
      values.push_back(static_cast<float>((text * 37 + feature * 11) % 19));
    }
    labels.push_back(text % 3);
  }
  const std::vector<double> strengths{0.01, 1.0};
  (void)offramp::study::fit_heads({.values = values, .label_ids = labels, .num_labels = 3}, strengths);
}

bool throws_offramp_error() {
  try {
    (void)offramp::classifier::load("no such directory");
    return false;
  } catch (const offramp::error& problem) {
    return problem.kind() == offramp::error_kind::io;
  }
}

}  // namespace

/// 0 where all is well.
extern "C" __attribute__((visibility("default"))) int use_offramp(const char* model_directory) {
  try {
    fit();
    const auto model = offramp::classifier::load(model_directory);
    const offramp::prediction answer = model.classify("A good film.");
    return throws_offramp_error() && answer.confidence > 0.0F && offramp::version() == OFFRAMP_VERSION_STRING ? 0 : 1;
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
}
