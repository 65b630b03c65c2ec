// SPDX-License-Identifier: Apache-2.0
// `offramp fit` hands its options to the library and shows what came out.
#include "json_output.hpp"
#include "process.hpp"

#include <offramp/offramp.hpp>


namespace cli_fit_test {

using namespace offramp_tests;
using offramp_cli::json;

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
    dev += "no\tgood dog\n";
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
  const process_result found = fit({"--pooling", "cls", "--l2", "0.5", "--layers", "1,2,3"});
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
  const process_result found = fit({"--mix", "learned", "--layers", "1,2,3", "--json"});
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
  expect_failure({"--format", "int8"}, 2, "--format is for --certify");
  expect_failure({"--certify", "0.1"}, 2, "--certify needs texts");
  expect_failure({"--certify", "0.1", "--threshold", "0.9"}, 2, "--threshold");
  EXPECT_EQ(run_offramp({"fit", "--model", tiny("tiny")}).status, 2);
  EXPECT_EQ(run_offramp({"fit", "--model", tiny("tiny"), "--out", out()}).status, 2) << "nothing to learn from";
}

TEST_F(fit_command, says_what_an_exit_before_the_encoder_saves) {
  const process_result found = fit({});
  EXPECT_EQ(found.status, 0) << found.err;
  const std::string last = lines_of(found.out).back();
  EXPECT_NE(last.find("before the encoder: "), std::string::npos) << last;
  EXPECT_NE(last.find("where accuracy may be 0.01 below full depth's"), std::string::npos) << last;
  const json line = json::parse(lines_of(fit({"--layers", "0,1,2,3", "--json"}).out).front());
  EXPECT_EQ(line["layer"], 0);
  EXPECT_TRUE(line["saving"]["share"].is_number());
  EXPECT_LE(line["saving"]["mean_layer"], line["saving"]["mean_layer_without"]);

  const process_result swept = run_offramp({"curve", "--model", out(), "--data", dev_, "--rounds", "0", "--pick",
                                            "loss:100", "--out", directory_.path() / "curve"});
  ASSERT_EQ(swept.status, 0) << swept.err;
  EXPECT_NE(swept.out.find("0.00    -\n"), std::string::npos) << swept.out << "no layers are no number of times fewer";
}

/// Different texts, one a line.
std::string texts_without_labels(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    lines += std::string(i % 2 == 0 ? "good" : "bad") + (i % 3 == 0 ? " film " : " plot ") + std::to_string(i) + '\n';
  }
  return lines;
}

TEST_F(fit_command, learns_from_texts_without_labels) {
  const std::string texts = directory_.file("texts.txt", texts_without_labels(60));
  const process_result found = run_offramp({"fit", "--model", tiny("tiny-plain"), "--texts", texts, "--out", out()});
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_NE(lines_of(found.out).front().find("dev agree"), std::string::npos);
  EXPECT_EQ(run_offramp({"classify", "--model", out(), "a film"}).status, 0);
  const std::string pairs = directory_.file("pairs.txt", "a\tb\nc\n");
  const process_result unsaid = run_offramp({"fit", "--model", tiny("tiny-plain"), "--texts", pairs, "--out", out()});
  EXPECT_EQ(unsaid.status, 1);
  EXPECT_NE(unsaid.err.find("pairs.txt:1: has a tab"), std::string::npos) << unsaid.err;
  const process_result torn =
      run_offramp({"fit", "--model", tiny("tiny-plain"), "--texts", pairs, "--out", out(), "--input-kind", "pair"});
  EXPECT_EQ(torn.status, 1);
  EXPECT_NE(torn.err.find("pairs.txt:2: no tab"), std::string::npos) << torn.err;
}

TEST_F(fit_command, balances_no_label_that_nothing_teaches) {
  const offramp::classifier teacher = offramp::classifier::load(tiny("tiny-plain"));
  const std::string answer = teacher.classify("good film 0").label;
  std::string alike;
  for (const std::string& text : lines_of(texts_without_labels(60))) {
    alike += teacher.classify(text).label == answer ? text + '\n' : "";
  }
  const std::string texts = directory_.file("texts.txt", alike);
  const std::string never = teacher.labels()[teacher.labels()[0] == answer ? 1 : 0];
  const process_result found = run_offramp(
      {"fit", "--model", tiny("tiny-plain"), "--texts", texts, "--class-weights", "balanced", "--out", out()});
  EXPECT_EQ(found.status, 1);
  EXPECT_NE(found.err.find("texts.txt: none of the texts to learn from is answered \"" + never + '"'),
            std::string::npos)
      << found.err;
}

TEST_F(fit_command, certifies_with_texts_that_it_kept_apart) {
  const std::string texts = directory_.file("texts.txt", texts_without_labels(300));
  const arguments given = {"fit", "--model", tiny("tiny-plain"), "--texts", texts, "--certify", "0.2", "--out", out()};
  const process_result found = run_offramp(given);
  EXPECT_EQ(found.status, 0) << found.err;
  const std::string sentence = lines_of(found.out).back();
  EXPECT_NE(sentence.find("at most 20 % of texts like these"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("; report: " + out() + "/report/report.html"), std::string::npos) << sentence;
  EXPECT_TRUE(std::filesystem::exists(out() + "/report/report.html"));
  const auto model = offramp::classifier::load(out());
  EXPECT_EQ(model.default_policy(), model.certified(0.2));
  arguments as_json = given;
  as_json.emplace_back("--json");
  const json line = json::parse(lines_of(run_offramp(as_json).out).back());
  EXPECT_EQ(line["epsilon"], 0.2);
  EXPECT_EQ(line["threshold"], model.default_policy().threshold());
}

TEST_F(fit_command, what_is_wrong_with_the_data_ends_with_1) {
  expect_failure({"--labels", "bad,good"}, 1, "train.tsv:1: label \"yes\" is unknown");
  dev_ = directory_.file("dev.tsv", "no\ta\nyes\n");
  expect_failure({}, 1, "dev.tsv:2: 1 column, expected 2");
  dev_ = "/nonexistent";
  expect_failure({}, 1, "/nonexistent");
}

}  // namespace cli_fit_test
