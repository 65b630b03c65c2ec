// SPDX-License-Identifier: Apache-2.0
// Builds the worked example of docs/model-format.md from the page itself and loads it.
#include <offramp/offramp.hpp>

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace model_format_test {

/// The page's fenced blocks by what stands behind their language: "config.json", "exits.safetensors header".
std::map<std::string, std::string> blocks_of_the_page() {
  std::ifstream page(OFFRAMP_SOURCE_DIR "/docs/model-format.md");
  EXPECT_TRUE(page.is_open());
  std::map<std::string, std::string> blocks;
  std::string name;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("```")) {
      if (!name.empty()) {
        blocks[name] += (blocks[name].empty() ? "" : "\n") + line;
      }
    } else {
      const std::size_t space = line.find(' ');
      name = name.empty() && space != std::string::npos ? line.substr(space + 1) : "";
    }
  }
  return blocks;
}

/// The numbers of lines that start with a tensor's name, as float32.
std::string float_bytes(const std::string& block) {
  std::string bytes;
  std::istringstream words(block);
  for (std::string word; words >> word;) {
    if (word.find_first_not_of("-.0123456789") == std::string::npos) {
      const auto number = std::bit_cast<std::array<char, 4>>(std::stof(word));
      bytes.append(number.data(), number.size());
    }
  }
  return bytes;
}

std::string safetensors(const std::map<std::string, std::string>& blocks, const std::string& name) {
  const std::string& header = blocks.at(name + " header");
  const auto length = std::bit_cast<std::array<char, 8>>(std::uint64_t{header.size()});
  return std::string(length.data(), length.size()) + header + float_bytes(blocks.at(name + " data"));
}

offramp::classifier load_example() {
  const auto blocks = blocks_of_the_page();
  const std::map<std::string, std::string> contents = {
      {"config.json", blocks.at("config.json")},
      {"vocab.txt", blocks.at("vocab.txt")},
      {"exits.json", blocks.at("exits.json")},
      {"exits.safetensors", safetensors(blocks, "exits.safetensors")},
      {"model.safetensors", safetensors(blocks, "model.safetensors")},
  };
  std::vector<offramp::model_file> files;
  for (const auto& [name, content] : contents) {
    files.push_back({name, std::as_bytes(std::span(content))});
  }
  return offramp::classifier::load(files);
}

TEST(model_format, the_worked_example_answers_as_the_page_says) {
  const offramp::classifier model = load_example();
  const offramp::prediction p = model.classify("good");
  EXPECT_EQ(p.label, "positive");
  EXPECT_EQ(p.tokens, 3);
  EXPECT_NEAR(p.confidence, 1 / (1 + std::exp(-2.0)), 1e-6);
  EXPECT_NEAR(p.confidence, 0.8808, 5e-5);
  EXPECT_EQ(model.max_tokens(), 8);
  EXPECT_EQ(model.default_policy(), offramp::exit_policy(0.9F));
  EXPECT_TRUE(model.info().warnings.empty());
}

TEST(model_format, the_worked_example_reproduces_its_golden_texts) {
  const offramp::classifier model = load_example();
  ASSERT_EQ(model.golden_texts().size(), 2U);
  for (const offramp::golden_text& golden : model.golden_texts()) {
    const auto exits = model.classify_every_exit(golden.first);
    ASSERT_EQ(exits.size(), 1U);
    for (std::size_t label = 0; label < 2; ++label) {
      EXPECT_NEAR(exits[0].logits[label], golden.logits[0][label], 1e-5F) << golden.first;
    }
  }
}

}  // namespace model_format_test
