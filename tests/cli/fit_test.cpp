// SPDX-License-Identifier: Apache-2.0
// `offramp fit` hands its options to the library and shows what came out.
#include "json_output.hpp"
#include "process.hpp"

#include <offramp/offramp.hpp>

#include <fstream>
#include <iterator>

namespace cli_fit_test {

using namespace offramp_tests;
using offramp_cli::json;

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A directory with training and dev data for the tiny model, and the command line that uses them.
class fit_command : public testing::Test {
 protected:
  fit_command() {
    std::string train;
    std::string dev;
    for (const char* const more : {"", " film", " story", " plot", " dog runs"}) {
      train += std::string("yes\tgood") + more + "\nno\tbad" + more + '\n';
      dev += std::string("yes\tgood man") + more + "\nno\tbad man" + more + '\n';
    }
    dev += "no\tgood\n";
    train_ = directory_.file("train.tsv", train);
    dev_ = directory_.file("dev.tsv", dev);
  }

  [[nodiscard]] std::string out() const { return directory_.path() / "out"; }

  [[nodiscard]] process_result fit(const arguments& more, const std::string& model = tiny("tiny")) const {
    arguments given = {"fit", "--model", model, "--train", train_, "--dev", dev_, "--out", out()};
    given.insert(given.end(), more.begin(), more.end());
    return run_offramp(given);
  }

  void expect_failure(const arguments& more, int status, const std::string& message) const {
    const process_result found = fit(more);
    EXPECT_EQ(found.status, status) << message;
    EXPECT_NE(found.err.find(message), std::string::npos) << found.err;
    EXPECT_EQ(found.out, "");
    EXPECT_FALSE(std::filesystem::exists(out() + "/exits.json"));
  }

  scratch_directory directory_;
  std::string train_;
  std::string dev_;
};

TEST_F(fit_command, shows_one_row_for_each_exit) {
  const process_result found = fit({"--pooling", "cls", "--l2", "0.5"});
  EXPECT_EQ(found.status, 0);
  EXPECT_EQ(found.err, "");
  const std::vector<std::string> lines = lines_of(found.out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].find("layer"), 0U);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].size(), lines[0].size());
    EXPECT_NE(lines[i].find("cls       no       0.5"), std::string::npos) << lines[i];
  }
}

TEST_F(fit_command, options_reach_the_library) {
  const std::string golden = directory_.file("golden.txt", "a good film\na bad man\n");
  const process_result found =
      fit({"--json", "--layers", "1,3", "--pooling", "mean", "--l2", "0.01,0.1", "--class-weights", "balanced",
           "--max-tokens", "10", "--input-kind", "single", "--threshold", "0.8", "--golden", golden, "--threads", "2"});
  EXPECT_EQ(found.status, 0) << found.err;
  const auto model = offramp::classifier::load(out());
  const std::vector<std::string> lines = lines_of(found.out);
  ASSERT_EQ(lines.size(), 2U);
  ASSERT_EQ(model.exits().size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const json line = json::parse(lines[i]);
    EXPECT_EQ(line["layer"], model.exits()[i].layer);
    EXPECT_EQ(line["layers"], 3);
    EXPECT_EQ(line["pooling"], "mean");
    EXPECT_EQ(line["temperature"], model.exits()[i].temperature);
    for (const char* field :
         {"strength", "train_accuracy", "dev_accuracy", "nll_before", "nll_after", "ece_before", "ece_after"}) {
      EXPECT_TRUE(line[field].is_number()) << field;
    }
    EXPECT_TRUE(line["at_bound"].is_boolean());
    EXPECT_EQ(line["optimal"], true);
    EXPECT_TRUE(line["mix"].is_null());
  }
  EXPECT_EQ(model.exits()[1].layer, 3);
  EXPECT_EQ(model.max_tokens(), 10);
  EXPECT_EQ(model.default_policy().threshold(), 0.8F);
  EXPECT_EQ(run_offramp({"verify", out()}).status, 0);
}

TEST_F(fit_command, mixes_layers_when_told_to) {
  const process_result found = fit({"--mix", "learned", "--json"});
  EXPECT_EQ(found.status, 0) << found.err;
  const std::vector<std::string> lines = lines_of(found.out);
  ASSERT_EQ(lines.size(), 3U);
  const json file = json::parse(content_of(out() + "/exits.json"));
  for (std::size_t i = 0; i < 3; ++i) {
    const json mix = json::parse(lines[i])["mix"];
    EXPECT_EQ(mix.is_array(), file["exits"][i].value("mix", false));
    if (mix.is_array()) {
      EXPECT_EQ(mix.size(), i + 1);
    }
  }
}

TEST_F(fit_command, gives_the_same_bytes_on_any_number_of_threads) {
  const auto exits = [&](const char* threads) {
    EXPECT_EQ(fit({"--threads", threads}).status, 0);
    return content_of(out() + "/exits.json") + content_of(out() + "/exits.safetensors");
  };
  const std::string one = exits("1");
  EXPECT_EQ(exits("2"), one);
  EXPECT_EQ(exits("3"), one);
}

TEST_F(fit_command, warns_of_labels_that_dev_lacks) {
  dev_ = directory_.file("dev.tsv", "no\tdull\n");
  const process_result found = fit({});
  EXPECT_EQ(found.status, 0);
  EXPECT_NE(found.err.find("no text has the label \"yes\""), std::string::npos);
}

TEST_F(fit_command, mistakes_on_the_command_line_end_with_2) {
  expect_failure({"--layers", "1,7"}, 2, "layer 7, expected ascending layers from 0 to 3");
  expect_failure({"--layers", "one"}, 2, "one");
  expect_failure({"--pooling", "max"}, 2, "max");
  expect_failure({"--mix", "all"}, 2, "all");
  expect_failure({"--class-weights", "some"}, 2, "some");
  expect_failure({"--l2", "0"}, 2, "strength 0");
  expect_failure({"--max-tokens", "1"}, 2, "max_tokens is 1");
  expect_failure({"--labels", "a"}, 2, "1 labels, expected 2");
  expect_failure({"--threads", "0"}, 2, "--threads");
  EXPECT_EQ(run_offramp({"fit", "--model", tiny("tiny")}).status, 2);
}

TEST_F(fit_command, what_is_wrong_with_the_data_ends_with_1) {
  expect_failure({"--labels", "bad,good"}, 1, "train.tsv:1: label \"yes\" is unknown");
  dev_ = directory_.file("dev.tsv", "no\ta\nyes\n");
  expect_failure({}, 1, "dev.tsv:2: 1 column, expected 2");
  dev_ = "/nonexistent";
  expect_failure({}, 1, "/nonexistent");
}

}  // namespace cli_fit_test
