// SPDX-License-Identifier: Apache-2.0
// What is said of data files as people bring them: the file, the line, what was found and what was expected.
#include "process.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace cli_wrong_data_test {

using namespace offramp_tests;
using namespace std::string_literals;

/// A file of labelled texts for the tiny model, whose labels are "no" and "yes".
struct wrong_data {
  const char* name;
  std::string file;
  std::string content;
  std::string message;  ///< after the directory
  arguments more = {};
};

void PrintTo(const wrong_data& data, std::ostream* out) { *out << data.name; }

class data_file : public testing::TestWithParam<wrong_data> {};

TEST_P(data_file, is_refused_by_its_place) {
  const scratch_directory directory;
  const std::string file = directory.file(GetParam().file, GetParam().content);
  arguments given = {"evaluate", "--model", tiny("tiny"), "--data", file};
  given.insert(given.end(), GetParam().more.begin(), GetParam().more.end());
  const process_result found = run_offramp(given);
  EXPECT_EQ(found.status, 1);
  EXPECT_EQ(found.out, "");
  EXPECT_NE(found.err.find(file + GetParam().message), std::string::npos) << found.err;
}

INSTANTIATE_TEST_SUITE_P(
    all, data_file,
    testing::Values(
        wrong_data{"empty", "d.tsv", "", ": is empty, expected labelled texts"},
        wrong_data{"gzip", "d.tsv", "\x1F\x8B\x08\0\0"s, ": is compressed by gzip, expected the plain file"},
        wrong_data{"utf_16", "d.tsv", "\xFF\xFEy\0e\0s\0"s, ": is UTF-16, expected UTF-8"},
        wrong_data{"utf_16_big_endian", "d.csv", "\xFE\xFF\0y"s, ": is UTF-16, expected UTF-8"},
        wrong_data{"byte_order_mark", "d.tsv", "\xEF\xBB\xBFyes\tgood\n", ": begins with a byte order mark"},
        wrong_data{"zip", "d.tsv", "PK\x03\x04", ": is a zip archive, expected a plain file"},
        wrong_data{"parquet", "d.tsv", "PAR1", ": is a Parquet file, expected lines, JSON Lines or CSV"},
        wrong_data{"json", "d.json", "[]", ": is JSON, expected JSON Lines (.jsonl), an object in each line"},
        wrong_data{"no_tab", "d.tsv", "yes\tgood\ngood film\n", ":2: 1 column, expected 2, separated by tabs"},
        wrong_data{"pair_for_singles", "d.tsv", "yes\ta\tb\n", ":1: 3 columns, expected 2, separated by tabs"},
        wrong_data{"single_for_pairs",
                   "d.tsv",
                   "yes\ta\n",
                   ":1: 2 columns, expected 3, separated by tabs",
                   {"--input-kind", "pair"}},
        wrong_data{"label_last", "d.tsv", "good film\tyes\n",
                   ":1: label \"good film\" is unknown, expected one of \"no\""},
        wrong_data{"header_in_tsv", "d.tsv", "label\ttext\nyes\tgood\n", ":1: label \"label\" is unknown, expected"},
        wrong_data{"label_in_capitals", "d.tsv", "yes\ta\nYES\ta\n", ":2: label \"YES\" is unknown, expected"},
        wrong_data{"header_with_a_name_twice", "d.csv", "label,text,text\nyes,good,bad\n",
                   ":1: the header names \"text\" twice"},
        wrong_data{"empty_line", "d.tsv", "yes\tgood\n\nno\tbad\n", ":2: an empty line"},
        wrong_data{"json_number_label", "d.jsonl", "{\"label\": 1, \"text\": \"a\"}\n",
                   ":1: label \"1\" is unknown, expected"},
        wrong_data{"json_without_label", "d.jsonl", "{\"text\": \"a\"}\n", ":1: no string \"label\""},
        wrong_data{"json_without_text", "d.jsonl", "{\"label\": \"no\", \"sentence\": \"a\"}\n",
                   ":1: no string \"text\""},
        wrong_data{"json_other_key",
                   "d.jsonl",
                   "{\"label\": \"no\", \"text\": \"a\"}\n",
                   ":1: no string \"sentence\"",
                   {"--text-key", "sentence"}},
        wrong_data{"json_array", "d.jsonl", "[{\"label\": \"no\", \"text\": \"a\"}]\n", ":1: no JSON object"},
        wrong_data{"json_over_lines", "d.jsonl", "{\n\"label\": \"no\"}\n", ":1: is not valid JSON"},
        wrong_data{"json_pair_for_singles", "d.jsonl", "{\"label\": \"no\", \"text\": \"a\", \"text_pair\": \"b\"}\n",
                   ":1: \"text_pair\" was not expected: the model reads single texts"},
        wrong_data{"json_empty_line", "d.jsonl", "{\"label\": \"no\", \"text\": \"a\"}\n\n", ":2: an empty line"},
        wrong_data{"csv_without_header", "d.csv", "a,no\nb,yes\n", ":2: no string \"label\""},
        wrong_data{"csv_header_alone", "d.csv", "text,label\n", ": is empty, expected labelled texts"},
        wrong_data{"csv_short_row", "d.csv", "text,label\na,no\nb\n", ":3: 1 fields, expected 2 as the header has"},
        wrong_data{"csv_comma_in_text", "d.csv", "text,label\na, b,no\n", ":2: 3 fields, expected 2 as the header has"},
        wrong_data{"csv_open_quote", "d.csv", "text,label\n\"a,no\n", ":2: a quotation mark that nothing ends"},
        wrong_data{"csv_quote_inside", "d.csv", "text,label\na \"b\",no\n", ":2: a quotation mark inside a field"},
        wrong_data{"csv_after_quote", "d.csv", "text,label\n\"a\"b,no\n",
                   ":2: text after a quoted field, expected a comma"},
        wrong_data{"csv_unknown_label", "d.csv", "text,label\na,0\n", ":2: label \"0\" is unknown, expected"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(data_files, may_be_csv_and_json_lines_with_other_keys) {
  const scratch_directory directory;
  const auto evaluate = [&](const std::string& file, const arguments& more) {
    arguments given = {"evaluate", "--model", tiny("tiny"), "--data", file, "--json", "--rounds", "0"};
    given.insert(given.end(), more.begin(), more.end());
    const process_result found = run_offramp(given);
    EXPECT_EQ(found.status, 0) << found.err;
    return found.out.substr(found.out.find("\"early\""));
  };
  const std::string plain = evaluate(directory.file("d.tsv", "yes\tgood, film\nno\tdull\n"), {});
  EXPECT_EQ(evaluate(directory.file("d.csv", "idx,sentence,gold\n0,\"good, film\",1\n1,dull,0\n"),
                     {"--text-key", "sentence", "--label-key", "gold", "--labels", "0,1"}),
            plain);
  EXPECT_EQ(evaluate(directory.file("d.jsonl",
                                    "{\"sentence\": \"good, film\", \"gold\": 1}\n"
                                    "{\"sentence\": \"dull\", \"gold\": 0}\n"),
                     {"--text-key", "sentence", "--label-key", "gold", "--labels", "0,1"}),
            plain);
}

}  // namespace cli_wrong_data_test
