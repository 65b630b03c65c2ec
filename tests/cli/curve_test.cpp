// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include <offramp/offramp.hpp>
#include <offramp/study/sweep_rule.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace cli_curve_test {

using namespace offramp_tests;
using json = nlohmann::ordered_json;

const std::vector<std::string> texts = {"a film", "", "the dog", "x y z", "a a a a a a", "good", "bad film", "q"};

/// Labels alternate.
std::string data_lines() {
  std::string lines;
  for (std::size_t i = 0; i < 5 * texts.size(); ++i) {
    lines += (i % 2 == 0 ? "no\t" : "yes\t") + texts[i % texts.size()] + std::string(i / texts.size(), '!') + "\n";
  }
  return lines;
}

/// Content by name.
std::map<std::string, std::string> files_in(const std::filesystem::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    files[entry.path().filename().string()] = content_of(entry.path());
  }
  return files;
}

class curve : public ::testing::Test {
 protected:
  [[nodiscard]] process_result run(const std::string& out, const arguments& more = {},
                                   const std::string& model = "tiny") const {
    // A copy: a model directory notes which texts chose a threshold.
    if (!std::filesystem::exists(place(model))) {
      static_cast<void>(directory_.copy_of(model));
    }
    arguments given = {"curve", "--model", place(model), "--data", data_, "--out", place(out)};
    given.insert(given.end(), more.begin(), more.end());
    return run_offramp(given);
  }
  [[nodiscard]] std::string place(const std::string& name) const { return directory_.path() / name; }
  [[nodiscard]] std::string file(const std::string& name, std::string_view text) const {
    return directory_.file(name, text);
  }
  [[nodiscard]] std::string content(const std::string& name) const { return directory_.content(name); }

 private:
  scratch_directory directory_;
  std::string data_ = directory_.file("data.tsv", data_lines());
};

TEST_F(curve, writes_the_same_bytes_on_any_threads) {
  const process_result one = run("one", {"--rounds", "0", "--threads", "1"});
  const process_result three = run("three", {"--rounds", "0", "--threads", "3"});
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(one.err + three.err, "");
  EXPECT_EQ(one.out, three.out);
  std::map<std::string, std::string> first = files_in(place("one"));
  std::map<std::string, std::string> second = files_in(place("three"));
  // The report says by which command it was made.
  const std::string before = "<td class=\"name\">command</td>";
  for (std::map<std::string, std::string>* files : {&first, &second}) {
    std::string& report = files->at("report.html");
    const std::size_t begin = report.find(before);
    ASSERT_NE(begin, std::string::npos);
    report.erase(begin, report.find("</tr>", begin) - begin);
  }
  EXPECT_EQ(first, second);
  EXPECT_EQ(files_in(place("one")).size(), 5U);
}

TEST_F(curve, shows_agreement_where_there_are_no_labels) {
  std::string unlabelled;
  for (const std::string& line : lines_of(data_lines())) {
    unlabelled += line.substr(line.find('\t') + 1) + '\n';
  }
  const process_result found =
      run_offramp({"curve", "--model", tiny("tiny"), "--texts", file("unlabelled.txt", unlabelled), "--out",
                   place("unlabelled"), "--rounds", "0", "--json"});
  EXPECT_EQ(found.status, 0) << found.err;
  const json summary = json::parse(lines_of(found.out).front());
  EXPECT_EQ(summary["labelled"], false);
  EXPECT_EQ(summary["accuracy"], 1.0);
  const auto files = files_in(place("unlabelled"));
  EXPECT_NE(files.at("report.html").find("The texts have no labels."), std::string::npos);
  EXPECT_NE(files.at("curve.svg").find("points of agreement"), std::string::npos);
  for (const std::string& line : lines_of(files.at("curve.jsonl"))) {
    const json row = json::parse(line);
    EXPECT_EQ(row["texts"], row["correct"].get<int>() + row["disagreeing"].get<int>());
  }
}

TEST_F(curve, measures_only_what_begins_with_how_texts_came) {
  const arguments given = {"--rounds", "1", "--grid", "0.5,0.9", "--pick", "loss:1", "--batch", "3"};
  EXPECT_EQ(run("one", given).status, 0);
  EXPECT_EQ(run("two", given).status, 0);
  const auto unmeasured = [&](const std::string& out) {
    std::vector<std::string> lines;
    std::size_t measured = 0;
    for (const std::string& line : lines_of(files_in(place(out))["curve.jsonl"])) {
      json object = json::parse(line);
      measured += object["single_mean_ms"].is_number() ? 1U : 0U;
      for (auto& [name, value] : object.items()) {
        value = name.starts_with("single_") || name.starts_with("batched_") ? json() : value;
      }
      lines.push_back(object.dump());
    }
    EXPECT_GE(measured, 3U);
    return lines;
  };
  EXPECT_EQ(unmeasured("one"), unmeasured("two"));
}

