// SPDX-License-Identifier: Apache-2.0
// What fit_exits refuses: it leaves no exits behind.
#include <offramp/study/fit.hpp>

#include <offramp/error.hpp>
#include <offramp/model/safetensors.hpp>

#include "model/model_files.hpp"
#include "study/fit/workshop.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace fit_refuses_test {

using namespace offramp::study;
using offramp_tests::workshop;

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
  refuses(shop, invalid_argument, "dev.tsv: every text is in ");
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
  refuse("layer 4, expected ascending layers from 0 to 3", [](fit_options& o) { o.layers = {1, 4}; });
  refuse("layer 1, expected ascending", [](fit_options& o) { o.layers = {1, 1}; });
  refuse("layer -1", [](fit_options& o) { o.layers = {-1}; });
  refuse("ngram_longest is 9", [](fit_options& o) { o.ngram_longest = 9; });
  refuse("ngram_max_tokens is 0", [](fit_options& o) { o.ngram_max_tokens = 0; });
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

}  // namespace fit_refuses_test
