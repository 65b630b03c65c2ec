// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/fit.hpp>

#include <offramp/error.hpp>
#include <offramp/model/checkpoint.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/metrics.hpp>
#include <offramp/thread_pool.hpp>

#include "model/model_files.hpp"
#include "study/fit_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace offramp::study;
using offramp_tests::fit_directory;
using offramp_tests::labelled_lines;

const std::vector<std::string> no_yes{"no", "yes"};

/// A checkpoint, data for it, and a place for the result.
struct workshop {
  explicit workshop(const std::string& model, const std::vector<std::string>& labels = no_yes) : files(model) {
    files.write("train.tsv", labelled_lines(labels, 240, 1));
    files.write("dev.tsv", labelled_lines(labels, 120, 2));
  }

  fit_result fit(const fit_options& options = {}, const std::string& out = "out", const offramp::runner& run = {},
                 const fit_progress& report = {}) const {
    return fit_exits(files / "model", files / "train.tsv", files / "dev.tsv", files / out, options, run, report);
  }
  [[nodiscard]] std::string exits(const std::string& out) const {
    return files.read(out + "/exits.json") + files.read(out + "/exits.safetensors");
  }
  /// What is in a directory, by file name.
  [[nodiscard]] std::map<std::string, std::string> content(const std::string& directory) const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(files / directory)) {
      const std::string name = entry.path().filename().string();
      all[name] = files.read(directory + "/" + name);
    }
    return all;
  }

  fit_directory files;
};