TEST_F(curve, answers_as_classify_does) {
  EXPECT_EQ(run("out", {"--rounds", "0", "--points", "0"}).status, 0);
  const auto model = offramp::classifier::load(tiny("tiny"));
  std::vector<std::string> given;
  std::vector<std::string> labels;
  for (const std::string& line : lines_of(data_lines())) {
    labels.push_back(line.substr(0, line.find('\t')));
    given.push_back(line.substr(line.find('\t') + 1));
  }
  const std::vector<std::string> lines = lines_of(files_in(place("out"))["curve.jsonl"]);
  ASSERT_GT(lines.size(), 20U);
  for (const std::string& line : lines) {
    const json point = json::parse(line);
    if (point["kind"] != "threshold") {
      continue;
    }
    std::map<int, int> layers;
    int correct = 0;
    const auto answers = model.classify_batch(given, offramp::study::policy_at({}, point["threshold"].get<float>()));
    for (std::size_t i = 0; i < answers.size(); ++i) {
      ++layers[answers[i].layer];
      correct += answers[i].label == labels[i] ? 1 : 0;
    }
    EXPECT_EQ(point["correct"], correct);
    for (int layer = 1; layer <= 3; ++layer) {
      EXPECT_EQ(point["layer_" + std::to_string(layer) + "_texts"], layers[layer]);
    }
  }
}

TEST_F(curve, prints_picks) {
  const process_result found =
      run("out", {"--rounds", "1", "--pick", "loss:0.5", "--pick", "speedup:100", "--pick", "p95:1000000ms", "--json"});
  EXPECT_EQ(found.err, "");
  const std::vector<std::string> lines = lines_of(found.out);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(json::parse(lines[0])["kind"], "summary");
  EXPECT_EQ(json::parse(lines[0])["texts"], 40);
  const json loss = json::parse(lines[1]);
  EXPECT_EQ(loss["goal"], "at most 0.5 points of loss on these texts");
  EXPECT_LE(loss["loss"].get<double>(), 0.005);
  EXPECT_GT(loss["single"]["p95_ms"].get<double>(), 0);
  EXPECT_EQ(json::parse(lines[2])["reached"], false);
  EXPECT_EQ(json::parse(lines[3])["goal"], "at least 100x faster, in wall time");
  EXPECT_EQ(json::parse(lines[4])["reached"], false) << "40 texts do not bound a 95th percentile";
  const process_result text = run("out", {"--rounds", "0", "--pick", "speedup:100"});
  EXPECT_NE(text.out.find("at least 100x faster, in layers  not reached\n"), std::string::npos) << text.out;
}

TEST_F(curve, sweeps_every_rule) {
  for (const arguments& rule :
       {arguments{"--rule", "entropy"}, arguments{"--rule", "normalized-entropy"}, arguments{"--rule", "margin"},
        arguments{"--rule", "patience"}, arguments{"--rule", "patience-entropy", "--patience", "2"},
        arguments{"--rule", "declining", "--decline", "0.06"}}) {
    arguments given = {"--rounds", "0"};
    given.insert(given.end(), rule.begin(), rule.end());
    const process_result found = run(rule[1], given);
    EXPECT_EQ(found.status, 0) << found.err;
    EXPECT_EQ(files_in(place(rule[1])).size(), 5U);
  }
}

TEST_F(curve, compares_rules_formats_and_models) {
  const std::string other = place("other");
  std::filesystem::copy(tiny("tiny"), other, std::filesystem::copy_options::recursive);
  const process_result found = run("out", {"--rounds", "0", "--rule", "confidence", "--rule", "margin", "--format",
                                           "float32", "--format", "int8", "--model", other, "--json"});
  EXPECT_EQ(found.status, 0) << found.err;
  std::set<std::string> summaries;
  for (const std::string& line : lines_of(found.out)) {
    const json object = json::parse(line);
    if (object["kind"] == "summary") {
      summaries.insert(object["model"].get<std::string>() + " " + object["format"].get<std::string>() + " " +
                       object["rule"].get<std::string>());
    }
  }
  EXPECT_EQ(summaries.size(), 8U);
  EXPECT_TRUE(summaries.contains("other int8 margin"));
  std::set<std::string> rows;
  for (const std::string& line : lines_of(files_in(place("out"))["curve.jsonl"])) {
    const json row = json::parse(line);
    rows.insert(row["model"].get<std::string>() + " " + row["format"].get<std::string>() + " " +
                row["rule"].get<std::string>());
  }
  EXPECT_EQ(rows, summaries);
}

