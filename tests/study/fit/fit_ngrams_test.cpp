// SPDX-License-Identifier: Apache-2.0
// The exit before the encoder: fitted with the others, and added to a model that has some.
#include <offramp/study/fit.hpp>

#include <offramp/classifier.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/study/certification.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/thread_pool.hpp>

#include "model/model_files.hpp"
#include "study/fit/workshop.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace fit_ngrams_test {

using namespace offramp::study;
using offramp_tests::workshop;

TEST(FitNgrams, LearnsWordsThatTellTheLabel) {
  const workshop shop("tiny");
  fit_options options;
  options.layers = {0, 1, 2, 3};
  options.ngram_bucket_bits = 12;
  const fit_result result = shop.fit(options);
  ASSERT_GE(result.exits.size(), 4U);
  EXPECT_EQ(result.exits.front().layer, 0);
  EXPECT_GT(result.exits.front().dev_accuracy, 0.8);
  EXPECT_TRUE(result.before_encoder.has_value());
  const auto model = offramp::classifier::load(shop.files / "out");
  EXPECT_EQ(model.exits().front().layer, 0);
  EXPECT_EQ(model.exits().front().temperature, result.exits.front().temperature.temperature);
}

TEST(FitNgrams, StandBeforeTheEncoderByDefaultWhereTheySaveLayers) {
  const workshop shop("tiny");
  const fit_result result = shop.fit();
  ASSERT_EQ(result.exits.size(), 4U);
  EXPECT_EQ(result.exits.front().layer, 0);
  const encoder_saving saving = result.before_encoder.value();
  EXPECT_GT(saving.share, 0);
  EXPECT_LT(saving.mean_layer, saving.mean_layer_without);
  EXPECT_EQ(saving.most_loss, 0.01);
  EXPECT_EQ(offramp::classifier::load(shop.files / "out").exits().front().layer, 0);
}

TEST(FitNgrams, AreHeardByTheExitsBehindLayers) {
  const workshop shop("tiny");
  fit_options options;
  options.golden = shop.files.write("golden.txt", "film story dog\n");
  const fit_result result = shop.fit(options);
  const auto model = offramp::classifier::load(shop.files / "out");
  ASSERT_EQ(model.exits().size(), result.exits.size());
  std::size_t heard = 0;
  for (std::size_t exit = 0; exit < result.exits.size(); ++exit) {
    EXPECT_EQ(model.exits()[exit].ngram_weight, result.exits[exit].ngram_weight);
    heard += result.exits[exit].ngram_weight > 0.0F ? 1U : 0U;
  }
  EXPECT_GT(heard, 0U);
  EXPECT_EQ(model.exits().front().ngram_weight, 0.0F);
  EXPECT_EQ(model.golden_texts().at(0).logits.back(), model.classify_every_exit("film story dog").back().logits);
}

TEST(FitNgrams, StandThereOnlyIfAskedForWhereTheySaveNothing) {
  const workshop shop("tiny");
  // No n-gram of the training data occurs in dev, and without any every label but the rarer one is likelier.
  const auto lines = [](const char* no, const char* yes) {
    std::string all;
    for (int i = 0; i < 40; ++i) {
      all += (i % 3 == 0 ? std::string("yes\t") + yes : std::string("no\t") + no) + '\n';
    }
    return all;
  };
  shop.files.write("train.tsv", lines("bad", "good"));
  shop.files.write("dev.tsv", lines("never", "warm"));
  fit_options options;
  options.golden = shop.files.write("golden.txt", "a good film\n");
  const fit_result result = shop.fit(options);
  ASSERT_TRUE(result.before_encoder.has_value());
  EXPECT_GE(result.before_encoder->mean_layer, 0.99 * result.before_encoder->mean_layer_without);
  ASSERT_EQ(result.exits.size(), 3U);
  EXPECT_EQ(result.exits.front().layer, 1);
  const auto model = offramp::classifier::load(shop.files / "out");
  ASSERT_EQ(model.exits().size(), 3U);
  const auto exits = model.classify_every_exit("a good film");
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_EQ(model.exits()[j].temperature, result.exits[j].temperature.temperature);
    EXPECT_EQ(model.golden_texts().front().logits[j], exits[j].logits);
  }
  options.layers = {0, 1, 2, 3};
  EXPECT_EQ(shop.fit(options, "asked").exits.size(), 4U);
}

