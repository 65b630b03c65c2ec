// SPDX-License-Identifier: Apache-2.0
// calibrate: what it prints, what it writes, and what it leaves alone.
#include "json_output.hpp"
#include "process.hpp"

#include <offramp/offramp.hpp>

#include <filesystem>
#include <fstream>
#include <string>

namespace cli_calibrate_test {

using namespace offramp_tests;
using offramp_cli::json;

const char* const film_texts =
    "positive\tA delight from start to finish.\n"
    "negative\tA dull film without a single idea.\n"
    "positive\tShe is wonderful in it, and so is the music.\n"
    "negative\tTwo hours that nobody will give back to me.\n"
    "positive\tNot half as bad as the poster looks.\n"
    "negative\tI wanted to like it, but it never begins.\n"
    "negative\tIt is a delight only when it ends.\n"
    "positive\tSlow, strange, and hard to forget.\n";

const char* const tiny_texts =
    "yes\tA good film.\nno\tThe plot is dull, and the actor is not warm!\nyes\tNever bad.\nno\tdogs\nyes\tthe story of "
    "a "
    "man and a dog\nno\tnot warm!\nno\tA good dog.\nyes\tbad, bad, bad\n";

/// A copy of a model that may be written to, and a file of labelled texts.
class CalibrateTest : public testing::Test {
 protected:
  explicit CalibrateTest(const std::string& source = tiny("tiny")) {
    std::filesystem::copy(source, model_);
    std::filesystem::permissions(exits_json_, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
  }

  /// So few texts often lead to the end of the range.
  [[nodiscard]] process_result calibrate(const std::string& data, const arguments& more = {}) const {
    arguments given{"calibrate", "--model", model_, "--data", data, "--accept-bound"};
    given.insert(given.end(), more.begin(), more.end());
    return run_offramp(given);
  }

  [[nodiscard]] json exits() const { return json::parse(content_of(exits_json_)); }

  scratch_directory directory_;
  std::string model_ = directory_.path() / "model";
  std::string exits_json_ = directory_.path() / "model" / "exits.json";
  std::string data_ = directory_.file("data.tsv", tiny_texts);
};

TEST_F(CalibrateTest, RefusesATemperatureAtTheEndOfItsRange) {
  const offramp::classifier model = offramp::classifier::load(model_);
  std::string lines;
  for (const char* text : {"A good film.", "dogs", "Never bad.", "not warm!", "the plot is dull"}) {
    lines += model.classify(text, offramp::exit_policy::full_depth()).label + "\t" + text + "\n";
  }
  const std::string few = directory_.file("few.tsv", lines);
  const std::string before = content_of(exits_json_);
  const process_result found = run_offramp({"calibrate", "--model", model_, "--data", few});
  EXPECT_EQ(found.status, 2);
  EXPECT_NE(found.err.find(" on 5 texts: expected more texts"), std::string::npos) << found.err;
  EXPECT_EQ(content_of(exits_json_), before);
  EXPECT_FALSE(std::filesystem::exists(model_ + "/exits.texts.safetensors"));
  EXPECT_EQ(run_offramp({"calibrate", "--model", model_, "--data", few, "--dry-run"}).status, 0)
      << "what is not stored may be looked at";
  EXPECT_EQ(calibrate(few).status, 0);
  EXPECT_EQ(exits()["exits"].back()["temperature"]["float32"], 0.001F);
}

TEST_F(CalibrateTest, FitsToAgreementWithFullDepthWithoutLabels) {
  std::string texts;
  for (const std::string& line : lines_of(tiny_texts)) {
    texts += line.substr(line.find('\t') + 1) + '\n';
  }
  const std::string file = directory_.file("texts.txt", texts);
  const std::string model = directory_.copy_of("tiny-i8");
  const auto stored = [&] { return json::parse(directory_.content("tiny-i8/exits.json"))["exits"]; };
  const json before = stored();
  const process_result found =
      run_offramp({"calibrate", "--model", model, "--texts", file, "--accept-bound", "--json"});
  EXPECT_EQ(found.status, 0) << found.err;
  const auto lines = lines_of(found.out);
  const json last = json::parse(lines.back());
  EXPECT_EQ(last["labelled"], false);
  EXPECT_EQ(last["after"]["accuracy"], 1.0) << "it agrees with itself";
  EXPECT_EQ(last["at_bound"], false);
  EXPECT_EQ(last["temperature"], before.back()["temperature"]["float32"]) << "nothing says how sure it may be";
  EXPECT_EQ(stored().front()["temperature"]["float32"], json::parse(lines.front())["temperature"]);
  EXPECT_EQ(run_offramp({"calibrate", "--model", model, "--texts", "/nowhere"}).status, 1);
  const process_result refused = run_offramp({"calibrate", "--model", model_, "--texts", file, "--accept-bound"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("the last exit reads the logits of earlier ones"), std::string::npos) << refused.err;
}

TEST_F(CalibrateTest, WritesWhatItPrints) {
  const process_result found = calibrate(data_, {"--json"});
  EXPECT_EQ(found.status, 0) << found.err;
  const std::vector<std::string> lines = lines_of(found.out);
  const auto model = offramp::classifier::load(model_);
  ASSERT_EQ(lines.size(), model.exits().size());
  const json stored = exits()["calibration"]["float32"];
  EXPECT_EQ(stored["n"], 8);
  // sha256sum of the data
  EXPECT_EQ(stored["data_sha256"], "cdd126540ff57d241b511edd56c5f96f09267624b6e6e7fc7f74ac8b545349d9");
  for (std::size_t exit = 0; exit < lines.size(); ++exit) {
    const json line = json::parse(lines[exit]);
    EXPECT_EQ(line["layer"], model.exits()[exit].layer);
    EXPECT_EQ(line["format"], "float32");
    EXPECT_EQ(line["temperature"], model.exits()[exit].temperature);
    EXPECT_EQ(line["texts"], 8);
    EXPECT_EQ(line["before"]["nll"], stored["exits"][exit]["nll_before"]);
    EXPECT_EQ(line["after"]["nll"], stored["exits"][exit]["nll_after"]);
    EXPECT_EQ(line["before"]["ece"], stored["exits"][exit]["ece_before"]);
    EXPECT_EQ(line["after"]["ece"], stored["exits"][exit]["ece_after"]);
    std::size_t texts = 0;
    for (const json& bin : line["after"]["reliability"]) {
      texts += bin["texts"].get<std::size_t>();
    }
    EXPECT_EQ(texts, 8U);
  }
  EXPECT_EQ(json::parse(lines.back())["after"]["auroc_agreement"], json());
}

TEST_F(CalibrateTest, TheTableHasTwoRowsPerExit) {
  const process_result found = calibrate(data_);
  EXPECT_EQ(found.status, 0);
  const std::vector<std::string> lines = lines_of(found.out);
  ASSERT_EQ(lines.size(), 1U + 2 * 3);
  EXPECT_EQ(lines[0].substr(0, 23), "layer    temp. accuracy");
  EXPECT_EQ(lines[1].substr(0, 14), "    1   1.0000");
  EXPECT_EQ(lines[2].substr(0, 5), "     ");
  for (const std::string& line : lines) {
    EXPECT_EQ(line.size(), lines[0].size());
  }
}

TEST_F(CalibrateTest, FitsWeightsOfNGramsWhereThereAreSome) {
  const process_result found = calibrate(data_, {"--ngram-weights"});
  EXPECT_EQ(found.status, 2);
  EXPECT_NE(found.err.find("no exit before the encoder"), std::string::npos) << found.err;
  EXPECT_EQ(calibrate(data_, {"--keep-full-depth"}).status, 2);
  EXPECT_EQ(calibrate(data_, {"--ngram-weights", "--no-fit"}).status, 2);
}

TEST_F(CalibrateTest, SaysThatCertificatesWent) {
  ASSERT_EQ(exits()["certificates"].size(), 1U);
  const process_result found = calibrate(data_);
  EXPECT_NE(found.err.find("certificates removed, because temperatures changed: 1"), std::string::npos) << found.err;
  EXPECT_FALSE(exits().contains("certificates"));
  EXPECT_EQ(found.err.find("the default policy stays"), std::string::npos) << "it was none of them";
  EXPECT_EQ(calibrate(data_).err.find("certificates"), std::string::npos);
}

TEST_F(CalibrateTest, SaysThatTheDefaultPolicyIsNoLongerCertified) {
  json content = exits();
  content["default_policy"] = content["certificates"][0]["policy"];
  content["certificates"][0]["numeric_format"] =
      "int8";  // which computes with float32's temperatures until it has its own
  std::ofstream(exits_json_) << content.dump();
  const process_result found = calibrate(data_);
  EXPECT_NE(found.err.find("the default policy stays, but was certified under other temperatures"), std::string::npos)
      << found.err;
  EXPECT_EQ(exits()["default_policy"], content["default_policy"]);
}

TEST_F(CalibrateTest, ADryRunWritesNothing) {
  const std::string before = content_of(exits_json_);
  const process_result dry = calibrate(data_, {"--dry-run", "--json"});
  EXPECT_EQ(dry.status, 0);
  EXPECT_EQ(content_of(exits_json_), before);
  EXPECT_EQ(dry.out, calibrate(data_, {"--json"}).out);
  EXPECT_NE(content_of(exits_json_), before);
}

TEST_F(CalibrateTest, WithoutAFitTheModelsOwnTemperaturesAreMeasured) {
  const std::vector<std::string> fitted = lines_of(calibrate(data_, {"--json"}).out);
  const std::string before = content_of(exits_json_);
  const process_result found =
      calibrate(directory_.file("other.tsv", "yes\tA good film.\nno\tdogs\n"), {"--no-fit", "--json"});
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_EQ(content_of(exits_json_), before);
  const std::vector<std::string> lines = lines_of(found.out);
  ASSERT_EQ(lines.size(), fitted.size());
  for (std::size_t exit = 0; exit < lines.size(); ++exit) {
    EXPECT_EQ(json::parse(lines[exit])["temperature"], json::parse(fitted[exit])["temperature"]);
    EXPECT_EQ(json::parse(lines[exit])["texts"], 2);
  }
}

TEST_F(CalibrateTest, OtherLabelNamesAndThreadsGiveTheSameTemperatures) {
  const process_result one = calibrate(data_, {"--dry-run", "--json"});
  const std::string renamed = directory_.file("renamed.jsonl",
                                              "{\"label\": \"1\", \"text\": \"A good film.\"}\n"
                                              "{\"label\": \"0\", \"text\": \"dogs\"}\n");
  const process_result found = calibrate(renamed, {"--labels", "0,1", "--dry-run", "--json"});
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_EQ(json::parse(lines_of(found.out).front())["texts"], 2);
  EXPECT_EQ(calibrate(data_, {"--dry-run", "--json", "--threads", "3"}).out, one.out);
}

TEST_F(CalibrateTest, KeepsTheOtherFormatsTemperatures) {
  const json before = exits();
  EXPECT_EQ(calibrate(data_, {"--format", "int8"}).status, 0);
  const json after = exits();
  for (std::size_t exit = 0; exit < 3; ++exit) {
    EXPECT_EQ(after["exits"][exit]["temperature"]["float32"], before["exits"][exit]["temperature"]["float32"]);
    EXPECT_TRUE(after["exits"][exit]["temperature"].contains("int8"));
  }
  EXPECT_EQ(after["calibration"]["float32"], before["calibration"]["float32"]);
  EXPECT_EQ(after["certificates"], before["certificates"]);
  EXPECT_EQ(run_offramp({"verify", model_}).status, 0);
}

TEST_F(CalibrateTest, AThresholdSaysWhoLeaves) {
  const auto leaving = [&](const char* threshold) {
    std::vector<int> texts;
    for (const std::string& line : lines_of(calibrate(data_, {"--dry-run", "--json", "--threshold", threshold}).out)) {
      texts.push_back(json::parse(line)["after"]["leaving"]["texts"].get<int>());
    }
    return texts;
  };
  EXPECT_EQ(leaving("0"), (std::vector<int>{8, 0, 0}));
  EXPECT_EQ(leaving("1"), (std::vector<int>{0, 0, 8}));
}

TEST_F(CalibrateTest, WarnsOfALabelWithoutTextsAndOfABound) {
  const process_result found = calibrate(directory_.file("one.tsv", "yes\tA good film.\nyes\tdogs\n"));
  EXPECT_EQ(found.status, 0);
  EXPECT_NE(found.err.find("no text has the label \"no\""), std::string::npos) << found.err;
  EXPECT_NE(found.err.find("lies at the end of its range"), std::string::npos) << found.err;
}

TEST_F(CalibrateTest, BadDataNameFileAndLine) {
  const std::string before = content_of(exits_json_);
  const auto expect = [&](const std::string& content, const std::string& message) {
    const process_result found = calibrate(directory_.file("bad.tsv", content));
    EXPECT_EQ(found.status, 1);
    EXPECT_EQ(found.out, "");
    EXPECT_NE(found.err.find(message), std::string::npos) << found.err;
  };
  expect("", "bad.tsv: is empty");
  expect("yes\ta\nmaybe\tb\n", "bad.tsv:2: label \"maybe\" is unknown");
  expect("yes\ta\nno\n", "bad.tsv:2: 1 column");
  expect("yes\ta\tb\n", "bad.tsv:1: 3 columns");
  EXPECT_EQ(calibrate("/nonexistent").status, 1);
  EXPECT_EQ(calibrate(data_, {"--labels", "a,b,c"}).status, 2);
  EXPECT_EQ(calibrate(data_, {"--threshold", "nan"}).status, 2);
  EXPECT_EQ(calibrate(data_, {"--threshold", "90"}).status, 2);
  EXPECT_EQ(content_of(exits_json_), before);
}

TEST_F(CalibrateTest, WritesOnlyIntoAModelGivenByName) {
  const process_result unnamed = run_offramp({"calibrate", "--data", data_});
  EXPECT_EQ(unnamed.status, 2);
  EXPECT_NE(unnamed.err.find("--model"), std::string::npos);
  const std::string data = directory_.file("plain.tsv", "warm\tA good film.\ndull\tdogs\n");
  EXPECT_EQ(run_offramp({"calibrate", "--model", tiny("tiny-plain"), "--data", data, "--no-fit"}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(tiny("tiny-plain") + "/exits.json"));
}

TEST_F(CalibrateTest, AWriteThatEndsHalfwayLeavesTheFileAsItWas) {
  const std::string before = content_of(exits_json_);
  ASSERT_GT(before.size(), 2000U);
  const auto with_small_files = [&](const std::string& first) {
    const std::string script =
        first + R"(ulimit -f 1; "$0" calibrate --model "$1" --data "$2" --accept-bound >/dev/null 2>&1)";
    const process_result found = run_program("/bin/sh", {"-c", script, OFFRAMP_COMMAND, model_, data_});
    EXPECT_EQ(content_of(exits_json_), before);
    EXPECT_EQ(run_offramp({"verify", model_}).status, 0);
    return found.status;
  };
  const auto files = [&] { return std::distance(std::filesystem::directory_iterator(model_), {}); };
  const auto before_files = files();
  // Beyond the limit of one block a write is an error where the signal is ignored, else the end of the process.
  EXPECT_EQ(with_small_files("trap '' XFSZ; "), 1);
  EXPECT_EQ(files(), before_files);
  EXPECT_GT(with_small_files(""), 128);
}

TEST_F(CalibrateTest, NothingIsStoredWhenTheTableCannotBeWritten) {
  const int full = open("/dev/full", O_WRONLY);
  if (full < 0) {
    GTEST_SKIP() << "no /dev/full";
  }
  const std::string before = content_of(exits_json_);
  const scratch_file in;
  const scratch_file err;
  EXPECT_EQ(spawn_and_wait(OFFRAMP_COMMAND, {"calibrate", "--model", model_, "--data", data_},
                           {in.descriptor(), full, err.descriptor()}),
            1);
  close(full);
  EXPECT_EQ(content_of(exits_json_), before);
}

TEST_F(CalibrateTest, DrawsADiagramOfEveryExit) {
  const std::string file = directory_.path() / "reliability.svg";
  EXPECT_EQ(calibrate(data_, {"--dry-run", "--reliability", file}).status, 0);
  const std::string drawing = content_of(file);
  EXPECT_EQ(drawing.rfind("<svg", 0), 0U);
  for (const char* layer : {"Layer 1", "Layer 2", "Layer 3"}) {
    EXPECT_NE(drawing.find(layer), std::string::npos);
  }
  EXPECT_EQ(calibrate(data_, {"--dry-run", "--reliability", directory_.path() / "missing" / "a.svg"}).status, 1);
}

class CalibrateBundledTest : public CalibrateTest {
 protected:
  CalibrateBundledTest() : CalibrateTest(OFFRAMP_SOURCE_DIR "/models/sentiment-en") {}
};

TEST_F(CalibrateBundledTest, FitsWeightsOfNGrams) {
  const offramp::classifier model = offramp::classifier::load(model_);
  // The exit before the encoder is right on all of them.
  std::string lines;
  for (const char* subject : {"It", "The film", "This story", "The ending", "Her first film", "The whole thing"}) {
    for (const char* word : {"is dull", "is warm", "is not good", "could be better", "never begins", "is hardly bad",
                             "will delight nobody", "is fun", "is a mess", "is no masterpiece", "moved me"}) {
      const std::string text = std::string(subject) + ' ' + word + '.';
      lines += model.classify(text, 0.0F).label + '\t' + text + '\n';
    }
  }
  const std::string data = directory_.file("labelled.tsv", lines);
  const process_result found = calibrate(data, {"--ngram-weights", "--keep-full-depth", "--json"});
  ASSERT_EQ(found.status, 0) << found.err;
  const offramp::classifier fitted = offramp::classifier::load(model_);
  const std::vector<std::string> exits = lines_of(found.out);
  ASSERT_EQ(exits.size(), fitted.exits().size());
  for (std::size_t exit = 0; exit < exits.size(); ++exit) {
    EXPECT_EQ(json::parse(exits[exit])["ngram_weight"], fitted.exits()[exit].ngram_weight);
  }
  EXPECT_GT(fitted.exits()[1].ngram_weight, 0.0F);
  EXPECT_EQ(fitted.exits().back().ngram_weight, 0.0F);
  EXPECT_EQ(run_offramp({"verify", model_}).status, 0) << "golden logits follow";
  const process_result inspected = run_offramp({"inspect", model_});
  EXPECT_NE(inspected.out.find("adds the logits of layer 0 times"), std::string::npos) << inspected.out;
}

TEST_F(CalibrateBundledTest, FitsEveryFormat) {
  const std::string data = directory_.file("films.tsv", film_texts);
  const json policy = exits()["default_policy"];
  ASSERT_TRUE(policy.is_object());
  for (const char* format : {"float32", "bfloat16", "int8"}) {
    const process_result found = calibrate(data, {"--format", format, "--json"});
    EXPECT_EQ(found.status, 0) << found.err;
    for (const std::string& text : lines_of(found.out)) {
      const json line = json::parse(text);
      EXPECT_LE(line["after"]["nll"].get<float>(), line["before"]["nll"].get<float>());
      EXPECT_EQ(line["after"]["accuracy"], line["before"]["accuracy"]);
    }
    EXPECT_EQ(exits()["calibration"][format]["n"], 8);
  }
  EXPECT_EQ(exits()["default_policy"], policy);
  EXPECT_EQ(run_offramp({"verify", model_}).status, 0);
}

}  // namespace cli_calibrate_test
