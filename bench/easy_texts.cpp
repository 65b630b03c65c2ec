// SPDX-License-Identifier: Apache-2.0
// What a text costs that leaves before the encoder, from string to prediction, one text at a time on one thread.
// Usage: easy_texts [--rounds N] [--threshold T] MODEL FILE
// FILE has a text a line, after its last tab. Times are the least of the rounds, text by text, and their mean: what
// else runs on the machine lengthens some calls, and none shortens one.
#include <offramp/exits/ngrams.hpp>
#include <offramp/offramp.hpp>
#include <offramp/text/tokenizer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <limits>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "text_lines.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

struct arguments {
  int rounds = 50;
  std::optional<float> threshold;
  std::string model;
  std::string file;
};

arguments parse(const std::vector<std::string>& words) {
  arguments result;
  std::vector<std::string> places;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool has_value = words[i] == "--rounds" || words[i] == "--threshold";
    if (!has_value) {
      places.push_back(words[i]);
    } else if (i + 1 == words.size()) {
      throw std::runtime_error(words[i] + " needs a value");
    } else if (words[i] == "--rounds") {
      result.rounds = std::stoi(words[++i]);
    } else {
      result.threshold = std::stof(words[++i]);
    }
  }
  if (places.size() != 2) {
    throw std::runtime_error("usage: easy_texts [--rounds N] [--threshold T] MODEL FILE");
  }
  result.model = places[0];
  result.file = places[1];
  return result;
}

/// Mean over the calls `call(0)` to `call(count - 1)` of the least microseconds that each took.
template <class Call>
double least_microseconds(std::size_t count, int rounds, const Call& call) {
  std::vector<double> least(count, std::numeric_limits<double>::infinity());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto start = clock_type::now();
      call(i);
      least[i] = std::min(least[i], std::chrono::duration<double, std::micro>(clock_type::now() - start).count());
    }
  }
  double sum = 0;
  for (const double microseconds : least) {
    sum += microseconds;
  }
  return sum / static_cast<double>(count);
}

/// The exit alone, on texts of `tokens` random ids; its weights do not matter, their places in memory do.
double time_exit(std::size_t tokens, std::size_t labels, int rounds) {
  std::mt19937 random(1);
  offramp::exits::ngram_head head;
  head.weights.resize(head.shape.buckets() * labels);
  for (std::int8_t& weight : head.weights) {
    weight = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
  }
  head.scales.assign(labels, 0.01F);
  head.bias.assign(labels, 0.0F);
  std::vector<offramp::encoding> texts(1000);
  for (offramp::encoding& text : texts) {
    text.ids.resize(tokens);
    std::ranges::generate(text.ids, [&] { return static_cast<std::int32_t>(random() % 30000); });
  }
  offramp::exits::ngram_memory memory;
  std::vector<float> logits(labels);
  return least_microseconds(texts.size(), rounds, [&](std::size_t i) { head.apply(texts[i], memory, logits); });
}

void measure(const arguments& given) {
  const auto model = offramp::classifier::load(given.model);
  const auto tokenizer =
      offramp::text::tokenizer::load(offramp::model::file_set(given.model), offramp::text::pretokenizer::bert);
  const offramp::exit_policy policy = given.threshold ? offramp::exit_policy(*given.threshold) : model.default_policy();
  const std::vector<std::string> texts = offramp_bench::read_texts(given.file);
  std::vector<std::string> easy;
  for (const std::string& text : texts) {
    if (model.classify(text, policy).layer == 0) {
      easy.push_back(text);
    }
  }
  if (easy.empty()) {
    throw std::runtime_error(given.model + ": no text leaves before the encoder");
  }
  offramp::text::encode_memory memory;
  const auto max_tokens = static_cast<std::size_t>(model.max_tokens());
  const double whole =
      least_microseconds(easy.size(), given.rounds, [&](std::size_t i) { (void)model.classify(easy[i], policy); });
  const double tokenizing = least_microseconds(
      easy.size(), given.rounds, [&](std::size_t i) { (void)tokenizer.encode(easy[i], max_tokens, memory); });
  const double batch =
      least_microseconds(1, given.rounds, [&](std::size_t) { (void)model.classify_batch(easy, policy); });
  std::printf(
      "%zu of %zu texts leave before the encoder: %.2f us from string to prediction, %.0f a second; %.2f us of it "
      "from string to ids; %.2f us in one batch\n",
      easy.size(), texts.size(), whole, 1e6 / whole, tokenizing, batch / static_cast<double>(easy.size()));
  std::printf("the exit alone, 32 tokens: %.2f us with 2 labels, %.2f us with 4\n", time_exit(32, 2, given.rounds),
              time_exit(32, 4, given.rounds));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    measure(parse({argv + 1, argv + argc}));
  } catch (const std::exception& failure) {
    std::cerr << "easy_texts: " << failure.what() << '\n';
    return 2;
  }
}
