// SPDX-License-Identifier: Apache-2.0
// How long models take to load, and how much memory many calls of varying length take at most.
// Usage: memory [--texts N] MODEL...
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "model_inputs.hpp"

namespace {

using offramp::classifier;
using offramp::encoding;
using offramp::numeric_format;

/// Peak resident memory of the process in MiB; 0 where the system does not tell.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) {
      return std::stod(line.substr(6)) / 1024.0;
    }
  }
  return 0.0;
}

void load_and_run(const std::string& directory, const char* name, numeric_format format, std::size_t texts) {
  const auto start = std::chrono::steady_clock::now();
  const classifier model = classifier::load(directory, {.format = format});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::cout << directory << ", " << name << ": loaded in " << seconds * 1e3 << " ms, "
            << static_cast<double>(model.info().weight_bytes) / (1 << 20) << " MiB of weights\n";

  const auto longest = static_cast<std::uint32_t>(std::min(model.max_tokens(), 128));
  const encoding whole = offramp_bench::random_inputs(model, 1, longest).front();
  std::mt19937 random(1);
  for (std::size_t i = 1; i <= texts; ++i) {
    encoding text = whole;
    text.ids.resize(1 + random() % longest);
    text.type_ids.clear();
    (void)model.classify(text, 0.0F);
    if (i == 1 || i % std::max<std::size_t>(1, texts / 10) == 0) {
      std::cout << "  after " << i << " texts: " << peak_memory() << " MiB at most\n";
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t texts = 100'000;
  std::vector<std::string> models;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--texts" && i + 1 < argc) {
      texts = std::stoul(argv[++i]);
    } else {
      models.emplace_back(argv[i]);
    }
  }
  if (models.empty()) {
    models.emplace_back(OFFRAMP_SOURCE_MODEL);
  }
  try {
    for (const std::string& directory : models) {
      load_and_run(directory, "float32", numeric_format::float32, texts);
      load_and_run(directory, "int8", numeric_format::int8, 0);
    }
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
  return 0;
}
