// SPDX-License-Identifier: Apache-2.0
// Subword tokenizers on real sentences. Needs the data sets: OFFRAMP_DATA names their folder.
#include "text/subwords/corpus.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace real_text_test {

class real_text : public testing::TestWithParam<std::string> {};

TEST_P(real_text, has_the_ids_of_the_tokenizers_package) {
  const char* folder = std::getenv("OFFRAMP_DATA");
  if (folder == nullptr) {
    GTEST_SKIP() << "OFFRAMP_DATA is not set";
  }
  const auto goldens = corpus::read_goldens("real_text_goldens.txt");
  const offramp::text::tokenizer subject = corpus::load_subwords(GetParam());
  offramp::text::encode_memory memory;
  for (const std::string name : {"nsmc/test.tsv", "ag_news/test.tsv", "kornli/test.tsv"}) {
    std::ifstream file(std::string(folder) + "/" + name, std::ios::binary);
    if (!file) {
      GTEST_SKIP() << "no " << name;
    }
    corpus::digest found;
    for (std::string line; std::getline(file, line);) {
      found.add(subject.encode(line, 1000000, memory).ids);
    }
    EXPECT_EQ(found.value(), goldens.at(GetParam() + "/" + name)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(families, real_text, testing::Values("xlm_roberta", "albert", "roberta"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace real_text_test
