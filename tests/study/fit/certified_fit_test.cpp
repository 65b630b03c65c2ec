// SPDX-License-Identifier: Apache-2.0
// From a classifier and texts without labels to a model with a guarantee.
#include <offramp/study/certified_fit.hpp>

#include <offramp/classifier.hpp>
#include <offramp/error.hpp>
#include <offramp/model/exits/reader.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/known_texts.hpp>
#include <offramp/study/replay.hpp>

#include "model/model_files.hpp"
#include "study/fit/workshop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace certified_fit_test {

using namespace offramp::study;
using offramp_tests::workshop;

/// Different texts, some of them of words that only a few have.
std::vector<std::string> many_texts(std::size_t count) {
  static const std::vector<std::string> words{"film",  "story", "plot", "good", "bad", "warm", "never",
                                              "actor", "man",   "dog",  "runs", "the", "a",    "is"};
  std::mt19937 random(17);
  std::vector<std::string> texts;
  for (std::size_t text = 0; text < count; ++text) {
    std::string line = std::to_string(text);
    for (std::size_t word = 0; word < 2 + random() % 6; ++word) {
      line += " " + words[random() % words.size()];
    }
    texts.push_back(line);
  }
  return texts;
}

std::string lines_of(std::span<const std::string> texts) {
  std::string lines;
  for (const std::string& text : texts) {
    lines += text + '\n';
  }
  return lines;
}

certified_fit_options quick(double epsilon, double delta) {
  certified_fit_options options;
  options.epsilon = epsilon;
  options.delta = delta;
  options.fit.ngram_bucket_bits = 10;
  options.fit.strengths = {1e-2, 1};
  options.timing = {.rounds = 1, .batch = 4, .texts = 4, .seed = 1};
  return options;
}

certified_fit certify_texts(const workshop& shop, const std::vector<std::string>& texts,
                            const certified_fit_options& options, const std::string& out = "out") {
  shop.files.write("texts.txt", lines_of(texts));
  return fit_certified(shop.files / "model", {.texts = shop.files / "texts.txt"}, shop.files / out, options);
}

TEST(FitCertified, KnowsWhatTrainedAnExitThatStays) {
  const workshop shop("tiny");
  static_cast<void>(shop.fit(offramp_tests::on_layers(3), "labelled"));
  const dataset train = read_dataset(shop.files / "train.tsv", offramp_tests::no_yes, offramp::input_kind::single);
  std::string trained;
  for (const labelled_text& text : train.texts) {
    trained += text.first + '\n';
  }
  shop.files.write("trained.txt", trained);
  shop.files.write("new.txt", lines_of(many_texts(200)));
  static_cast<void>(fit_exits(shop.files / "labelled", {.texts = shop.files / "new.txt"}, shop.files / "again"));
  const known_texts known = known_texts::read(shop.files / "again");
  EXPECT_EQ(known.count(text_use::learned, text_hash(train.texts.front())), 1U);
  EXPECT_EQ(known.count(text_use::certified, text_hash(train.texts.front())), 0U);
  for (const std::vector<int>& layers : {std::vector<int>{}, {0}}) {
    certified_fit_options options = quick(0.3, 0.1);
    options.fit.layers = layers;
    options.fit.strengths = offramp::study::fit_options().strengths;  // none are for an exit before the encoder alone
    offramp_tests::expect_error(
        offramp::error_kind::invalid_argument, {"trained.txt:", "the model knows this text"}, [&] {
          static_cast<void>(fit_certified(shop.files / "labelled", {.texts = shop.files / "trained.txt"},
                                          shop.files / "refused", options));
        });
    EXPECT_FALSE(std::filesystem::exists(shop.files / "refused/exits.json")) << "before the fit";
  }
}

TEST(FitCertified, StoresWhatItPromises) {
  const workshop shop("tiny-plain", {"dull", "fair", "warm"});
  const certified_fit done = certify_texts(shop, many_texts(600), quick(0.1, 0.1));
  EXPECT_FALSE(done.fit.is_dev_labelled);
  const tested_policy& certified = done.promise.certified.value();
  EXPECT_NEAR(static_cast<double>(done.promise.n), 180, 40) << "three tenths";
  EXPECT_LE(certified.bound, 0.1);
  const auto model = offramp::classifier::load(shop.files / "out");
  EXPECT_EQ(model.default_policy(), certified.policy);
  EXPECT_EQ(model.certified(0.1)->threshold(), certified.policy.threshold());
  EXPECT_LT(certified.mean_layer, 2) << "the test is of something";
  for (const char* file : {"report.html", "curve.jsonl", "curve.svg"}) {
    EXPECT_TRUE(std::filesystem::exists(done.report.parent_path() / file)) << file;
  }
  EXPECT_EQ(done.report, shop.files / "out" / "report" / "report.html");
  EXPECT_NE(shop.files.read("out/report/report.html").find("The texts have no labels."), std::string::npos);
  const std::string sentence = describe(done);
  for (const std::string& part :
       {std::string("With probability 0.9, at most 10 % of texts like these are answered otherwise than at full depth"),
        std::string("of 2 layers run on average"), std::string("x faster)"), done.report.string()}) {
    EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
  }
}

