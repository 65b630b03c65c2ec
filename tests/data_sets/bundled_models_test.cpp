// SPDX-License-Identifier: Apache-2.0
// The bundled models on real reviews: what their READMEs promise. Needs the data sets: OFFRAMP_DATA names their folder.
#include <offramp/offramp.hpp>
#include <offramp/study/curve.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/thread_pool.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using offramp::classifier;
using offramp::numeric_format;
using offramp::prediction;

/// A bundled model, the data it reports on, and what holds there for its first `texts` lines.
struct promise {
  const char* model;
  const char* data;
  std::vector<std::string> labels;  ///< as the data write them
  std::size_t texts;
  double full_depth_accuracy;
  double default_policy_accuracy;
  double mean_layer;
};

const promise sentiment_en = {"sentiment-en", "sst2/test.tsv", {"0", "1"}, 1821, 0.917, 0.906, 1.1};
const promise sentiment_ko = {"sentiment-ko", "nsmc/test.tsv", {"0", "1"}, 5000, 0.88, 0.883, 0.9};
const promise news_topics_en = {
    "news-topics-en", "ag_news/test.tsv", {"World", "Sports", "Business", "Sci/Tech"}, 2000, 0.91, 0.91, 0.4};

class bundled_model : public testing::TestWithParam<std::tuple<promise, numeric_format>> {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("OFFRAMP_DATA");
    const auto file = std::filesystem::path(folder == nullptr ? "" : folder) / promised().data;
    if (folder == nullptr || !std::filesystem::exists(file)) {
      GTEST_SKIP() << "OFFRAMP_DATA is unset, or has no " << promised().data;
    }
    data_ = offramp::study::read_dataset(file, promised().labels, offramp::input_kind::single);
    data_.texts.resize(std::min(data_.texts.size(), promised().texts));
  }

  [[nodiscard]] static const promise& promised() { return std::get<promise>(GetParam()); }
  [[nodiscard]] static classifier load() {
    return classifier::load(std::string(OFFRAMP_SOURCE_DIR "/models/") + promised().model,
                            {.format = std::get<numeric_format>(GetParam())});
  }

  [[nodiscard]] std::vector<prediction> classify(const classifier& model, const offramp::exit_policy& policy) {
    std::vector<std::string> texts;
    for (const offramp::study::labelled_text& text : data_.texts) {
      texts.push_back(text.first);
    }
    return model.classify_batch(texts, policy, threads_.lend());
  }

  offramp::study::dataset data_;
  offramp::thread_pool threads_{2};
};

INSTANTIATE_TEST_SUITE_P(formats, bundled_model,
                         testing::Combine(testing::Values(sentiment_en, sentiment_ko, news_topics_en),
                                          testing::Values(numeric_format::float32, numeric_format::bfloat16,
                                                          numeric_format::int8)));

TEST_P(bundled_model, keeps_its_accuracy_while_leaving_early) {
  const classifier model = load();
  const auto measure = [&](const offramp::exit_policy& policy) {
    double right = 0.0;
    double layers = 0.0;
    const std::vector<prediction> found = classify(model, policy);
    for (std::size_t i = 0; i < found.size(); ++i) {
      right += found[i].label_id == data_.texts[i].label_id ? 1.0 : 0.0;
      layers += found[i].layer;
    }
    const auto count = static_cast<double>(found.size());
    return std::pair(right / count, layers / count);
  };
  // Six times the work of leaving early: in one format, unless the slow tests are wanted.
  if (OFFRAMP_TEST_EVERY_FORMAT || std::get<numeric_format>(GetParam()) == numeric_format::int8) {
    const auto [full, all_layers] = measure(offramp::exit_policy::full_depth());
    EXPECT_GE(full, promised().full_depth_accuracy);
    EXPECT_EQ(all_layers, model.num_layers());
  }
  const auto [early, mean_layer] = measure(model.default_policy());
  EXPECT_GE(early, promised().default_policy_accuracy);
  EXPECT_LE(mean_layer, promised().mean_layer);
}

/// What stored logits say about a threshold is what the engine does, text by text.
TEST_P(bundled_model, is_replayed_exactly) {
  constexpr std::size_t some = 200;
  const classifier model = load();
  data_.texts.resize(some);
  const auto logits = compute_exit_logits(model, data_, threads_.lend());
  const auto found = compute_curve(logits, {});
  for (std::size_t i = 0; i < found.points.size(); i += found.points.size() / 6) {
    const offramp::exit_policy policy = offramp::study::policy_at(found.rule, found.points[i].thresholds->shortest);
    const auto expected = classify(model, policy);
    const auto answers = offramp::study::replay(logits).decide(policy);
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
