// SPDX-License-Identifier: Apache-2.0
// How fast texts become token ids, one after another on one thread.
// Usage: tokenize_benchmark [--max-tokens N] [--rounds N] [--ids FILE] MODEL FILE
// FILE has a text a line, after its last tab; FILE of --ids gets a line of ids for each.
#include <offramp/text/tokenizer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "text_lines.hpp"

namespace {

using offramp::text::encode_memory;
using offramp::text::tokenizer;

struct arguments {
  std::size_t max_tokens = 512;
  std::size_t rounds = 5;
  std::string ids;
  std::string model;
  std::string file;
};

arguments parse(const std::vector<std::string>& words) {
  arguments result;
  std::vector<std::string> places;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto value = [&] {
      if (i + 1 == words.size()) {
        throw std::runtime_error(words[i] + " needs a value");
      }
      return words[++i];
    };
    if (words[i] == "--max-tokens") {
      result.max_tokens = std::stoul(value());
    } else if (words[i] == "--rounds") {
      result.rounds = std::stoul(value());
    } else if (words[i] == "--ids") {
      result.ids = value();
    } else {
      places.push_back(words[i]);
    }
  }
  if (places.size() != 2) {
    throw std::runtime_error("usage: tokenize_benchmark [--max-tokens N] [--rounds N] [--ids FILE] MODEL FILE");
  }
  result.model = places[0];
  result.file = places[1];
  return result;
}

void write_ids(const tokenizer& subject, const arguments& given, const std::vector<std::string>& texts) {
  std::ofstream file(given.ids, std::ios::binary);
  encode_memory memory;
  for (const std::string& text : texts) {
    const char* space = "";
    for (const auto id : subject.encode(text, given.max_tokens, memory).ids) {
      file << space << id;
      space = " ";
    }
    file << '\n';
  }
}

void measure(const arguments& given) {
  const tokenizer subject = tokenizer::load(offramp::model::file_set(given.model), offramp::text::pretokenizer::bert);
  const std::vector<std::string> texts = offramp_bench::read_texts(given.file);
  if (!given.ids.empty()) {
    write_ids(subject, given, texts);
  }
  encode_memory memory;
  double best = std::numeric_limits<double>::infinity();
  std::size_t bytes = 0;
  std::size_t tokens = 0;
  for (std::size_t round = 0; round < given.rounds; ++round) {
    bytes = tokens = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& text : texts) {
      bytes += text.size();
      tokens += subject.encode(text, given.max_tokens, memory).ids.size();
    }
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const auto count = static_cast<double>(texts.size());
  std::cout << texts.size() << " texts, " << static_cast<double>(tokens) / count
            << " tokens a text: " << best * 1e6 / count << " us a text, " << static_cast<double>(bytes) / best * 1e-6
            << " MB/s\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    measure(parse({argv + 1, argv + argc}));
  } catch (const std::exception& failure) {
    std::cerr << "tokenize_benchmark: " << failure.what() << '\n';
    return 2;
  }
}