TEST(FitCertified, PromisesFullDepthWhereNothingPasses) {
  const workshop shop("tiny-plain", {"dull", "fair", "warm"});
  const certified_fit done = certify_texts(shop, many_texts(60), quick(0.01, 0.05));
  EXPECT_EQ(done.promise.certified->policy, offramp::exit_policy::full_depth());
  EXPECT_NE(describe(done).find("No threshold is certain enough on "), std::string::npos);
  const auto model = offramp::classifier::load(shop.files / "out");
  EXPECT_EQ(model.classify("a good film").layer, 2);
}

TEST(FitCertified, CertifiesInTheFormatAskedFor) {
  const workshop shop("tiny-plain", {"dull", "fair", "warm"});
  certified_fit_options options = quick(0.1, 0.1);
  options.format = offramp::numeric_format::int8;
  static_cast<void>(certify_texts(shop, many_texts(600), options));
  offramp::load_options int8;
  int8.format = offramp::numeric_format::int8;
  const auto model = offramp::classifier::load(shop.files / "out", int8);
  EXPECT_TRUE(model.certified(0.1).has_value());
  EXPECT_TRUE(model.info().warnings.empty()) << "it has temperatures of its own";
  EXPECT_FALSE(offramp::classifier::load(shop.files / "out").certified(0.1).has_value());
}

/// The share of the texts that the model answers otherwise than at full depth.
double true_risk(const offramp::classifier& model, std::span<const std::string> texts) {
  dataset data{"others", "0", {}};
  for (const std::string& text : texts) {
    data.texts.push_back({text, {}, no_label, 0});
  }
  const replay all(compute_exit_logits(model, data));
  const std::vector<std::uint8_t> losses =
      losses_of(all, all.decide(model.default_policy()), offramp::certified_loss::disagreement);
  return static_cast<double>(std::ranges::count(losses, 1)) / static_cast<double>(losses.size());
}

// The whole way, drawn anew: fitting to texts that certify would break more promises.
TEST(FitCertified, BreaksItsPromiseAsSeldomAsItSays) {
  constexpr int draws = 20;
  constexpr double epsilon = 0.05;
  constexpr double delta = 0.2;
  const workshop shop("tiny-plain", {"dull", "fair", "warm"});
  std::vector<std::string> texts = many_texts(1500);
  std::mt19937 random(5);
  int broken = 0;
  int early = 0;
  for (int draw = 0; draw < draws; ++draw) {
    for (std::size_t last = texts.size(); last > 1; --last) {
      std::swap(texts[last - 1], texts[random() % last]);
    }
    const std::vector<std::string> seen(texts.begin(), texts.begin() + 500);
    const std::string out = "out " + std::to_string(draw);
    const certified_fit done = certify_texts(shop, seen, quick(epsilon, delta), out);
    early += done.promise.certified->mean_layer < 2 ? 1 : 0;
    const auto model = offramp::classifier::load(shop.files / out);
    broken += true_risk(model, std::span(texts).subspan(500)) > epsilon ? 1 : 0;
  }
  EXPECT_GT(early, draws / 2) << "the promise is of something";
  EXPECT_LE(broken, draws * delta + 3 * std::sqrt(draws * delta * (1 - delta)));
}

TEST(FitCertified, ReadsPairs) {
  const workshop shop("tiny-plain", {"dull", "fair", "warm"});
  std::vector<std::string> pairs = many_texts(60);
  for (std::string& pair : pairs) {
    pair += "\ta man";
  }
  certified_fit_options options = quick(0.3, 0.2);
  options.fit.input = offramp::input_kind::pair;
  static_cast<void>(certify_texts(shop, pairs, options));
  EXPECT_EQ(offramp::classifier::load(shop.files / "out").expected_input(), offramp::input_kind::pair);
}

TEST(FitCertified, RefusesBeforeItFits) {
  using enum offramp::error_kind;
  const workshop shop("tiny-plain", {"dull", "fair", "warm"});
  offramp_tests::expect_error(invalid_argument, {"epsilon 1.5"},
                              [&] { static_cast<void>(certify_texts(shop, many_texts(60), quick(1.5, 0.1))); });
  offramp_tests::expect_error(invalid_argument, {"fit_certified: no texts"}, [&] {
    static_cast<void>(fit_certified(
        shop.files / "model", {.train = shop.files / "train.tsv", .dev = shop.files / "dev.tsv"}, shop.files / "out"));
  });
  offramp_tests::expect_error(invalid_argument, {"fit_certified: a threshold was given"}, [&] {
    certified_fit_options with_threshold = quick(0.3, 0.1);
    with_threshold.fit.threshold = 0.9F;
    static_cast<void>(certify_texts(shop, many_texts(60), with_threshold));
  });
  EXPECT_FALSE(std::filesystem::exists(shop.files / "out"));
}

}  // namespace certified_fit_test
