// SPDX-License-Identifier: Apache-2.0
// Heads that look at a learned mix of layers.
#include <offramp/study/fit.hpp>

#include <offramp/model/exits/reader.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/thread_pool.hpp>

#include "study/fit/workshop.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fit_mix_test {

using namespace offramp::study;
using offramp_tests::no_yes;
using offramp_tests::workshop;

/// The exits as they are described in the new model.
std::vector<offramp::model::exit_description> stored_exits(const workshop& shop, const std::string& out) {
  const offramp::model::file_set files(shop.files / out);
  return offramp::model::read_exits_file(files, offramp::model::read_config(files)).value().exits;
}

TEST(FitExits, MixesLayersOnlyWhereThatIsBetterOnDev) {
  const workshop shop("tiny");
  for (const pooling_choice pooling : {pooling_choice::cls, pooling_choice::mean, pooling_choice::better}) {
    fit_options options = offramp_tests::on_layers(3);
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
    for (const offramp::exit_policy& policy :
         {offramp::exit_policy(0.0F), offramp::exit_policy(0.7F), offramp::exit_policy::full_depth()}) {
      const auto expected = never.classify_batch(texts, policy);
      const auto found = always.classify_batch(texts, policy);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(found[i].probabilities, expected[i].probabilities);
        EXPECT_EQ(found[i].layer, expected[i].layer);
        EXPECT_EQ(always.classify(texts[i], policy).probabilities, expected[i].probabilities);
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

}  // namespace fit_mix_test
