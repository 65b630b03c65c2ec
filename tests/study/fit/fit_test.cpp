// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/fit.hpp>

#include <offramp/error.hpp>
#include <offramp/model/checkpoint.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/metrics.hpp>
#include <offramp/thread_pool.hpp>

#include "model/model_files.hpp"
#include "study/fit/workshop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace fit_test {

using namespace offramp::study;
using offramp_tests::labelled_lines;
using offramp_tests::no_yes;
using offramp_tests::on_layers;
using offramp_tests::workshop;

// Also where all layers share their weights (ALBERT), and where the classifier's pooler is not tanh, has a norm
// or no bias, or pools another row.
TEST(FitExits, KeepsTheClassifierOfEveryFamily) {
  for (const char* name : {"family-bert", "family-electra", "family-distilbert", "family-albert", "family-roberta",
                           "family-mpnet", "family-deberta", "family-modernbert", "family-modernbert-mean"}) {
    const auto before = offramp::classifier::load(std::string(OFFRAMP_TEST_DATA) + "/models/" + name);
    const workshop shop(name, before.labels());
    const fit_result result = shop.fit(on_layers(before.num_layers()));
    ASSERT_EQ(result.exits.size(), static_cast<std::size_t>(before.num_layers())) << name;
    EXPECT_TRUE(result.exits.front().strength) << name;
    EXPECT_FALSE(result.exits.back().strength) << name;
    const auto after = offramp::classifier::load(shop.files / "out");
    EXPECT_EQ(after.classify_every_exit("a good film").back().logits,
              before.classify_every_exit("a good film").back().logits)
        << name;
  }
}

TEST(FitExits, MakesAModelThatLoadsAndLearned) {
  const workshop shop("tiny");
  const auto before = shop.content("model");
  const fit_result result = shop.fit(on_layers(3));
  EXPECT_EQ(shop.content("model"), before) << "the checkpoint is untouched";
  const auto model = offramp::classifier::load(shop.files / "out");
  EXPECT_EQ(model.labels(), no_yes);
  EXPECT_EQ(result.labels, no_yes);
  EXPECT_EQ(model.expected_input(), offramp::input_kind::single);
  EXPECT_TRUE(model.info().warnings.empty());
  EXPECT_TRUE(result.warnings.empty());
  ASSERT_EQ(result.exits.size(), 3U);
  for (int layer = 1; layer <= 3; ++layer) {
    const fitted_exit& exit = result.exits[static_cast<std::size_t>(layer) - 1];
    EXPECT_EQ(exit.layer, layer);
    EXPECT_GT(exit.dev_accuracy, 0.75);
    EXPECT_GT(exit.train_accuracy.value(), 0.75);
    EXPECT_LE(exit.temperature.nll_after, exit.temperature.nll_before);
  }
  for (const auto& [name, bytes] : before) {
    if (!name.starts_with("exits.")) {
      EXPECT_EQ(shop.files.read("out/" + name), bytes) << name;
    }
  }
}

TEST(FitExits, ReportsAndStoresWhatTheEngineSaysOfDev) {
  const workshop shop("tiny");
  const fit_result result = shop.fit(on_layers(3));
  const auto model = offramp::classifier::load(shop.files / "out");
  const dataset dev = read_dataset(shop.files / "dev.tsv", no_yes, offramp::input_kind::single);
  const exit_logits logits = compute_exit_logits(model, dev);
  const offramp::model::file_set files(shop.files / "out");
  const auto stored = offramp::model::read_exits_file(files, offramp::model::read_config(files)).value();
  ASSERT_EQ(stored.calibration.size(), 1U);
  EXPECT_EQ(stored.calibration[0].numeric_format, offramp::numeric_format::float32);
  EXPECT_EQ(stored.calibration[0].data_sha256, dev.sha256);
  EXPECT_EQ(stored.calibration[0].n, 120);
  EXPECT_EQ(stored.max_tokens, 24) << "as tokenizer_config.json says";
  EXPECT_FALSE(stored.default_policy);
  for (std::size_t j = 0; j < 3; ++j) {
    const auto of_exit = std::span(logits.values).subspan(j * 240, 240);
    const temperature_fit best = fit_temperature(of_exit, logits.label_ids, 2);
    EXPECT_EQ(model.exits()[j].temperature, best.temperature);
    const std::vector<float> probabilities = exit_probabilities(logits, j, best.temperature);
    const labelled_probabilities given{probabilities, logits.label_ids, 2};
    EXPECT_EQ(result.exits[j].dev_accuracy, accuracy(given));
    EXPECT_EQ(result.exits[j].ece_after, calibration_error(given));
    EXPECT_EQ(stored.calibration[0].exits[j].nll_after, static_cast<float>(best.nll_after));
    EXPECT_EQ(stored.calibration[0].exits[j].ece_before, static_cast<float>(result.exits[j].ece_before));
  }
}