// Also where all layers share their weights (ALBERT), and where the classifier's pooler is not tanh.
TEST(FitExits, KeepsTheClassifierOfEveryFamily) {
  for (const char* name : {"family-bert", "family-electra", "family-distilbert", "family-albert", "family-roberta"}) {
    const auto before = offramp::classifier::load(std::string(OFFRAMP_TEST_DATA) + "/models/" + name);
    const workshop shop(name, before.labels());
    const fit_result result = shop.fit();
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
  const fit_result result = shop.fit();
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
  const fit_result result = shop.fit();
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
  const fit_result better = shop.fit();
  fit_options options;
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

/// The exits as they are described in the new model.
std::vector<offramp::model::exit_description> stored_exits(const workshop& shop, const std::string& out) {
  const offramp::model::file_set files(shop.files / out);
  return offramp::model::read_exits_file(files, offramp::model::read_config(files)).value().exits;
}

TEST(FitExits, MixesLayersOnlyWhereThatIsBetterOnDev) {
  const workshop shop("tiny");
  for (const pooling_choice pooling : {pooling_choice::cls, pooling_choice::mean, pooling_choice::better}) {
    fit_options options;
    options.pooling = pooling;
    const fit_result plain = shop.fit(options, "plain");
    options.mix = layer_mix::learned;
    const fit_result result = shop.fit(options);
    const std::vector<offramp::model::exit_description> stored = stored_exits(shop, "out");
    ASSERT_EQ(result.exits.size(), 3U);
    std::vector<pooling_choice> pooled;
    for (std::size_t j = 0; j < 3; ++j) {
      const fitted_exit& exit = result.exits[j];
      EXPECT_EQ(stored[j].mix, !exit.mix.empty());
      if (exit.mix.empty()) {
        EXPECT_EQ(exit.temperature.nll_before, plain.exits[j].temperature.nll_before);
        continue;
      }
      ASSERT_EQ(exit.mix.size(), j + 1);
      EXPECT_GT(j, 0U) << "one layer has nothing to mix";
      // The choice was made on features in float16.
      EXPECT_LT(exit.temperature.nll_before, plain.exits[j].temperature.nll_before + 1e-3);
      pooled.push_back(exit.pooling);
      EXPECT_EQ(exit.pooling, pooled.front());
    }
    EXPECT_FALSE(pooled.empty()) << "this model and its data need a mix for the test to say anything";
  }
}

TEST(FitExits, MixedModelsAnswerAlikeInEverySchedule) {
  const workshop shop("tiny");
  const dataset dev = read_dataset(shop.files / "dev.tsv", no_yes, offramp::input_kind::single);
  std::vector<std::string> texts;
  for (const labelled_text& text : dev.texts) {
    texts.push_back(text.first);
  }
  for (const pooling_choice pooling : {pooling_choice::cls, pooling_choice::mean}) {
    fit_options options;
    options.pooling = pooling;
    options.mix = layer_mix::learned;
    options.golden = shop.files.write("golden.txt", "a good film\nnever\n");
    static_cast<void>(shop.fit(options));
    const auto load = [&](offramp::schedule chosen) {
      return offramp::classifier::load(shop.files / "out", {.schedule = chosen});
    };
    const auto never = load(offramp::schedule::together);
    const auto always = load(offramp::schedule::cls_first);
    for (const offramp::golden_text& golden : never.golden_texts()) {
      EXPECT_EQ(always.classify_every_exit(golden.first).back().logits, golden.logits.back());
    }
    for (const float threshold : {0.0F, 0.7F, 2.0F}) {
      const auto expected = never.classify_batch(texts, threshold);
      const auto found = always.classify_batch(texts, threshold);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(found[i].probabilities, expected[i].probabilities);
        EXPECT_EQ(found[i].layer, expected[i].layer);
        EXPECT_EQ(always.classify(texts[i], threshold).probabilities, expected[i].probabilities);
      }
    }
  }
}

TEST(FitExits, NeitherThreadsNorPassesChangeABitOfAMix) {
  const workshop shop("tiny");
  fit_options options;
  options.mix = layer_mix::learned;
  static_cast<void>(shop.fit(options, "alone"));
  offramp::thread_pool pool(2);
  static_cast<void>(shop.fit(options, "shared", pool.lend()));
  EXPECT_EQ(shop.exits("shared"), shop.exits("alone"));
  options.feature_bytes = 1;
  static_cast<void>(shop.fit(options, "tight"));
  EXPECT_EQ(shop.exits("tight"), shop.exits("alone"));
}

TEST(FitExits, MixesNeitherALoneFirstLayerNorTheCheckpointsClassifier) {
  const workshop shop("tiny-plain", {"dull", "fair", "warm"});
  fit_options options;
  options.mix = layer_mix::learned;
  const fit_result every = shop.fit(options);
  EXPECT_TRUE(every.exits.front().mix.empty());
  EXPECT_TRUE(every.exits.back().mix.empty());
  const auto before = offramp::classifier::load(shop.files / "model");
  EXPECT_EQ(offramp::classifier::load(shop.files / "out").classify_every_exit("a good film").back().logits,
            before.classify_every_exit("a good film").back().logits);
  options.layers = {1};
  static_cast<void>(shop.fit(options, "first"));
  options.mix = layer_mix::none;
  static_cast<void>(shop.fit(options, "plain"));
  EXPECT_EQ(shop.exits("first"), shop.exits("plain"));
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
  fit_options options;
  options.strengths = {1e-2};
  static_cast<void>(shop.fit(options, "by text"));
  options.weighting = class_weighting::balanced;
  static_cast<void>(shop.fit(options, "balanced"));
  EXPECT_GT(found(shop, "balanced"), found(shop, "by text"));
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
  EXPECT_EQ(after.erase("exits.json") + after.erase("exits.safetensors"), 2U);
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
  shop.files.write("dev.tsv", labelled_lines(no_yes, 60, 2));
  const fit_result result = shop.fit();
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_NE(result.warnings[0].find("dev.tsv: no text has the label \"maybe\""), std::string::npos);
  EXPECT_EQ(offramp::classifier::load(shop.files / "out").labels().size(), 3U);
}

void refuses(const workshop& shop, offramp::error_kind kind, const std::string& what, const fit_options& options = {}) {
  offramp_tests::expect_error(kind, {what}, [&] { static_cast<void>(shop.fit(options)); });
  EXPECT_FALSE(std::filesystem::exists(shop.files / "out" / "exits.json"));
}

TEST(FitExits, RefusesBadData) {
  using enum offramp::error_kind;
  const workshop shop("tiny");
  const std::string good = shop.files.read("train.tsv");
  shop.files.write("train.tsv", "no\ta\nno\tb\n");
  refuses(shop, bad_data, "dev.tsv:2: label \"yes\" does not occur in ");
  shop.files.write("dev.tsv", "no\tc\n");
  refuses(shop, bad_data, "train.tsv: no text has the label \"yes\"");
  shop.files.forget_labels();
  refuses(shop, bad_data, "train.tsv: has only the label \"no\"");
  shop.files.write("train.tsv", good);
  shop.files.write("dev.tsv", "yes\ta\nmaybe\tb\n");
  refuses(shop, bad_data, "dev.tsv:2: label \"maybe\" is unknown");
  shop.files.write("dev.tsv", good);
  refuses(shop, invalid_argument, "dev.tsv: has the same content as ");
  shop.files.write("dev.tsv", "");
  refuses(shop, bad_data, "dev.tsv: is empty");
  shop.files.write("train.tsv", "");
  refuses(shop, bad_data, "train.tsv: is empty");
  shop.files.write("train.tsv", "no\ta\nyes\n");
  refuses(shop, bad_data, "train.tsv:2: no label");
  std::filesystem::remove(shop.files / "train.tsv");
  refuses(shop, io, "train.tsv");
}

TEST(FitExits, RefusesOptionsOutOfRange) {
  const workshop shop("tiny");
  const auto refuse = [&](const std::string& what, const std::function<void(fit_options&)>& change,
                          offramp::error_kind kind = offramp::error_kind::invalid_argument) {
    fit_options options;
    change(options);
    refuses(shop, kind, what, options);
  };
  refuse("layer 4, expected ascending layers from 1 to 3", [](fit_options& o) { o.layers = {1, 4}; });
  refuse("layer 1, expected ascending", [](fit_options& o) { o.layers = {1, 1}; });
  refuse("layer 0", [](fit_options& o) { o.layers = {0}; });
  refuse("no strengths", [](fit_options& o) { o.strengths = {}; });
  refuse("strength -1", [](fit_options& o) { o.strengths = {-1}; });
  refuse("3 labels, expected 2", [](fit_options& o) { o.labels = {"a", "b", "c"}; });
  refuse("max_tokens is 3", [](fit_options& o) { o.max_tokens = 3; });
  refuse("threshold is not finite", [](fit_options& o) { o.threshold = NAN; });
  refuse(
      "unknown",
      [](fit_options& o) {
        o.labels = {"a", "b"};
      },
      offramp::error_kind::bad_data);
  refuse(
      "/nowhere", [](fit_options& o) { o.golden = "/nowhere"; }, offramp::error_kind::io);
  shop.files.forget_labels();
  refuse("labels are not all different", [](fit_options& o) { o.labels = {"no", "no"}; });
}

TEST(FitExits, NamesTheTextWhoseFeaturesAreNotFinite) {
  const workshop shop("tiny");
  // The last LayerNorm answers with numbers beyond float32.
  std::string weights = shop.files.read("model/model.safetensors");
  const offramp::model::safetensors tensors(offramp_tests::memory_file("model.safetensors", weights));
  const auto* scale = tensors.find("bert.encoder.layer.2.output.LayerNorm.weight");
  ASSERT_NE(scale, nullptr);
  const std::string huge = offramp_tests::bytes_of(std::vector<float>(24, 3e38F));
  weights.replace(scale->begin, huge.size(), huge);
  shop.files.write("model/model.safetensors", weights);
  refuses(shop, offramp::error_kind::bad_model, "layer 3 answers with numbers that are not finite");
  fit_options below;
  below.layers = {1, 2};
  EXPECT_EQ(shop.fit(below).exits.size(), 2U);
}

}  // namespace
