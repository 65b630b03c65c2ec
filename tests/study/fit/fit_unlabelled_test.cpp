// SPDX-License-Identifier: Apache-2.0
// Exits that learn from texts without labels what a checkpoint's own classifier says.
#include <offramp/study/fit.hpp>

#include <offramp/classifier.hpp>
#include <offramp/error.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/metrics.hpp>
#include <offramp/thread_pool.hpp>

#include "model/model_files.hpp"
#include "study/fit/workshop.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace fit_unlabelled_test {

using namespace offramp::study;
using offramp_tests::workshop;

const std::vector<std::string> moods{"dull", "fair", "warm"};

/// A workshop with 600 lines of text beside what it has.
struct unlabelled_workshop : workshop {
  unlabelled_workshop() : workshop("tiny-plain", moods) {
    std::string lines = offramp_tests::labelled_lines(moods, 600, 3);
    std::string texts;
    for (std::size_t begin = 0; begin < lines.size();) {
      const std::size_t tab = lines.find('\t', begin);
      const std::size_t end = lines.find('\n', tab) + 1;
      texts += lines.substr(tab + 1, end - tab - 1);
      begin = end;
    }
    files.write("texts.txt", texts);
  }

  [[nodiscard]] fit_result learn(fit_files from, const std::string& out = "out", const fit_options& options = {},
                                 const offramp::runner& run = {}) const {
    from.texts = files / "texts.txt";
    return fit_exits(files / "model", from, files / out, options, run);
  }
};

TEST(FitUnlabelled, LearnsWhatTheClassifierOfTheCheckpointSays) {
  const unlabelled_workshop shop;
  const fit_result result = shop.learn({});
  EXPECT_FALSE(result.is_dev_labelled);
  EXPECT_EQ(result.labels, moods);
  EXPECT_EQ(result.exits.back().temperature.temperature, 1.0F) << "nothing says how sure it may be";
  EXPECT_FALSE(result.exits.back().temperature.at_bound);
  EXPECT_EQ(result.exits.back().dev_accuracy, 1.0) << "it agrees with itself";
  const auto plain = offramp::classifier::load(shop.files / "model");
  const auto fitted = offramp::classifier::load(shop.files / "out");
  std::size_t agree = 0;
  const dataset texts = read_texts(shop.files / "texts.txt", offramp::input_kind::single);
  for (const labelled_text& text : texts.texts) {
    const auto exits = fitted.classify_every_exit(text.first);
    const auto alone = plain.classify_every_exit(text.first);
    EXPECT_EQ(exits.back().logits, alone.back().logits) << "it hears no n-grams";
    agree += exits[exits.size() - 2].answer.label_id == alone.back().answer.label_id ? 1U : 0U;
  }
  EXPECT_GT(agree, texts.texts.size() * 9 / 10);
}

TEST(FitUnlabelled, NeitherOrderNorCopiesNorThreadsChangeABit) {
  const unlabelled_workshop shop;
  static_cast<void>(shop.learn({}, "one"));
  const std::string texts = shop.files.read("texts.txt");
  const std::size_t half = texts.find('\n', texts.size() / 2) + 1;
  shop.files.write("texts.txt", texts.substr(half) + texts);
  offramp::thread_pool pool(3);
  static_cast<void>(shop.learn({}, "other", {}, pool.lend()));
  EXPECT_EQ(shop.exits("other"), shop.exits("one"));
}

TEST(FitUnlabelled, LabelledTextsMayBeAdded) {
  const unlabelled_workshop shop;
  const fit_result dev = shop.learn({.dev = shop.files / "dev.tsv"}, "dev");
  EXPECT_TRUE(dev.is_dev_labelled);
  EXPECT_LT(dev.exits.back().dev_accuracy, 1.0) << "these labels are not the classifier's";
  const fit_result both = shop.learn({.train = shop.files / "train.tsv", .dev = shop.files / "dev.tsv"}, "both");
  EXPECT_GT(both.exits.front().dev_accuracy, dev.exits.front().dev_accuracy) << "train tells of the labels";
}

TEST(FitUnlabelled, ReadsPairs) {
  const unlabelled_workshop shop;
  std::string pairs_of_texts;
  for (int i = 0; i < 60; ++i) {
    pairs_of_texts += "a film " + std::to_string(i) + "\ta dog\n";
  }
  shop.files.write("texts.txt", pairs_of_texts);
  offramp_tests::expect_error(offramp::error_kind::bad_data, {"texts.txt:1: has a tab"},
                              [&] { static_cast<void>(shop.learn({})); });
  EXPECT_FALSE(std::filesystem::exists(shop.files / "out"));
  fit_options pairs;
  pairs.input = offramp::input_kind::pair;
  static_cast<void>(shop.learn({}, "out", pairs));
  EXPECT_EQ(offramp::classifier::load(shop.files / "out").expected_input(), offramp::input_kind::pair);
}

