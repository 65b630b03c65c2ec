// SPDX-License-Identifier: Apache-2.0
// The bundled model on real sentences: what its README promises. Needs the data sets: OFFRAMP_DATA names their folder.
#include <offramp/offramp.hpp>
#include <offramp/study/curve.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using offramp::classifier;
using offramp::numeric_format;
using offramp::prediction;

struct labelled {
  std::vector<std::string> texts;
  std::vector<int> labels;
};

/// Lines of label, tab, text; empty where there is no such file.
labelled read(const std::string& name) {
  labelled data;
  const char* folder = std::getenv("OFFRAMP_DATA");
  std::ifstream file(folder == nullptr ? std::string() : std::string(folder) + name);
  for (std::string line; std::getline(file, line);) {
    const std::size_t tab = line.find('\t');
    data.labels.push_back(std::stoi(line.substr(0, tab)));
    data.texts.push_back(line.substr(tab + 1));
  }
  return data;
}

void on_two_threads(std::size_t n, const std::function<void(std::size_t)>& body) {
  std::jthread half([&] {
    for (std::size_t i = 0; i < n / 2; ++i) {
      body(i);
    }
  });
  for (std::size_t i = n / 2; i < n; ++i) {
    body(i);
  }
}

class sst2 : public testing::TestWithParam<numeric_format> {};

INSTANTIATE_TEST_SUITE_P(formats, sst2,
                         testing::Values(numeric_format::float32, numeric_format::bfloat16, numeric_format::int8));

TEST_P(sst2, keeps_its_accuracy_while_leaving_early) {
  const labelled data = read("/sst2/test.tsv");
  if (data.texts.empty()) {
    GTEST_SKIP() << "OFFRAMP_DATA is unset, or has no sst2/test.tsv";
  }
  const classifier model = classifier::load(OFFRAMP_SOURCE_DIR "/models/sentiment-en", {.format = GetParam()});
  const auto measure = [&](const offramp::exit_policy& policy) {
    double right = 0.0;
    double layers = 0.0;
    const std::vector<prediction> found = model.classify_batch(data.texts, policy, &on_two_threads);
    for (std::size_t i = 0; i < found.size(); ++i) {
      right += found[i].label_id == data.labels[i] ? 1.0 : 0.0;
      layers += found[i].layer;
    }
    const auto count = static_cast<double>(found.size());
    return std::pair(right / count, layers / count);
  };
  const auto [full, all_layers] = measure(offramp::exit_policy::full_depth());
  EXPECT_GE(full, 0.905);
  EXPECT_EQ(all_layers, 6.0);
  const auto [early, mean_layer] = measure(model.default_policy());
  EXPECT_GE(early, 0.9);
  EXPECT_LE(mean_layer, 2.15);
}

/// What stored logits say about a threshold is what the engine does, text by text.
TEST_P(sst2, is_replayed_exactly) {
  const labelled data = read("/sst2/test.tsv");
  if (data.texts.empty()) {
    GTEST_SKIP() << "OFFRAMP_DATA is unset, or has no sst2/test.tsv";
  }
  constexpr std::size_t some = 400;
  const classifier model = classifier::load(OFFRAMP_SOURCE_DIR "/models/sentiment-en", {.format = GetParam()});
  offramp::study::dataset set;
  for (std::size_t i = 0; i < some; ++i) {
    set.texts.push_back({data.texts[i], {}, data.labels[i], i + 1});
  }
  const auto logits = compute_exit_logits(model, set, &on_two_threads);
  const auto found = compute_curve(logits, {});
  const std::vector<std::string> texts(data.texts.begin(), data.texts.begin() + some);
  for (std::size_t i = 0; i < found.points.size(); i += found.points.size() / 6) {
    const float threshold = found.points[i].thresholds->shortest;
    const auto expected = model.classify_batch(texts, threshold, &on_two_threads);
    const auto answers = offramp::study::replay(logits).decide(threshold);
    for (std::size_t text = 0; text < some; ++text) {
      EXPECT_EQ(answers[text].label_id, expected[text].label_id);
      EXPECT_EQ(answers[text].confidence, expected[text].confidence);
      EXPECT_EQ(logits.exits[answers[text].exit].layer, expected[text].layer);
    }
    auto summary = summarise(logits, answers);
    summary.thresholds = found.points[i].thresholds;
    EXPECT_EQ(summary, found.points[i]);
  }
}

}  // namespace
