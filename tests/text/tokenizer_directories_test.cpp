// SPDX-License-Identifier: Apache-2.0
// What AutoTokenizer of transformers makes of small directories (tests/generators/tokenizer_directories.py,
// deberta_directories.py, modernbert_directories.py).
#include "subwords/corpus.hpp"

#include <offramp/text/sentencepiece/model.hpp>
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
  for (const char* name : {"tokenizer_directories", "deberta_directories", "modernbert_directories"}) {
    std::ifstream lines(std::string(OFFRAMP_TEST_DATA) + "/text/" + name + ".jsonl");
    for (std::string line; std::getline(lines, line);) {
      result.push_back(json::parse(line));
    }
  }
  return result;
}

/// `description`: the pieces of a sentencepiece model, each with its score and type, whether it has the rules, and the
/// number of its unknown piece where it says one.
std::string write_sentencepiece_model(const json& description, const std::string& charsmap) {
  offramp::text::sentencepiece_model model;
  for (const json& piece : description["pieces"]) {
    model.pieces.push_back({piece[0], piece[1], piece[2].get<offramp::text::sentencepiece_model::piece_type>()});
  }
  model.unknown_id = description.value("unk_id", 0);
  model.precompiled_charsmap = description["charsmap"].get<bool>() ? charsmap : "";
  return model.serialize();
}

tokenizer load(const json& files) {
  static const std::string rules = corpus::read_data("charsmap.bin");
  static const std::string charsmap = corpus::encode_base64(rules);
  const std::string sign = "@charsmap";
  auto contents = files.get<std::map<std::string, std::string>>();
  for (auto& [name, content] : contents) {
    if (const std::size_t found = content.find(sign); found != std::string::npos) {
      content.replace(found, sign.size(), charsmap);
    }
    if (name.ends_with(".model")) {
      content = write_sentencepiece_model(json::parse(content), rules);
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
  ASSERT_GE(directories.size(), 270U);
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