TEST(FitNgrams, ReadTheWholeTextWhereTheEncoderDoesNot) {
  const workshop shop("tiny");
  fit_options options;
  options.layers = {0, 1};
  options.ngram_bucket_bits = 10;
  (void)shop.fit(options, "all");
  options.max_tokens = 4;
  (void)shop.fit(options, "few");
  EXPECT_EQ(shop.files.read("all/exits.json").find("4096"), std::string::npos) << "no text is longer";
  EXPECT_NE(shop.files.read("few/exits.json").find("\"max_tokens\": 4096"), std::string::npos);
  const auto all = offramp::classifier::load(shop.files / "all");
  const auto few = offramp::classifier::load(shop.files / "few");
  const char* const text = "a good film about the story of a dog and a man";
  EXPECT_TRUE(few.tokenize(text).truncated);
  EXPECT_EQ(few.classify_every_exit(text).front().logits, all.classify_every_exit(text).front().logits);
}

TEST(FitNgrams, AreTheSameForAnyNumberOfThreads) {
  const workshop shop("tiny");
  fit_options options;
  options.layers = {0, 1};
  options.ngram_bucket_bits = 10;
  offramp::thread_pool pool(3);
  (void)shop.fit(options, "alone");
  (void)shop.fit(options, "together", pool.lend());
  EXPECT_EQ(shop.exits("alone"), shop.exits("together"));
}

/// Adds n-grams to the exits of `model`.
fit_result add_ngrams(const workshop& shop, const char* model, const char* out) {
  fit_options options;
  options.layers = {0};
  options.ngram_bucket_bits = 10;
  return fit_exits(shop.files / model, {.train = shop.files / "train.tsv", .dev = shop.files / "dev.tsv"},
                   shop.files / out, options);
}

TEST(FitNgrams, AreAddedBeforeExitsThatStayAsTheyAre) {
  const workshop shop("tiny");
  (void)shop.fit(offramp_tests::on_layers(3), "before");
  EXPECT_EQ(add_ngrams(shop, "before", "after").exits.size(), 1U);
  const auto before = offramp::classifier::load(shop.files / "before");
  const auto after = offramp::classifier::load(shop.files / "after");
  ASSERT_EQ(after.exits().size(), before.exits().size() + 1);
  for (const char* text : {"film story dog", "the man runs", ""}) {
    const auto few = before.classify_every_exit(text);
    const auto all = after.classify_every_exit(text);
    for (std::size_t i = 0; i < few.size(); ++i) {
      EXPECT_EQ(all[i + 1], few[i]);
    }
  }
  EXPECT_THROW((void)add_ngrams(shop, "after", "again"), offramp::error);
}

TEST(FitNgrams, StandBesideNoOtherWeights) {
  const workshop shop("tiny");
  (void)shop.fit(offramp_tests::on_layers(3), "before");
  std::filesystem::create_directory(shop.files / "after");
  shop.files.write("after/model.safetensors", "another checkpoint");
  offramp_tests::expect_error(offramp::error_kind::io, {"after/model.safetensors: differs"},
                              [&] { (void)add_ngrams(shop, "before", "after"); });
  EXPECT_FALSE(std::filesystem::exists(shop.files / "after" / "exits.json"));
}