TEST(FitUnlabelled, AddsAnExitBeforeTheEncoderThatAgreesWithTheLast) {
  const unlabelled_workshop shop;
  fit_options encoder;
  encoder.layers = {1, 2};
  static_cast<void>(shop.learn({}, "before", encoder));
  fit_options options;
  options.layers = {0};
  options.ngram_bucket_bits = 12;
  const fit_result added =
      fit_exits(shop.files / "before", {.texts = shop.files / "texts.txt"}, shop.files / "after", options);
  EXPECT_EQ(added.exits.size(), 1U);
  EXPECT_FALSE(added.is_dev_labelled);
  const auto model = offramp::classifier::load(shop.files / "after");
  const exit_logits logits =
      compute_exit_logits(model, read_texts(shop.files / "texts.txt", offramp::input_kind::single));
  EXPECT_FALSE(logits.is_labelled);
  const std::vector<float> first = exit_probabilities(logits, 0, logits.exits[0].temperature);
  EXPECT_GT(accuracy({first, logits.label_ids, 3}), 0.8);
}

TEST(FitUnlabelled, LearnsFromTheLastExitWhereTheWeightsHaveNoClassifier) {
  const workshop shop("tiny");
  static_cast<void>(shop.fit(offramp_tests::on_layers(3), "labelled"));
  shop.files.write("texts.txt", unlabelled_workshop().files.read("texts.txt"));
  fit_options options;
  options.layers = {1, 3};
  const fit_result result =
      fit_exits(shop.files / "labelled", {.texts = shop.files / "texts.txt"}, shop.files / "out", options);
  EXPECT_EQ(result.labels, offramp_tests::no_yes);
  ASSERT_EQ(result.exits.size(), 2U);
  EXPECT_EQ(result.exits.back().dev_accuracy, 1.0) << "it agrees with itself";
  const auto teacher = offramp::classifier::load(shop.files / "labelled");
  const auto fitted = offramp::classifier::load(shop.files / "out");
  for (const char* text : {"a fair day", "warm", "dull and dull again"}) {
    EXPECT_EQ(fitted.classify_every_exit(text).back().logits, teacher.classify_every_exit(text).back().logits);
  }
}

TEST(FitUnlabelled, KeepsTheExitBeforeTheEncoderThatTheLastOneHears) {
  const workshop shop("tiny");
  const fit_result labelled = shop.fit({}, "labelled");
  ASSERT_GT(labelled.exits.back().ngram_weight, 0.0F);
  shop.files.write("texts.txt", unlabelled_workshop().files.read("texts.txt"));
  fit_options options;
  options.layers = {1, 3};
  const fit_result result =
      fit_exits(shop.files / "labelled", {.texts = shop.files / "texts.txt"}, shop.files / "out", options);
  ASSERT_EQ(result.exits.size(), 3U);
  EXPECT_EQ(result.exits.front().layer, 0);
  EXPECT_EQ(result.exits.back().ngram_weight, labelled.exits.back().ngram_weight);
  EXPECT_EQ(result.exits.back().dev_accuracy, 1.0) << "it agrees with itself";
  const auto teacher = offramp::classifier::load(shop.files / "labelled");
  const auto fitted = offramp::classifier::load(shop.files / "out");
  for (const char* text : {"a fair day", "warm", "dull and dull again"}) {
    const auto found = fitted.classify_every_exit(text);
    const auto expected = teacher.classify_every_exit(text);
    EXPECT_EQ(found.front().logits, expected.front().logits);
    EXPECT_EQ(found.back().logits, expected.back().logits);
  }
}

TEST(FitUnlabelled, RefusesWhatTeachesNothing) {
  using enum offramp::error_kind;
  const unlabelled_workshop shop;
  const auto refuses = [&](const fit_files& files, offramp::error_kind kind, const std::string& what) {
    offramp_tests::expect_error(kind, {what},
                                [&] { static_cast<void>(fit_exits(shop.files / "model", files, shop.files / "out")); });
    EXPECT_FALSE(std::filesystem::exists(shop.files / "out"));
  };
  refuses({}, invalid_argument, "fit_files: expected train and dev, or texts");
  refuses({.train = shop.files / "train.tsv"}, invalid_argument, "fit_files");
  refuses({.dev = shop.files / "dev.tsv"}, invalid_argument, "fit_files");
  refuses({.texts = "/nowhere"}, io, "/nowhere");
  shop.files.write("texts.txt", "the only text\n");
  refuses({.texts = shop.files / "texts.txt"}, bad_data, "texts.txt: has 1 text, too few for 2 parts");
  const workshop bare("tiny");
  offramp_tests::expect_error(unsupported, {"model.safetensors: has no classifier"}, [&] {
    static_cast<void>(fit_exits(bare.files / "model", {.texts = shop.files / "texts.txt"}, bare.files / "out"));
  });
}

}  // namespace fit_unlabelled_test
