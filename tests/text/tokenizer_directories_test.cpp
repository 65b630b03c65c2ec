// SPDX-License-Identifier: Apache-2.0
// What AutoTokenizer of transformers makes of small directories (tests/generators/tokenizer_directories.py).
#include "subwords/corpus.hpp"

#include <offramp/text/tokenizer.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tokenizer_directories_test {

using nlohmann::json;
using offramp::encoding;
using offramp::text::tokenizer;

std::vector<json> read_directories() {
  std::vector<json> result;
  std::ifstream lines(std::string(OFFRAMP_TEST_DATA) + "/text/tokenizer_directories.jsonl");
  for (std::string line; std::getline(lines, line);) {
    result.push_back(json::parse(line));
  }
  return result;
}

tokenizer load(const json& files) {
  static const std::string charsmap = corpus::encode_base64(corpus::read_data("charsmap.bin"));
  const std::string sign = "@charsmap";
  auto contents = files.get<std::map<std::string, std::string>>();
  for (auto& [name, content] : contents) {
    if (const std::size_t found = content.find(sign); found != std::string::npos) {
      content.replace(found, sign.size(), charsmap);
    }
  }
  return corpus::load(std::move(contents));
}

encoding encode(const tokenizer& subject, const json& text) {
  constexpr std::size_t enough = 512;
  encoding result = text.is_string() ? subject.encode(text.get<std::string>(), enough)
                                     : subject.encode(text[0].get<std::string>(), text[1].get<std::string>(), enough);
  result.type_ids.resize(result.ids.size());
  return result;
}

TEST(tokenizer_directories, read_as_transformers_reads_them) {
  const std::vector<json> directories = read_directories();
  ASSERT_GE(directories.size(), 100U);
  for (std::size_t index = 0; index < directories.size(); ++index) {
    const json& directory = directories[index];
    SCOPED_TRACE("line " + std::to_string(index + 1) + ", " + directory["class"].get<std::string>());
    const tokenizer subject = load(directory["files"]);
    for (const json& text : directory["texts"]) {
      const encoding found = encode(subject, text["text"]);
      EXPECT_EQ(json(found.ids), text["ids"]) << text;
      EXPECT_EQ(subject.gives_type_ids(), !text["type_ids"].is_null()) << text;
      if (subject.gives_type_ids()) {
        EXPECT_EQ(json(found.type_ids), text["type_ids"]) << text;
      }
    }
  }
}

}  // namespace tokenizer_directories_test
