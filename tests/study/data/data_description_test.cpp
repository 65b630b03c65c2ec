// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/data_description.hpp>

#include "model/model_files.hpp"
#include "study/fit_files.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace data_description_test {

using offramp::study::data_description;
using offramp::study::describe_data;

class DescribeData : public ::testing::Test {
 protected:
  [[nodiscard]] data_description read(const std::string& content, const std::string& name = "d.tsv") const {
    return describe_data(directory_.write(name, content));
  }
  void refuses(const std::string& what, const std::string& content, const std::string& name = "d.tsv") const {
    offramp_tests::expect_error(offramp::error_kind::bad_data, {what}, [&] { static_cast<void>(read(content, name)); });
  }

 private:
  offramp_tests::fit_directory directory_{"tiny"};
};

TEST_F(DescribeData, SortsLabelsAndTellsPairs) {
  EXPECT_EQ(read("b\tx\na\ty\nb\tz\n10\tw").labels, (std::vector<std::string>{"10", "a", "b"}));
  EXPECT_EQ(read("b\tx\r\na\ty\tz\n").input, offramp::input_kind::single) << "the first line decides";
  EXPECT_EQ(read("b\tx\ty\n").input, offramp::input_kind::pair);
  const data_description json = read("{\"text\": \"x\", \"label\": \"b\", \"text_pair\": \"y\"}\n", "d.jsonl");
  EXPECT_EQ(json.labels, (std::vector<std::string>{"b"}));
  EXPECT_EQ(json.input, offramp::input_kind::pair);
}

TEST_F(DescribeData, ReadsNumbersAndHeaders) {
  EXPECT_EQ(read("{\"label\": 1}\n{\"label\": -1}\n", "d.jsonl").labels, (std::vector<std::string>{"-1", "1"}));
  const data_description csv = read("text_pair,label,text\nx,1,y\n", "d.csv");
  EXPECT_EQ(csv.labels, (std::vector<std::string>{"1"}));
  EXPECT_EQ(csv.input, offramp::input_kind::pair);
}

TEST_F(DescribeData, NamesFileAndLine) {
  refuses("d.tsv: is empty", "");
  refuses("d.tsv:2: no label", "a\tx\n\n");
  refuses("d.tsv:1: no label", "\tx\n");
  refuses("d.jsonl:1: no string \"label\"", "{\"label\": 1.5}\n", "d.jsonl");
  refuses("d.jsonl:1: no JSON object", "[\"label\"]\n", "d.jsonl");
  refuses("d.jsonl:2:", "{\"label\": \"a\"}\n{\n", "d.jsonl");
  offramp_tests::expect_error(offramp::error_kind::io, {"/nowhere"},
                              [] { static_cast<void>(describe_data("/nowhere")); });
}

}  // namespace data_description_test