TEST(FitNgrams, DropADefaultPolicyThatAsksByPlace) {
  const workshop shop("tiny");
  (void)shop.fit(offramp_tests::on_layers(2), "before");
  const auto default_after = [&](const offramp::exit_policy& policy) {
    offramp::study::store_default_policy(shop.files / "before", offramp::classifier::load(shop.files / "before"),
                                         policy);
    (void)add_ngrams(shop, "before", "after");
    return offramp::classifier::load(shop.files / "after").default_policy();
  };
  using offramp::exit_policy;
  for (const exit_policy& policy : {exit_policy::declining(0.9F, 0.1F), exit_policy::per_exit({0.9F, 0.8F}),
                                    exit_policy::per_class({{0.9F, 0.9F}, {0.8F, 0.8F}}), exit_policy::patience(1),
                                    exit_policy::patience_entropy(0.1F, 1)}) {
    EXPECT_EQ(default_after(policy), exit_policy::full_depth());
  }
  for (const exit_policy& policy : {exit_policy(0.75F), exit_policy::entropy(0.5F), exit_policy::margin(0.5F)}) {
    EXPECT_EQ(default_after(policy), policy);
  }
}

TEST(FitNgrams, SayThatACertificateOfTheDefaultPolicyIsNoLonger) {
  const workshop shop("tiny");
  (void)shop.fit(offramp_tests::on_layers(3), "before");
  const auto warnings = [&](float threshold) {
    const auto model = offramp::classifier::load(shop.files / "before");
    offramp::study::store_default_policy(shop.files / "before", model, offramp::exit_policy(threshold));
    std::string all;
    for (const std::string& warning : add_ngrams(shop, "before", "after").warnings) {
      all += warning + '\n';
    }
    return all;
  };
  const auto model = offramp::classifier::load(shop.files / "before");
  shop.files.write("held-out.txt", "held out\nheld out too\nthe third\nthe fourth\n");
  const offramp::study::dataset data =
      offramp::study::read_texts(shop.files / "held-out.txt", offramp::input_kind::single);
  const std::vector path{offramp::exit_policy(0.5F)};
  const auto found = offramp::study::certify(offramp::study::replay(offramp::study::compute_exit_logits(model, data)),
                                             path, offramp::certified_loss::disagreement, 0.9, 0.5);
  offramp::study::store_certificate(shop.files / "before", model, found, data);
  EXPECT_NE(warnings(0.5F).find("was certified for the exits that there were"), std::string::npos);
  EXPECT_EQ(warnings(0.75F).find("was certified"), std::string::npos);
}

TEST(FitNgrams, TakeOrRefuseEveryOptionWhereExitsAre) {
  const workshop shop("tiny");
  (void)shop.fit(offramp_tests::on_layers(3), "before");
  const auto add = [&](const std::function<void(fit_options&)>& change) {
    fit_options options;
    options.layers = {0};
    options.ngram_bucket_bits = 10;
    change(options);
    (void)fit_exits(shop.files / "before", {.train = shop.files / "train.tsv", .dev = shop.files / "dev.tsv"},
                    shop.files / "after", options);
  };
  const auto refuses = [&](const char* what, const std::function<void(fit_options&)>& change) {
    offramp_tests::expect_error(offramp::error_kind::invalid_argument, {what, "already in exits.json"},
                                [&] { add(change); });
    EXPECT_FALSE(std::filesystem::exists(shop.files / "after" / "exits.json"));
  };
  for (const auto& [what, change] : std::vector<std::pair<std::string, std::function<void(fit_options&)>>>{
           {"pooling is", [](fit_options& options) { options.pooling = offramp::study::pooling_choice::cls; }},
           {"mix is", [](fit_options& options) { options.mix = offramp::study::layer_mix::learned; }},
           {"strengths are", [](fit_options& options) { options.strengths = {1.0}; }}}) {
    offramp_tests::expect_error(offramp::error_kind::invalid_argument, {what, "none is fitted"}, [&] { add(change); });
  }
  refuses("max_tokens is", [](fit_options& options) { options.max_tokens = 7; });
  refuses("input is", [](fit_options& options) { options.input = offramp::input_kind::pair; });
  refuses("golden texts", [](fit_options& options) { options.golden = "golden.txt"; });
  refuses("cuts are", [](fit_options& options) { options.cuts = {0.5F, 0.5F}; });
  add([](fit_options& options) {
    options.threshold = 0.75F;
    options.input = offramp::input_kind::single;
  });
  EXPECT_EQ(offramp::classifier::load(shop.files / "after").default_policy(), offramp::exit_policy(0.75F));
}

}  // namespace fit_ngrams_test
