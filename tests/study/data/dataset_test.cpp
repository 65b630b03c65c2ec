// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/data_description.hpp>
#include <offramp/study/dataset.hpp>

#include <offramp/error.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace dataset_test {

using offramp::input_kind;
using offramp::study::dataset;
using offramp::study::labelled_text;

const std::vector<std::string> labels{"no", "yes"};

class DatasetTest : public ::testing::Test {
 protected:
  [[nodiscard]] dataset read(std::string_view content, input_kind input = input_kind::single,
                             const std::string& name = "data.tsv") const {
    std::ofstream(directory_ / name, std::ios::binary) << content;
    return offramp::study::read_dataset(directory_ / name, labels, input);
  }

  [[nodiscard]] dataset read_unlabelled(std::string_view content, input_kind input = input_kind::single,
                                        const std::string& name = "texts.txt") const {
    std::ofstream(directory_ / name, std::ios::binary) << content;
    return offramp::study::read_texts(directory_ / name, input);
  }

  /// What reading says, without the directory.
  [[nodiscard]] std::string complaint(std::string_view content, input_kind input = input_kind::single,
                                      const std::string& name = "data.tsv") const {
    return complaint_about([&] { static_cast<void>(read(content, input, name)); });
  }
  template <class Reading>
  [[nodiscard]] std::string complaint_about(const Reading& reading) const {
    try {
      reading();
    } catch (const offramp::error& problem) {
      EXPECT_EQ(problem.kind(), offramp::error_kind::bad_data);
      return std::string(problem.what()).substr(directory_.string().size() + 1);
    }
    return "none";
  }

