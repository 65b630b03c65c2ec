// SPDX-License-Identifier: Apache-2.0
// What `offramp classify` writes is what the library answers.
#include "json_output.hpp"
#include "process.hpp"

#include <offramp/offramp.hpp>
#include <offramp/study/certification.hpp>

namespace cli_classify_test {

using namespace offramp_tests;
using offramp::exit_policy;
using offramp_cli::json;

const std::vector<std::string> texts = {"A good film.", "", "the plot is dull, and the actor is not warm!", "x",
                                        "the story of a man and a dog runs runs the story of a man and a dog runs"};

std::string input_of(const std::vector<std::string>& lines) {
  std::string input;
  for (const std::string& line : lines) {
    input += line + '\n';
  }
  return input;
}

json fields_of(const offramp::prediction& p) {
  return {{"label", p.label},
          {"label_id", p.label_id},
          {"confidence", p.confidence},
          {"probabilities", p.probabilities},
          {"layer", p.layer}};
}

json line_of(const offramp::prediction& p, int layers) {
  const char* const reasons[] = {"confident", "last_exit", "deadline", "layer_limit"};
  json line = fields_of(p);
  line["layers"] = layers;
  line["tokens"] = p.tokens;
  line["truncated"] = p.truncated;
  line["stopped"] = reasons[static_cast<int>(p.stopped)];
  return line;
}

struct choice {
  const char* name;
  arguments given;
  exit_policy policy;
  std::vector<int> exits = {};
};

void PrintTo(const choice& c, std::ostream* out) { *out << c.name; }

class choices : public testing::TestWithParam<choice> {};

TEST_P(choices, reach_the_library) {
  const choice& c = GetParam();
  const auto model = offramp::classifier::load(tiny("tiny"), {.exits = c.exits, .max_tokens = {}});
  arguments given = {"classify", "--json", "--model", tiny("tiny")};
  given.insert(given.end(), c.given.begin(), c.given.end());
  const process_result found = run_offramp(given, input_of(texts));
  EXPECT_EQ(found.status, 0);
  EXPECT_EQ(found.err, "");
  const std::vector<std::string> lines = lines_of(found.out);
  ASSERT_EQ(lines.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    // Compared as text: the same fields in the same order, and every digit.
    EXPECT_EQ(json::parse(lines[i]).dump(), line_of(model.classify(texts[i], c.policy), model.num_layers()).dump());
  }
}

const auto past = std::chrono::steady_clock::time_point();

INSTANTIATE_TEST_SUITE_P(
    all, choices,
    testing::Values(
        choice{"the_default_of_the_model", {}, 0.6F}, choice{"threshold", {"--threshold", "0.97"}, 0.97F},
        choice{"lowest_threshold", {"--threshold", "-1"}, -1.0F},
        choice{"full_depth", {"--full-depth"}, exit_policy::full_depth()},
        choice{"rule_confidence", {"--rule", "confidence", "--threshold", "0.97"}, 0.97F},
        choice{"rule_declining",
               {"--rule", "declining", "--threshold", "0.97", "--decline", "0.1"},
               exit_policy::declining(0.97F, 0.1F)},
        choice{"rule_entropy", {"--rule", "entropy", "--threshold", "0.15"}, exit_policy::entropy(0.15F)},
        choice{"rule_normalized_entropy",
               {"--rule", "normalized-entropy", "--threshold", "0.2"},
               exit_policy::normalized_entropy(0.2F)},
        choice{"rule_margin", {"--rule", "margin", "--threshold", "0.95"}, exit_policy::margin(0.95F)},
        choice{"rule_patience", {"--rule", "patience", "--patience", "1"}, exit_policy::patience(1)},
        choice{"rule_patience_entropy",
               {"--rule", "patience-entropy", "--patience", "2", "--threshold", "0.9"},
               exit_policy::patience_entropy(0.9F, 2)},
        choice{"max_layer", {"--full-depth", "--max-layer", "2"}, exit_policy::full_depth().with_max_layer(2)},
        choice{"max_layer_on_the_default", {"--max-layer", "1"}, exit_policy(0.6F).with_max_layer(1)},
        choice{"deadline", {"--full-depth", "--deadline-ms", "0"}, exit_policy::full_depth().with_deadline(past)},
        choice{"far_deadline", {"--full-depth", "--deadline-ms", "1e9"}, exit_policy::full_depth()},
        choice{"exits", {"--full-depth", "--exits", "1,2"}, exit_policy::full_depth(), {1, 2}},
        choice{"one_exit", {"--exits", "2"}, 0.6F, {2}},
        choice{"threads", {"--threshold", "0.97", "--threads", "3"}, 0.97F},
        choice{"format", {"--format", "float32"}, 0.6F}),
    [](const auto& test) { return test.param.name; });

TEST(classify, goes_no_deeper_than_its_policy_and_its_option) {
  const scratch_directory directory;
  const std::string directory_of_model = directory.copy_of("tiny");
  offramp::study::store_default_policy(directory_of_model, offramp::classifier::load(directory_of_model),
                                       exit_policy::full_depth().with_max_layer(2));
  for (const auto& [asked, deepest] : {std::pair{"1", 1}, {"2", 2}, {"3", 2}}) {
    const process_result found =
        run_offramp({"classify", "--json", "--model", directory_of_model, "--max-layer", asked, "x"});
    EXPECT_EQ(json::parse(found.out)["layer"], deepest) << found.err;
  }
}

TEST(classify, reads_options_before_and_after_texts) {
  const process_result expected =
      run_offramp({"classify", "--model", tiny("tiny"), "--threshold", "1", "--exits", "1,3", "x", "a"});
  EXPECT_EQ(lines_of(expected.out).size(), 2U);
  const process_result found =
      run_offramp({"classify", "x", "--exits=1,3", "a", "--threshold=1", "--model", tiny("tiny")});
  EXPECT_EQ(found.out, expected.out);
}

TEST(classify, writes_one_line_of_label_confidence_and_layer) {
  const auto model = offramp::classifier::load(tiny("tiny"));
  const process_result found = run_offramp({"classify", "--model", tiny("tiny"), "--full-depth", "x", ""});
  std::string expected;
  for (const char* text : {"x", ""}) {
    const offramp::prediction p = model.classify(text, exit_policy::full_depth());
    char confidence[32];
    std::snprintf(confidence, sizeof confidence, "%.4f", static_cast<double>(p.confidence));
    expected += p.label + '\t' + confidence + "\t3\n";
  }
  EXPECT_EQ(found.out, expected);
  EXPECT_EQ(found.err, "");
}

TEST(classify, traces_the_exits_that_were_visited) {
  const auto model = offramp::classifier::load(tiny("tiny"));
  for (const char* threshold : {"-1", "0.97", "1"}) {
    const process_result found = run_offramp(
        {"classify", "--json", "--trace", "--model", tiny("tiny"), "--threshold", threshold}, input_of(texts));
    const process_result plain =
        run_offramp({"classify", "--trace", "--model", tiny("tiny"), "--threshold", threshold}, input_of(texts));
    const std::vector<std::string> lines = lines_of(found.out);
    ASSERT_EQ(lines.size(), texts.size());
    std::size_t visited = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const json line = json::parse(lines[i]);
      json expected = json::array();
      for (const offramp::exit_output& exit : model.classify_every_exit(texts[i])) {
        if (exit.answer.layer <= line["layer"].get<int>()) {
          expected.push_back(fields_of(exit.answer));
          expected.back()["logits"] = exit.logits;
        }
      }
      EXPECT_EQ(line["exits"].dump(), expected.dump());
      visited += expected.size();
    }
    EXPECT_EQ(lines_of(plain.out).size(), texts.size() + visited);
    EXPECT_EQ(found.err + plain.err, "");
  }
}

