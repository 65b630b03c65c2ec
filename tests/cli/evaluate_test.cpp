// SPDX-License-Identifier: Apache-2.0
#include "json_output.hpp"
#include "process.hpp"

#include <offramp/offramp.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/evaluation.hpp>
#include <offramp/study/exit_logits.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cli_evaluate_test {

using namespace offramp_tests;
using offramp_cli::json;

class EvaluateTest : public ::testing::Test {
 protected:
  scratch_directory directory_;
  std::string model_ = directory_.copy_of("tiny");
  std::string data_ =
      directory_.file("data.tsv", "yes\ta good film\nno\ta bad film\nyes\tthe plot\nno\tnever dull dogs\n");
};

TEST_F(EvaluateTest, SaysWhatTheLibraryCounts) {
  const process_result found =
      run_offramp({"evaluate", "--model", model_, "--data", data_, "--threshold", "0.6", "--json"});
  ASSERT_EQ(found.status, 0) << found.err;
  const json line = json::parse(found.out);
  const offramp::classifier model = offramp::classifier::load(model_);
  const offramp::study::dataset data = offramp::study::read_dataset(data_, model.labels(), offramp::input_kind::single);
  const auto expected = offramp::study::evaluate(offramp::study::compute_exit_logits(model, data), model.labels(),
                                                 offramp::exit_policy(0.6F));
  EXPECT_EQ(line["texts"], 4);
  EXPECT_EQ(line["policy"], "confidence >= 0.6");
  EXPECT_EQ(line["early"]["accuracy"].get<float>(), static_cast<float>(expected.early.accuracy));
  EXPECT_EQ(line["full_depth"]["accuracy"].get<float>(), static_cast<float>(expected.full.accuracy));
  EXPECT_EQ(line["loss"]["upper"].get<float>(), static_cast<float>(expected.loss->upper));
  EXPECT_EQ(line["disagreement"]["texts"], expected.early.disagreeing);
  EXPECT_EQ(line["confusion"].get<std::vector<std::vector<std::size_t>>>(), expected.confusion);
}

TEST_F(EvaluateTest, SaysNothingOfTheRightAmongNoTexts) {
  const std::string negative = directory_.file("no.tsv", "no\ta bad film\n");
  const process_result found = run_offramp({"evaluate", "--model", model_, "--data", negative, "--full-depth"});
  ASSERT_EQ(found.status, 0) << found.err;
  EXPECT_NE(found.out.find("    1        0     0.0%        -\n"), std::string::npos) << found.out;
  EXPECT_NE(found.out.find("  yes: 0, -, -, -\n"), std::string::npos) << found.out;
}

TEST_F(EvaluateTest, SaysWhichTextsTheModelKnows) {
  const auto complaint = [&] { return run_offramp({"evaluate", "--model", model_, "--data", data_}).err; };
  EXPECT_EQ(complaint().find("knows"), std::string::npos);
  const std::string some = directory_.file("some.tsv", "yes\ta good film\nno\tthe bad dogs\n");
  ASSERT_EQ(run_offramp({"calibrate", "--model", model_, "--data", some, "--accept-bound"}).status, 0);
  EXPECT_NE(complaint().find("the model knows 1 of these 4 texts"), std::string::npos) << complaint();
}

TEST_F(EvaluateTest, LeavesWhatStandsWhereItsTextsWouldGoUntilTheyAreThere) {
  const std::string texts = directory_.file("texts.jsonl", "of an earlier run\n");
  for (const arguments& wrong : {arguments{"--model", "/nonexistent", "--data", data_},
                                 {"--model", model_, "--data", "/nonexistent"},
                                 {"--model", model_, "--data", directory_.file("bad.tsv", "maybe\ta\n")}}) {
    arguments given = {"evaluate", "--texts-out", texts};
    given.insert(given.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(run_offramp(given).status, 1);
    EXPECT_EQ(directory_.content("texts.jsonl"), "of an earlier run\n");
  }
  ASSERT_EQ(run_offramp({"evaluate", "--texts-out", texts, "--model", model_, "--data", data_}).status, 0);
  EXPECT_TRUE(directory_.content("texts.jsonl").starts_with(R"({"kind":"model")"));

  const std::string link = directory_.path() / "link";
  std::filesystem::create_symlink(texts, link);
  EXPECT_EQ(run_offramp({"evaluate", "--texts-out", link, "--model", model_, "--data", data_}).status, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(link)) << "as /dev/stdout is one";
}

TEST_F(EvaluateTest, WritesItsTextsIntoAPipe) {
  const std::string pipe = directory_.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int reader = open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_EQ(run_offramp({"evaluate", "--texts-out", pipe, "--model", model_, "--data", data_}).status, 0);
  std::string start(15, '?');
  EXPECT_EQ(read(reader, start.data(), start.size()), 15);
  EXPECT_EQ(start, R"({"kind":"model")");
  close(reader);
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST_F(EvaluateTest, WritesLinesThatFitATerminal) {
  const process_result found = run_offramp({"evaluate", "--model", model_, "--data", data_});
  ASSERT_EQ(found.status, 0) << found.err;
  for (const char* const part :
       {"policy ", "accuracy ", "lost ", "McNemar", "other label ", "layers ", "FLOPs ", "time ", "\nlayer "}) {
    EXPECT_NE(found.out.find(part), std::string::npos) << part << " in\n" << found.out;
  }
  std::size_t begin = 0;
  for (std::size_t end = found.out.find('\n'); end != std::string::npos; end = found.out.find('\n', begin)) {
    EXPECT_LE(end - begin, 80U) << found.out.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST_F(EvaluateTest, TakesTextsWithoutLabels) {
  const std::string texts = directory_.file("texts.txt", "a good film\na bad film\n");
  const process_result found = run_offramp({"evaluate", "--model", model_, "--texts", texts, "--threshold", "0.6"});
  ASSERT_EQ(found.status, 0) << found.err;
  EXPECT_EQ(found.out.find("accuracy"), std::string::npos);
  EXPECT_NE(found.out.find("other label "), std::string::npos);
}

TEST_F(EvaluateTest, SaysWhenNoTextNeedsTheEncoder) {
  const std::string bundled = std::string(OFFRAMP_SOURCE_DIR) + "/models/sentiment-en";
  const arguments given = {"evaluate", "--model", bundled, "--data", data_, "--labels", "no,yes", "--threshold", "0"};
  const process_result text = run_offramp(given);
  EXPECT_NE(text.out.find("layers      none of 6"), std::string::npos) << text.out << text.err;
  arguments with_json = given;
  with_json.push_back("--json");
  EXPECT_TRUE(json::parse(run_offramp(with_json).out)["early"]["layer_speedup"].is_null());
}

TEST_F(EvaluateTest, RefusesADeadline) {
  const process_result found = run_offramp({"evaluate", "--model", model_, "--data", data_, "--deadline-ms", "5"});
  EXPECT_EQ(found.status, 2);
  EXPECT_NE(found.err.find("--deadline-ms"), std::string::npos);
}

}  // namespace cli_evaluate_test