TEST(FitExits, NeitherThreadsNorPassesChangeABit) {
  const workshop shop("tiny");
  static_cast<void>(shop.fit({}, "alone"));
  for (const int threads : {2, 3}) {
    offramp::thread_pool pool(threads);
    static_cast<void>(shop.fit({}, "shared", pool.lend()));
    EXPECT_EQ(shop.exits("shared"), shop.exits("alone")) << threads;
  }
  fit_options tight;
  tight.feature_bytes = 1;
  int passes = 0;
  static_cast<void>(
      shop.fit(tight, "tight", {}, {[&](auto done, auto total) { passes += done == total ? 1 : 0; }, {}, {}}));
  EXPECT_EQ(passes, 6) << "one for each pooling of each layer";
  EXPECT_EQ(shop.exits("tight"), shop.exits("alone"));
}

TEST(FitExits, ChoosesPoolingAndStrengthOnDev) {
  const workshop shop("tiny");
  const fit_result better = shop.fit(on_layers(3));
  fit_options options = on_layers(3);
  for (const pooling_choice pooling : {pooling_choice::cls, pooling_choice::mean}) {
    options.pooling = pooling;
    for (const double strength : {1e-4, 1e-2, 1.0}) {
      options.strengths = {strength};
      const fit_result one = shop.fit(options, "one");
      for (std::size_t j = 0; j < 3; ++j) {
        EXPECT_EQ(one.exits[j].pooling, pooling);
        EXPECT_EQ(one.exits[j].strength, strength);
        // The choice was made on features in float16.
        EXPECT_LE(better.exits[j].temperature.nll_before, one.exits[j].temperature.nll_before + 1e-3);
      }
    }
  }
}

TEST(FitExits, ClassifierOfTheCheckpointStaysTheLastExit) {
  const workshop shop("tiny-plain", {"dull", "fair", "warm"});
  fit_options options;
  options.layers = {1};
  const fit_result result = shop.fit(options);
  ASSERT_EQ(result.exits.size(), 2U);
  EXPECT_TRUE(result.exits[0].strength.has_value());
  EXPECT_FALSE(result.exits[1].strength.has_value());
  const auto plain = offramp::classifier::load(shop.files / "model");
  const auto fitted = offramp::classifier::load(shop.files / "out");
  EXPECT_EQ(fitted.labels(), plain.labels());
  for (const char* text : {"a good film", "", "never warm"}) {
    EXPECT_EQ(fitted.classify_every_exit(text).back().logits, plain.classify_every_exit(text).front().logits);
  }
}

TEST(FitExits, LabelsOfABareEncoderAreTheDatasSorted) {
  const workshop shop("tiny", {"worse", "better", "same"});
  shop.files.forget_labels();
  EXPECT_EQ(shop.fit().labels, (std::vector<std::string>{"better", "same", "worse"}));
  fit_options named;
  named.labels = {"worse", "same", "better"};
  EXPECT_EQ(shop.fit(named, "named").labels, named.labels);
  EXPECT_EQ(offramp::classifier::load(shop.files / "named").labels(), named.labels);
}

TEST(FitExits, LabelsMayBeCalledOtherwiseInTheData) {
  const workshop shop("tiny", {"0", "1"});
  fit_options options;
  options.labels = {"0", "1"};
  EXPECT_EQ(shop.fit(options).labels, no_yes);
}

TEST(FitExits, ReadsPairs) {
  const workshop shop("tiny-pair", {"entailment", "neutral", "contradiction"});
  const auto pairs = [](std::string lines) {
    for (std::size_t end = lines.find('\n'); end != std::string::npos; end = lines.find('\n', end + 4)) {
      lines.insert(end, "\ta dog");
      end = lines.find('\n', end);
    }
    return lines;
  };
  shop.files.write("train.tsv", pairs(shop.files.read("train.tsv")));
  shop.files.write("dev.tsv", pairs(shop.files.read("dev.tsv")));
  static_cast<void>(shop.fit());
  EXPECT_EQ(offramp::classifier::load(shop.files / "out").expected_input(), offramp::input_kind::pair);
  fit_options golden;
  golden.golden = shop.files.write("golden.txt", "a\tb\r\na b\n");
  offramp_tests::expect_error(offramp::error_kind::bad_data, {"golden.txt:2: no tab"},
                              [&] { static_cast<void>(shop.fit(golden, "golden")); });
  shop.files.write("golden.txt", "a\tb\r\n");
  static_cast<void>(shop.fit(golden, "golden"));
  EXPECT_EQ(offramp::classifier::load(shop.files / "golden").golden_texts().front().second, "b");
  fit_options single;
  single.input = offramp::input_kind::single;
  offramp_tests::expect_error(offramp::error_kind::bad_data, {"train.tsv:1: 3 columns, expected 2"},
                              [&] { static_cast<void>(shop.fit(single, "single")); });
}