TEST(classify, at_full_depth_answers_with_a_trace_as_without) {
  for (const arguments& more : {arguments{}, {"--exits", "1,2"}, {"--max-layer", "2"}, {"--deadline-ms", "0"}}) {
    arguments plain = {"classify", "--json", "--full-depth", "--model", tiny("tiny")};
    plain.insert(plain.end(), more.begin(), more.end());
    arguments traced = plain;
    traced.emplace_back("--trace");
    const std::vector<std::string> expected = lines_of(run_offramp(plain, input_of(texts)).out);
    const std::vector<std::string> found = lines_of(run_offramp(traced, input_of(texts)).out);
    ASSERT_EQ(expected.size(), texts.size());
    ASSERT_EQ(found.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      json line = json::parse(found[i]);
      EXPECT_EQ(line.erase("exits"), 1U);
      EXPECT_EQ(line.dump(), expected[i]);
    }
  }
}

TEST(classify, reads_pairs) {
  const auto model = offramp::classifier::load(tiny("tiny-pair"));
  const process_result found = run_offramp({"classify", "--json", "--model", tiny("tiny-pair")}, "a man\ta dog\n\t\n");
  const std::vector<std::string> lines = lines_of(found.out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], line_of(model.classify(offramp::sentence_pair{"a man", "a dog"}), 3).dump());
  EXPECT_EQ(lines[1], line_of(model.classify(offramp::sentence_pair{"", ""}), 3).dump());
}

TEST(classify, does_not_depend_on_how_texts_meet) {
  std::vector<std::string> many;
  for (std::size_t i = 0; i < 700; ++i) {
    many.push_back(texts[i % texts.size()]);
  }
  const arguments given = {"classify", "--json", "--threshold", "0.97", "--model", tiny("tiny")};
  arguments threaded = given;
  threaded.insert(threaded.end(), {"--threads", "4"});
  const process_result one = run_offramp(given, input_of(texts));
  const process_result all = run_offramp(given, input_of(many));
  EXPECT_EQ(run_offramp(threaded, input_of(many)).out, all.out);
  std::string repeated;
  for (std::size_t i = 0; i < many.size() / texts.size(); ++i) {
    repeated += one.out;
  }
  EXPECT_EQ(all.out, repeated);
}

TEST(labels, with_tabs_and_line_ends_stay_in_their_column) {
  const scratch_directory directory;
  const std::string model = directory.copy_of("tiny-plain");
  json config = json::parse(directory.content("tiny-plain/config.json"));
  const std::vector<std::string> names = {"dull\t1\n", "fair\r", "warm\\"};
  const std::vector<std::string> written = {"dull\\t1\\n", "fair\\r", "warm\\\\"};
  for (std::size_t label = 0; label < names.size(); ++label) {
    config["id2label"][std::to_string(label)] = names[label];
  }
  config.erase("label2id");
  std::ofstream(model + "/config.json") << config;
  const offramp::classifier loaded = offramp::classifier::load(model);
  for (const std::string& text : texts) {
    const std::string& label = written.at(static_cast<std::size_t>(loaded.classify(text).label_id));
    const process_result found = run_offramp({"classify", "--trace", "--model", model, text});
    const std::vector<std::string> lines = lines_of(found.out);
    ASSERT_EQ(lines.size(), 2U) << found.out << found.err;
    EXPECT_EQ(lines[0].substr(0, label.size() + 1), label + "\t");
    EXPECT_EQ(lines[1].substr(0, label.size() + 10), "\tlayer 2\t" + label + "\t");
  }
  EXPECT_NE(run_offramp({"inspect", model}).out.find(written[0]), std::string::npos);
}

}  // namespace cli_classify_test
