// SPDX-License-Identifier: Apache-2.0
// What the command says when it cannot do its work, and with which exit status.
#include "process.hpp"

namespace cli_failures_test {

using namespace offramp_tests;

/// In `given`, "@name" stands for the tiny model of that name.
struct failure {
  const char* name;
  arguments given;
  std::string message;  ///< part of what is written to standard error
  std::string input = "";
  std::string out = "";
};

void PrintTo(const failure& f, std::ostream* out) { *out << f.name; }

void expect_failure(const failure& expected, int status) {
  arguments given;
  for (const std::string& argument : expected.given) {
    given.push_back(argument.starts_with('@') ? tiny(argument.substr(1)) : argument);
  }
  const process_result found = run_offramp(given, expected.input);
  EXPECT_EQ(found.status, status);
  EXPECT_NE(found.err.find(expected.message), std::string::npos) << found.err;
  EXPECT_EQ(found.out, expected.out);
}

class usage : public testing::TestWithParam<failure> {};

TEST_P(usage, mistakes_end_with_2) { expect_failure(GetParam(), 2); }

INSTANTIATE_TEST_SUITE_P(
    all, usage,
    testing::Values(
        failure{"no_command", {}, "subcommand"}, failure{"unknown_command", {"clasify"}, "Did you mean classify?"},
        failure{"unknown_option", {"classify", "--treshold", "1", "a"}, "Did you mean --threshold?"},
        failure{"unknown_option_of_data", {"certify", "--epsilon", "0.1", "--dat", "f"}, "Did you mean --data?"},
        failure{"certify_no_model", {"certify", "--epsilon", "0.1", "--data", "f"}, "of your own with --model"},
        failure{"certify_bundled",
                {"certify", "--model", "sentiment-en", "--epsilon", "0.1", "--data", "f"},
                "\"sentiment-en\" is bundled"},
        failure{"calibrate_bundled", {"calibrate", "--model", "sentiment-ko", "--data", "f"}, "is bundled"},
        failure{"delta_without_certify",
                {"fit", "--model", "@tiny", "--texts", "f", "--out", "o", "--delta", "0.1"},
                "--delta is for --certify"},
        failure{"part_by_without_texts",
                {"fit", "--model", "@tiny", "--train", "f", "--dev", "f", "--out", "o", "--part-by", "first-text"},
                "--part-by is for --texts"},
        failure{"fit_percent",
                {"fit", "--model", "@tiny", "--train", "f", "--dev", "f", "--out", "o", "--threshold", "7"},
                "threshold is 7, which no confidence reaches"},
        failure{"delta_as_it_is",
                {"fit", "--model", "@tiny", "--texts", "f", "--out", "o", "--delta", "0.05"},
                "--delta is for --certify"},
        failure{"percent", {"classify", "--threshold", "90", "a"}, "--threshold is 90, which no confidence reaches"},
        failure{"margin_above_one",
                {"classify", "--rule", "margin", "--threshold", "5", "a"},
                "--threshold is 5, which no margin reaches"},
        failure{"labels_for_texts",
                {"evaluate", "--model", "@tiny", "--texts", "f", "--labels", "no,yes"},
                "--labels is for --data"},
        failure{"label_twice",
                {"evaluate", "--model", "@tiny", "--data", "f", "--labels", "no,no"},
                "--labels names \"no\" twice"},
        failure{"full_depth_and_threshold", {"classify", "--threshold", "0.9", "--full-depth", "a"}, "--full-depth"},
        failure{"text_that_is_an_option", {"classify", "-x"}, "-x"},
        failure{"certificates", {"classify", "--certified", "0.05", "--threshold", "1", "a"}, "--certified"},
        failure{"no_value", {"classify", "--threshold"}, "--threshold"},
        failure{"twice", {"classify", "--threshold", "1", "--threshold", "1", "a"}, "--threshold"},
        failure{"no_number", {"classify", "--threshold", "high", "a"}, "high"},
        failure{"nan", {"classify", "--threshold", "nan", "a"}, "NaN"},
        failure{"unknown_format", {"classify", "--format", "int4", "a"}, "int4"},
        failure{"unknown_rule", {"classify", "--rule", "guess", "a"}, "guess"},
        failure{"rule_without_threshold", {"classify", "--rule", "margin", "a"}, "--rule margin needs --threshold"},
        failure{"rule_without_patience", {"classify", "--rule", "patience", "a"}, "needs --patience"},
        failure{
            "rule_without_decline", {"classify", "--rule", "declining", "--threshold", "1", "a"}, "needs --decline"},
        failure{"decline_without_rule", {"classify", "--decline", "0.1", "a"}, "--decline needs --rule declining"},
        failure{"decline_without_threshold",
                {"classify", "--rule", "declining", "--decline", "0.1", "a"},
                "needs --threshold"},
        failure{"decline_out_of_range",
                {"classify", "--rule", "declining", "--decline", "2", "--threshold", "1", "a"},
                "decline is 2"},
        failure{"patience_without_rule", {"classify", "--patience", "2", "a"}, "--patience needs --rule"},
        failure{"patience_with_threshold",
                {"classify", "--rule", "patience", "--patience", "1", "--threshold", "1", "a"},
                "takes no --threshold"},
        failure{"negative_patience", {"classify", "--rule", "patience", "--patience", "-1", "a"}, "patience is -1"},
        failure{"no_patience_at_all",
                {"classify", "--rule", "patience-entropy", "--patience", "0", "--threshold", "1", "a"},
                "patience_entropy is 0"},
        failure{"learned_without_a_gate",
                {"classify", "--model", "@tiny", "--rule", "learned", "--threshold", "0.5", "a"},
                "the model has no gate"},
        failure{"max_layer_zero", {"classify", "--model", "@tiny", "--max-layer", "0", "a"}, "max_layer is 0"},
        failure{"max_layer_below_the_first_exit",
                {"classify", "--model", "@tiny", "--exits", "2,3", "--max-layer", "1", "a"},
                "expected at least the first exit's layer 2"},
        failure{"deadline_nan", {"classify", "--deadline-ms", "nan", "a"}, "--deadline-ms"},
        failure{"deadline_negative", {"classify", "--deadline-ms", "-1", "a"}, "--deadline-ms"},
        failure{"no_threads", {"classify", "--threads", "0", "a"}, "--threads"},
        failure{"exits_empty", {"classify", "--model", "@tiny", "--exits", "", "a"}, "--exits"},
        failure{"exits_with_a_hole", {"classify", "--model", "@tiny", "--exits", "1,,2", "a"}, "\"1,,2\""},
        failure{"exits_with_an_end", {"classify", "--model", "@tiny", "--exits", "1,", "a"}, "\"1,\""},
        failure{"exits_that_are_words", {"classify", "--model", "@tiny", "--exits", "all", "a"}, "\"all\""},
        failure{"exits_too_large", {"classify", "--model", "@tiny", "--exits", "99999999999", "a"}, "--exits"},
        failure{"exits_that_do_not_exist", {"classify", "--model", "@tiny", "--exits", "1,9", "a"}, "layer 9"},
        failure{"file_and_text", {"classify", "--input", "/dev/null", "a"}, "--input"},
        failure{"unknown_input_kind", {"classify", "--input-kind", "triple"}, "triple"},
        failure{"two_models", {"inspect", "@tiny", "@tiny"}, "not expected"},
        failure{"threshold_for_verify", {"verify", "@tiny", "--threshold", "1"}, "not expected"}),
    [](const auto& test) { return test.param.name; });

class runtime : public testing::TestWithParam<failure> {};

TEST_P(runtime, failures_end_with_1) { expect_failure(GetParam(), 1); }

INSTANTIATE_TEST_SUITE_P(
    all, runtime,
    testing::Values(
        failure{"no_such_model", {"classify", "--model", "/nonexistent", "a"}, "/nonexistent"},
        failure{"unset_model", {"classify", "--model", "", "a"}, "not a directory"},
        failure{"model_that_is_a_file", {"inspect", "/dev/null"}, "/dev/null"},
        failure{"no_such_input", {"classify", "--model", "@tiny", "--input", "/nonexistent"}, "/nonexistent"},
        failure{"unset_input", {"classify", "--model", "@tiny", "--input", ""}, "cannot be opened"},
        failure{"directory_as_input", {"classify", "--model", "@tiny", "--input", "/"}, "/: cannot be read"},
        failure{"nothing_to_replay", {"verify", "@tiny-plain"}, "no golden texts"},
        failure{"pair_without_tab",
                {"tokenize", "--model", "@tiny-pair"},
                "standard input, line 3: no tab",
                "a\tb\n\tb\na b\na\tb\n",
                "2 64 3 12 3\t0 0 0 1 1\t[CLS] a [SEP] b [SEP]\n2 3 12 3\t0 0 1 1\t[CLS] [SEP] b [SEP]\n"},
        failure{"empty_line_is_no_pair", {"tokenize", "--model", "@tiny-pair"}, "line 1: no tab", "\n"},
        failure{"argument_without_tab", {"tokenize", "--model", "@tiny-pair", "a b"}, "text 1: no tab"}),
    [](const auto& test) { return test.param.name; });

TEST(output, that_cannot_be_written_is_a_failure) {
  const scratch_file in("a\n");
  const int full = open("/dev/full", O_WRONLY);
  if (full < 0) {
    GTEST_SKIP() << "no /dev/full";
  }
  for (const arguments& given :
       {arguments{"classify", "--model", tiny("tiny"), "a"}, arguments{"tokenize", "--model", tiny("tiny"), "a"},
        arguments{"inspect", tiny("tiny")}, arguments{"verify", tiny("tiny")}, arguments{"--help"}}) {
    const scratch_file err;
    EXPECT_EQ(spawn_and_wait(OFFRAMP_COMMAND, given, {in.descriptor(), full, err.descriptor()}), 1);
    EXPECT_NE(err.content().find("standard output cannot be written"), std::string::npos) << given.front();
  }
  close(full);
}

TEST(output, into_a_broken_pipe_ends_the_command) {
  const arguments given = {"classify", "--model", tiny("tiny")};
  for (const broken_pipe behaviour : {broken_pipe::kills, broken_pipe::is_an_error}) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    close(ends[0]);
    const scratch_file in(std::string(1000, '\n'));
    const scratch_file err;
    const int status = spawn_and_wait(OFFRAMP_COMMAND, given, {in.descriptor(), ends[1], err.descriptor()}, behaviour);
    close(ends[1]);
    EXPECT_EQ(status, behaviour == broken_pipe::kills ? -SIGPIPE : 1);
    EXPECT_EQ(err.content().empty(), behaviour == broken_pipe::kills);
  }
}

}  // namespace cli_failures_test