TEST_F(curve, keeps_the_texts_of_all_models_or_of_none) {
  const std::string file = place("texts.jsonl");
  const auto of_models = [&](const std::string& last) {
    return run("out",
               {"--rounds", "0", "--format", "float32", "--format", "int8", "--texts-out", file, "--model", last});
  };
  ASSERT_EQ(of_models(tiny("tiny")).status, 0);
  const std::string whole = content("texts.jsonl");
  std::vector<std::string> models;
  for (const std::string& line : lines_of(whole)) {
    if (const json object = json::parse(line); object["kind"] == "model") {
      models.push_back(object["model"].get<std::string>() + " " + object["format"].get<std::string>());
    }
  }
  EXPECT_EQ(models, (std::vector<std::string>{"tiny float32", "tiny int8", "tiny float32", "tiny int8"}));
  EXPECT_EQ(of_models("/nonexistent").status, 1);
  EXPECT_EQ(content("texts.jsonl"), whole);
}

TEST_F(curve, shows_certificates_and_the_own_policy) {
  const process_result none = run("out", {"--rounds", "0", "--certified", "0.02"});
  EXPECT_EQ(none.status, 1);
  EXPECT_NE(none.err.find("no certificate of 0.02"), std::string::npos) << none.err;
  const process_result own = run("out", {"--rounds", "0", "--own-policy", "--json"});
  ASSERT_EQ(own.status, 0) << own.err;
  const json line = json::parse(lines_of(own.out).back());
  EXPECT_EQ(line["policy"], "the model's own policy");
  EXPECT_GT(line["mean_flops"].get<double>(), 0);
}

TEST_F(curve, refuses_mistakes_before_loading) {
  const std::vector<arguments> mistakes = {{"--pick", "loss"},
                                           {"--pick", "p95:5", "--rounds", "0"},
                                           {"--grid", "0"},
                                           {"--grid", "0.5,"},
                                           {"--grid", "0.5,nan"},
                                           {"--grid", "many"},
                                           {"--rounds", "-1"},
                                           {"--rule", "patience-entropy"},
                                           {"--rule", "patience-entropy", "--patience", "0"},
                                           {"--patience", "2"},
                                           {"--rule", "declining"},
                                           {"--rule", "declining", "--decline", "-1"},
                                           {"--decline", "0.1"},
                                           {"--rule", "per-class"},
                                           {"--labels", "a,b,c"}};
  for (const arguments& mistake : mistakes) {
    const process_result found = run("out", mistake);
    EXPECT_EQ(found.status, 2) << mistake[0] << ' ' << mistake[1] << ": " << found.err;
    EXPECT_NE(found.err, "");
    EXPECT_EQ(found.out, "");
  }
  EXPECT_FALSE(std::filesystem::exists(place("out")));
}

TEST_F(curve, names_file_and_line_of_bad_data) {
  const std::string bad = file("bad.tsv", "no\tx\nmaybe\ty\n");
  const process_result found =
      run_offramp({"curve", "--model", tiny("tiny"), "--data", bad, "--out", place("out"), "--rounds", "0"});
  EXPECT_NE(found.status, 0);
  EXPECT_NE(found.err.find("bad.tsv:2: label \"maybe\" is unknown"), std::string::npos) << found.err;
  EXPECT_FALSE(std::filesystem::exists(place("out")));
}

TEST_F(curve, leaves_no_half_written_file) {
  std::filesystem::create_directories(place("out/report.html/in the way"));
  const process_result found = run("out", {"--rounds", "0"});
  EXPECT_EQ(found.status, 1);
  EXPECT_NE(found.err.find("report.html: cannot be written: Is a directory"), std::string::npos) << found.err;
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(place("out"))) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  EXPECT_EQ(names,
            (std::vector<std::string>{"curve.csv", "curve.jsonl", "curve.svg", "reliability.svg", "report.html"}));
}

}  // namespace cli_curve_test
