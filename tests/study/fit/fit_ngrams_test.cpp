// SPDX-License-Identifier: Apache-2.0
// The exit before the encoder: fitted with the others, and added to a model that has some.
#include <offramp/study/fit.hpp>

#include <offramp/classifier.hpp>
#include <offramp/thread_pool.hpp>

#include "study/fit/workshop.hpp"

#include <gtest/gtest.h>

#include <cstddef>

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
  EXPECT_TRUE(result.share_before_encoder.has_value());
  const auto model = offramp::classifier::load(shop.files / "out");
  EXPECT_EQ(model.exits().front().layer, 0);
  EXPECT_EQ(model.exits().front().temperature, result.exits.front().temperature.temperature);
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

TEST(FitNgrams, AreAddedBeforeExitsThatStayAsTheyAre) {
  const workshop shop("tiny");
  (void)shop.fit({}, "before");
  fit_options options;
  options.layers = {0};
  options.ngram_bucket_bits = 12;
  const auto add = [&](const char* model, const char* out) {
    return fit_exits(shop.files / model, shop.files / "train.tsv", shop.files / "dev.tsv", shop.files / out, options);
  };
  EXPECT_EQ(add("before", "after").exits.size(), 1U);
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
  EXPECT_THROW((void)add("after", "again"), offramp::error);
}

}  // namespace fit_ngrams_test