/// How many dev texts of label 1 the first exit finds.
std::ptrdiff_t found(const workshop& shop, const std::string& out) {
  const auto model = offramp::classifier::load(shop.files / out);
  const dataset dev = read_dataset(shop.files / "dev.tsv", no_yes, offramp::input_kind::single);
  return std::ranges::count_if(dev.texts, [&](const labelled_text& text) {
    return text.label_id == 1 && model.classify(text.first, 0.0F).label_id == 1;
  });
}

TEST(FitExits, BalancedWeightsFindMoreOfARareLabel) {
  const workshop shop("tiny");
  shop.files.write("train.tsv", labelled_lines(no_yes, 400, 3, {15, 1}));
  for (const std::vector<int>& layers : {std::vector{0, 1}, std::vector{1}}) {
    fit_options options;
    options.layers = layers;
    options.strengths = {1e-2};
    static_cast<void>(shop.fit(options, "by text"));
    options.weighting = class_weighting::balanced;
    static_cast<void>(shop.fit(options, "balanced"));
    EXPECT_GT(found(shop, "balanced"), found(shop, "by text")) << layers.front();
  }
}

TEST(FitExits, StoresPolicyMaxTokensAndGoldenTexts) {
  const workshop shop("tiny");
  fit_options options;
  options.threshold = 0.75F;
  options.max_tokens = 8;
  options.golden = shop.files.write("golden.txt", "a good film\n\nthe story of a man and a dog runs runs runs\n");
  static_cast<void>(shop.fit(options));
  const auto model = offramp::classifier::load(shop.files / "out");
  EXPECT_EQ(model.default_policy().threshold(), 0.75F);
  EXPECT_EQ(model.max_tokens(), 8);
  ASSERT_EQ(model.golden_texts().size(), 3U);
  for (const offramp::golden_text& golden : model.golden_texts()) {
    const auto exits = model.classify_every_exit(golden.first);
    for (std::size_t j = 0; j < exits.size(); ++j) {
      EXPECT_EQ(exits[j].logits, golden.logits[j]);
    }
  }
}

TEST(FitExits, SameDirectoryGainsOnlyTheExits) {
  const workshop shop("tiny-plain", {"dull", "fair", "warm"});
  auto before = shop.content("model");
  static_cast<void>(shop.fit({}, "model"));
  auto after = shop.content("model");
  EXPECT_EQ(after.erase("exits.json") + after.erase("exits.safetensors") + after.erase("exits.texts.safetensors"), 3U);
  EXPECT_EQ(after, before);
  const std::string once = shop.exits("model");
  static_cast<void>(shop.fit({}, "model"));
  EXPECT_EQ(shop.exits("model"), once) << "exits that lie there already are not read";
}

TEST(FitExits, ReplacesNoFileOfAnotherCheckpoint) {
  const workshop shop("tiny");
  std::filesystem::create_directory(shop.files / "out");
  shop.files.write("out/config.json", "{}");
  offramp_tests::expect_error(offramp::error_kind::io, {"out/config.json: differs"},
                              [&] { static_cast<void>(shop.fit()); });
  EXPECT_EQ(shop.content("out"), (std::map<std::string, std::string>{{"config.json", "{}"}}));
}

TEST(FitExits, InterruptedWorkLeavesNoExits) {
  const workshop shop("tiny");
  const auto stop = [](std::size_t done, std::size_t /*total*/) {
    if (done > 0) {
      throw std::runtime_error("interrupted");
    }
  };
  for (const fit_progress& report :
       {fit_progress{stop, {}, {}}, fit_progress{{}, stop, {}}, fit_progress{{}, {}, stop}}) {
    EXPECT_THROW(static_cast<void>(shop.fit({}, "out", {}, report)), std::runtime_error);
    EXPECT_TRUE(shop.content("out").empty());
    const std::string before = shop.exits("model");
    EXPECT_THROW(static_cast<void>(shop.fit({}, "model", {}, report)), std::runtime_error);
    EXPECT_EQ(shop.exits("model"), before);
  }
}

TEST(FitExits, DevWithoutALabelIsAWarning) {
  const workshop shop("tiny", {"no", "yes", "maybe"});
  shop.files.forget_labels();
  shop.files.write("dev.tsv", offramp_tests::new_lines(no_yes, 60, 2, shop.files.read("train.tsv")));
  const fit_result result = shop.fit();
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_NE(result.warnings[0].find("dev.tsv: no text has the label \"maybe\""), std::string::npos);
  EXPECT_EQ(offramp::classifier::load(shop.files / "out").labels().size(), 3U);
}

}  // namespace fit_test
