// SPDX-License-Identifier: Apache-2.0
// Texts that made a model do not certify it, whatever file they come in.
#include "json_output.hpp"
#include "process.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace cli_known_texts_test {

using namespace offramp_tests;
using offramp_cli::json;

/// Sixty different labelled texts over the tiny vocabulary; other ones for another `word`.
std::string labelled_texts(const std::string& word) {
  const std::vector<std::string> words = {"a", "good", "film", "the", "plot", "is", "dull", "never", "bad", "dogs"};
  std::string lines;
  for (std::size_t i = 0; i < 60; ++i) {
    lines += (i % 3 == 0 ? "no\t" : "yes\t") + words[i / 10] + " " + words[i % 10] + " " + word + "\n";
  }
  return lines;
}

std::string with_line_ends(const std::string& text, const std::string& end) {
  std::string lines;
  for (const std::string& line : lines_of(text)) {
    lines += line + end;
  }
  return lines;
}

class KnownTexts : public ::testing::Test {
 protected:
  [[nodiscard]] process_result certify(const std::string& lines, const arguments& more = {},
                                       const std::string& epsilon = "0.3") const {
    arguments given = {"certify",   "--model", model_,    "--data", directory_.file("certify.tsv", lines),
                       "--epsilon", epsilon,   "--delta", "0.1",    "--json"};
    given.insert(given.end(), more.begin(), more.end());
    return run_offramp(given);
  }

  void expect_refused(const std::string& lines, const std::string& what, const arguments& more = {}) const {
    const std::string before = directory_.content("tiny/exits.json");
    const process_result found = certify(lines, more);
    EXPECT_EQ(found.status, 2) << found.err;
    EXPECT_NE(found.err.find("certify.tsv:1: the model knows this text"), std::string::npos) << found.err;
    EXPECT_NE(found.err.find(what), std::string::npos) << found.err;
    EXPECT_EQ(found.out, "");
    EXPECT_EQ(directory_.content("tiny/exits.json"), before);
  }

  void calibrate_on(const std::string& lines) const {
    const std::string data = directory_.file("calibrate.tsv", lines);
    ASSERT_EQ(run_offramp({"calibrate", "--model", model_, "--data", data, "--accept-bound"}).status, 0);
  }

  scratch_directory directory_;
  std::string model_ = directory_.copy_of("tiny");
  std::string texts_ = labelled_texts("film");
};

TEST_F(KnownTexts, ThatFittedTemperaturesAreRefusedWithOtherLineEnds) {
  calibrate_on(texts_);
  expect_refused(texts_, "60 of the 60 here (60 fitted temperatures)");
  expect_refused(with_line_ends(texts_, "\r\n"), "60 of the 60 here");
  expect_refused(with_line_ends(texts_, " \n"), "60 of the 60 here");
}

TEST_F(KnownTexts, AreRefusedAmongOthers) {
  calibrate_on(texts_);
  expect_refused(texts_ + labelled_texts("plot"), "60 of the 120 here");
  expect_refused("no\tA  GOOD film\n" + labelled_texts("plot"), "1 of the 61 here");
  const process_result rest = certify(texts_ + labelled_texts("plot"), {"--leave-out-known"});
  ASSERT_EQ(rest.status, 0) << rest.err;
  EXPECT_EQ(json::parse(rest.out)["n"], 60);
  EXPECT_EQ(json::parse(rest.out)["left_out"], 60);
  EXPECT_NE(rest.err.find("60 rows are left out, because the model knows their texts"), std::string::npos) << rest.err;
}

TEST_F(KnownTexts, ThatTrainedAreRefused) {
  const std::string dev = labelled_texts("plot");
  model_ = directory_.path() / "tiny";
  std::filesystem::remove_all(model_);
  const process_result fitted =
      run_offramp({"fit", "--model", tiny("tiny"), "--train", directory_.file("train.tsv", texts_), "--dev",
                   directory_.file("dev.tsv", dev), "--out", model_, "--layers", "1,3"});
  ASSERT_EQ(fitted.status, 0) << fitted.err;
  expect_refused(texts_, "60 of the 60 here (60 trained exits)");
  expect_refused(dev, "60 of the 60 here (60 fitted temperatures)");
  const process_result found = certify(labelled_texts("dogs"));
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_EQ(found.err, "") << "the model says all that is to be known";
}