  void SetUp() override {
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 ("dataset-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
};

TEST_F(DatasetTest, ReadsColumns) {
  const dataset data = read("yes\tgood film\r\nno\t\nyes\tlast");
  EXPECT_EQ(data.texts, (std::vector<labelled_text>{{"good film", {}, 1, 1}, {"", {}, 0, 2}, {"last", {}, 1, 3}}));
  EXPECT_EQ(offramp::study::count_labels(data, 2), (std::vector<std::size_t>{1, 2}));
}

TEST_F(DatasetTest, ReadsPairs) {
  const dataset data = read("no\ta\tb\n", input_kind::pair);
  EXPECT_EQ(data.texts, (std::vector<labelled_text>{{"a", "b", 0, 1}}));
}

TEST_F(DatasetTest, ReadsJsonLines) {
  const dataset data = read("{\"label\": \"yes\", \"text\": \"a\\tb\", \"id\": 7}\n", input_kind::single, "d.jsonl");
  EXPECT_EQ(data.texts, (std::vector<labelled_text>{{"a\tb", {}, 1, 1}}));
  const dataset pairs = read("{\"text_pair\": \"h\", \"label\": \"no\", \"text\": \"p\"}", input_kind::pair, "d.jsonl");
  EXPECT_EQ(pairs.texts, (std::vector<labelled_text>{{"p", "h", 0, 1}}));
}

TEST_F(DatasetTest, KnowsTheFormsOfRowsInUpperAndLowerCase) {
  for (const char* name : {"d.JSONL", "d.ndjson", "d.Ndjson"}) {
    const dataset data = read("{\"label\": \"yes\", \"text\": \"a\"}\n", input_kind::single, name);
    EXPECT_EQ(data.texts, (std::vector<labelled_text>{{"a", {}, 1, 1}})) << name;
  }
  EXPECT_EQ(read("label,text\nno,a\n", input_kind::single, "d.CSV").texts,
            (std::vector<labelled_text>{{"a", {}, 0, 2}}));
  EXPECT_EQ(read("yes\t{}\n", input_kind::single, "d.jsonl.tsv").texts, (std::vector<labelled_text>{{"{}", {}, 1, 1}}));
  for (const char* name : {"d.json", "d.JSON"}) {
    offramp_tests::expect_error(offramp::error_kind::bad_data, {name, "is JSON, expected JSON Lines"},
                                [&] { static_cast<void>(read_unlabelled("[]", input_kind::single, name)); });
  }
}

TEST_F(DatasetTest, ReadsNumbersAsLabelsOfJsonLines) {
  const std::vector<std::string> numbers{"0", "1"};
  std::ofstream(directory_ / "d.jsonl") << "{\"gold\": 1, \"sentence\": \"a\"}\n";
  const dataset data = offramp::study::read_dataset(directory_ / "d.jsonl", numbers, input_kind::single,
                                                    {.label = "gold", .text = "sentence"});
  EXPECT_EQ(data.texts, (std::vector<labelled_text>{{"a", {}, 1, 1}}));
}

TEST_F(DatasetTest, ReadsCsvWithAHeader) {
  const dataset data = read("idx,text,label\r\n7,\"good, \"\"very\"\" good\nfilm\",yes\r\n8,bad,no\r\n9,,no",
                            input_kind::single, "d.csv");
  EXPECT_EQ(data.texts,
            (std::vector<labelled_text>{{"good, \"very\" good\nfilm", {}, 1, 2}, {"bad", {}, 0, 4}, {"", {}, 0, 5}}));
  const dataset pairs = read("text,text_pair,label\np,h,no\n", input_kind::pair, "d.csv");
  EXPECT_EQ(pairs.texts, (std::vector<labelled_text>{{"p", "h", 0, 2}}));
  EXPECT_EQ(read_unlabelled("label,text\n3,a\n", input_kind::single, "d.csv").texts,
            (std::vector<labelled_text>{{"a", {}, -1, 2}}));
}

TEST_F(DatasetTest, ReadsAnyNumberOfLabels) {
  using offramp::study::label_set;
  using offramp::study::labels_per_text;
  const std::vector<std::string> names{"toxic", "insult", "threat"};
  const auto read_sets = [&](std::string_view content, const std::string& name) {
    std::ofstream(directory_ / name) << content;
    return offramp::study::read_dataset(directory_ / name, names, input_kind::single, {}, labels_per_text::any);
  };
  const dataset data = read_sets("threat,toxic\ta\n\tb\ninsult\tc\n", "d.tsv");
  const std::vector<labelled_text> expected{
      {"a", {}, label_set, 1, {0, 2}}, {"b", {}, label_set, 2, {}}, {"c", {}, label_set, 3, {1}}};
  EXPECT_EQ(data.texts, expected);
  EXPECT_TRUE(data.is_labelled());
  EXPECT_EQ(offramp::study::count_labels(data, 3), (std::vector<std::size_t>{1, 1, 1}));
  EXPECT_EQ(read_sets("{\"label\": [\"threat\", \"toxic\"], \"text\": \"a\"}\n{\"label\": [], \"text\": \"b\"}\n"
                      "{\"label\": \"insult\", \"text\": \"c\"}\n",
                      "d.jsonl")
                .texts,
            expected);
  const dataset csv = read_sets("text,label\na,\"toxic,threat\"\nb,\n", "d.csv");
  EXPECT_EQ(csv.texts[0].label_ids, (std::vector<int>{0, 2}));
  EXPECT_TRUE(csv.texts[1].label_ids.empty());
  EXPECT_EQ(offramp::study::describe_data(directory_ / "d.tsv", {}, labels_per_text::any).labels,
            (std::vector<std::string>{"insult", "threat", "toxic"}));
  EXPECT_EQ(offramp::study::describe_data(directory_ / "d.jsonl", {}, labels_per_text::any).labels.size(), 3U);
  const auto refused = [&](std::string_view content, const std::string& name, const std::string& part) {
    try {
      static_cast<void>(read_sets(content, name));
      ADD_FAILURE() << "read, expected: " << part;
    } catch (const offramp::error& problem) {
      EXPECT_NE(std::string(problem.what()).find(part), std::string::npos) << problem.what();
    }
  };
  refused("toxic,threat,toxic\ta\n", "d.tsv", "d.tsv:1: label \"toxic\" stands twice");
  refused("toxic,\ta\n", "d.tsv", "d.tsv:1: label \"\" is unknown");
  refused("\ta\ntoxic, threat\ta\n", "d.tsv", "d.tsv:2: label \" threat\" is unknown");
  refused("a\n", "d.tsv", "d.tsv:1: 1 column");
  refused("{\"label\": [1.5], \"text\": \"a\"}\n", "d.jsonl", "no string or array of strings \"label\"");
  refused("{\"text\": \"a\"}\n", "d.jsonl", "no string or array of strings \"label\"");
  const std::vector<std::string> with_comma{"a,b", "c"};
  EXPECT_THROW(static_cast<void>(offramp::study::read_dataset(directory_ / "d.tsv", with_comma, input_kind::single, {},
                                                              labels_per_text::any)),
               offramp::error);
}

TEST_F(DatasetTest, NamesFileAndLineOfCsv) {
  const auto of_csv = [&](std::string_view content) { return complaint(content, input_kind::single, "d.csv"); };
  EXPECT_EQ(of_csv("text,label\n"), "d.csv: is empty, expected labelled texts");
  EXPECT_EQ(of_csv("text,label\na,yes\nb\n"), "d.csv:3: 1 fields, expected 2 as the header has");
  EXPECT_EQ(of_csv("text,label\n\"a\nb,yes\n"), "d.csv:2: a quotation mark that nothing ends");
  EXPECT_EQ(of_csv("text,label\na\"b,yes\n"),
            "d.csv:2: a quotation mark inside a field, expected the field to be quoted and the mark to stand twice");
  EXPECT_EQ(of_csv("text,label\n\"a\"b,yes\n"),
            "d.csv:2: text after a quoted field, expected a comma or the end of the line");
  EXPECT_EQ(of_csv("text,label\na\rb,yes\n"),
            "d.csv:2: a carriage return inside a field, expected the field to be quoted");
  EXPECT_EQ(of_csv("sentence,label\na,yes\n"), "d.csv:2: no string \"text\"");
  EXPECT_EQ(of_csv("text,label\na,maybe\n"), "d.csv:2: label \"maybe\" is unknown, expected one of \"no\", \"yes\"");
}

TEST_F(DatasetTest, NamesWhatIsNoPlainText) {
  using namespace std::string_view_literals;
  EXPECT_EQ(complaint("\x1F\x8B\x08\0"sv), "data.tsv: is compressed by gzip, expected the plain file: gunzip makes it");
  for (const std::string_view start : {"\xFF\xFEy\0"sv, "\xFE\xFF\0y"sv}) {
    EXPECT_EQ(complaint(start), "data.tsv: is UTF-16, expected UTF-8: iconv -f UTF-16 -t UTF-8 makes it");
  }
  EXPECT_NE(complaint("\xEF\xBB\xBFyes\ta\n").find("data.tsv: begins with a byte order mark"), std::string::npos);
  EXPECT_NE(complaint("PAR1").find("data.tsv: is a Parquet file"), std::string::npos);
}

TEST_F(DatasetTest, ReadsTextsWithoutLabels) {
  const dataset data = read_unlabelled("good film\r\n\nno\tlabel\nlast");
  EXPECT_FALSE(data.is_labelled());
  EXPECT_EQ(data.texts, (std::vector<labelled_text>{
                            {"good film", {}, -1, 1}, {"", {}, -1, 2}, {"no\tlabel", {}, -1, 3}, {"last", {}, -1, 4}}));
  EXPECT_EQ(read_unlabelled("a\tb\tc\n", input_kind::pair).texts, (std::vector<labelled_text>{{"a", "b\tc", -1, 1}}));
  EXPECT_EQ(read_unlabelled("{\"text\": \"a\", \"label\": 3}\n", input_kind::single, "d.jsonl").texts,
            (std::vector<labelled_text>{{"a", {}, -1, 1}}));
  EXPECT_EQ(read_unlabelled("{\"text\": \"a\", \"text_pair\": \"b\"}", input_kind::pair, "d.jsonl").texts,
            (std::vector<labelled_text>{{"a", "b", -1, 1}}));
  EXPECT_TRUE(read("yes\ta\n").is_labelled());
}

TEST_F(DatasetTest, NamesFileAndLineOfTextsWithoutLabels) {
  const auto complaint_of = [&](std::string_view content, input_kind input, const std::string& name) {
    return complaint_about([&] { static_cast<void>(read_unlabelled(content, input, name)); });
  };
  EXPECT_EQ(complaint_of("", input_kind::single, "d.txt"), "d.txt: is empty, expected texts");
  EXPECT_EQ(complaint_of("a\tb\nab\n", input_kind::pair, "d.txt"),
            "d.txt:2: no tab, expected two texts divided by one");
  EXPECT_EQ(complaint_of("{\"label\": \"a\"}", input_kind::single, "d.jsonl"), "d.jsonl:1: no string \"text\"");
}

TEST_F(DatasetTest, HashesTheBytes) {
  // printf 'yes\ta\n' | sha256sum
  EXPECT_EQ(read("yes\ta\n").sha256, "1534421051cb2efcf0c5baa086e5dc165be633375ee09d90afc3d16b8dd88cf4");
}

TEST_F(DatasetTest, NamesFileAndLine) {
  EXPECT_EQ(complaint(""), "data.tsv: is empty, expected labelled texts");
  EXPECT_EQ(complaint("yes\ta\nmaybe\tb\n"), "data.tsv:2: label \"maybe\" is unknown, expected one of \"no\", \"yes\"");
  EXPECT_EQ(complaint("yes\ta\n\nno\tb\n"), "data.tsv:2: an empty line");
  EXPECT_EQ(complaint("yes\n"), "data.tsv:1: 1 column, expected 2, separated by tabs");
  EXPECT_EQ(complaint("yes\ta\tb\n"), "data.tsv:1: 3 columns, expected 2, separated by tabs");
  EXPECT_EQ(complaint("yes\ta\n", input_kind::pair), "data.tsv:1: 2 columns, expected 3, separated by tabs");
  EXPECT_EQ(complaint("[1]\n", input_kind::single, "d.jsonl"), "d.jsonl:1: no JSON object");
  EXPECT_EQ(complaint("{\"label\": \"yes\", \"text\": 1}\n", input_kind::single, "d.jsonl"),
            "d.jsonl:1: no string \"text\"");
  EXPECT_EQ(complaint("{\"label\": \"yes\", \"text\": \"a\"}\n", input_kind::pair, "d.jsonl"),
            "d.jsonl:1: no string \"text_pair\"");
  EXPECT_NE(complaint("{\"label\": \"yes\", \n", input_kind::single, "d.jsonl").find("d.jsonl:1: is not valid JSON"),
            std::string::npos);
}

TEST_F(DatasetTest, MissingFileIsIo) {
  try {
    static_cast<void>(offramp::study::read_dataset("/nowhere/data.tsv", labels, input_kind::single));
    FAIL();
  } catch (const offramp::error& problem) {
    EXPECT_EQ(problem.kind(), offramp::error_kind::io);
  }
}

}  // namespace dataset_test