TEST_F(KnownTexts, CountOnceHoweverOftenTheyStand) {
  const process_result once = certify(texts_);
  ASSERT_EQ(once.status, 0) << once.err;
  std::filesystem::remove_all(model_);
  static_cast<void>(directory_.copy_of("tiny"));
  const process_result repeated = certify(texts_ + texts_ + with_line_ends(texts_, "\r\n") + texts_);
  ASSERT_EQ(repeated.status, 0) << repeated.err;
  EXPECT_NE(repeated.err.find("180 rows repeat a text and are left out"), std::string::npos) << repeated.err;
  json line = json::parse(repeated.out);
  EXPECT_EQ(line["n"], 60);
  EXPECT_EQ(line["repeated"], 180);
  line["repeated"] = 0;
  EXPECT_EQ(line, json::parse(once.out));
}

TEST_F(KnownTexts, ThatShapedThresholdsAreRefused) {
  const arguments shaped = {"--thresholds", "per-exit", "--shape-data"};
  for (const std::string& shaping : {texts_, with_line_ends(texts_, "\r\n"), texts_ + labelled_texts("plot")}) {
    arguments more = shaped;
    more.push_back(directory_.file("shape.tsv", shaping));
    expect_refused(texts_, "60 chose thresholds", more);
  }
  EXPECT_FALSE(std::filesystem::exists(model_ + "/exits.texts.safetensors")) << "a refused command notes nothing";
  arguments more = shaped;
  more.push_back(directory_.file("shape.tsv", labelled_texts("plot")));
  ASSERT_EQ(certify(texts_, more).status, 0);
  expect_refused(labelled_texts("plot"), "60 chose thresholds");
}

TEST_F(KnownTexts, ThatPickedThresholdsAreRefused) {
  const std::string data = directory_.file("pick.tsv", texts_);
  arguments given = {"curve",    "--model", model_, "--data", data, "--out", directory_.path() / "report",
                     "--rounds", "0"};
  ASSERT_EQ(run_offramp(given).status, 0);
  EXPECT_FALSE(std::filesystem::exists(model_ + "/exits.texts.safetensors")) << "nobody asked for a threshold";
  given.insert(given.end(), {"--pick", "loss:1"});
  ASSERT_EQ(run_offramp(given).status, 0);
  expect_refused(texts_, "60 chose thresholds");
}

TEST_F(KnownTexts, ThatCertifiedBeforeAreCounted) {
  EXPECT_EQ(json::parse(certify(texts_).out)["look"], 1);
  const process_result failed = certify(texts_, {"--loss", "error"}, "0.001");
  EXPECT_EQ(failed.status, 1) << "one look more, though nothing was certified";
  EXPECT_EQ(json::parse(failed.out)["look"], 2);
  const process_result third = certify(texts_, {}, "0.2");
  EXPECT_EQ(json::parse(third.out)["look"], 3);
  EXPECT_NE(third.err.find("look 3 at these texts"), std::string::npos) << third.err;
  const json stored = json::parse(run_offramp({"inspect", "--json", model_}).out)["certificates"];
  EXPECT_EQ(stored[1]["looks"], 1);
  EXPECT_EQ(stored[2]["looks"], 3);
}

TEST_F(KnownTexts, AreSaidToBeTooFew) {
  const process_result few = certify(texts_, {}, "0.01");
  EXPECT_EQ(few.status, 0);
  EXPECT_NE(few.err.find("60 texts are too few for a loss of at most 0.01: it takes 230 without a single loss"),
            std::string::npos)
      << few.err;
  EXPECT_EQ(json::parse(few.out)["losses_allowed"], json());
  EXPECT_EQ(json::parse(few.out)["texts_needed"], 230);
  const process_result enough = certify(labelled_texts("plot"));
  EXPECT_EQ(enough.err.find("too few"), std::string::npos);
  EXPECT_EQ(json::parse(enough.out)["losses_allowed"], 13);
}

}  // namespace cli_known_texts_test
