// SPDX-License-Identifier: Apache-2.0
// How long models take to load, and how much memory calls take: many of varying size, and large ones at once. All at
// full depth, because a text that leaves before the encoder takes next to none.
// Usage: memory [--batches N] [--calls N] MODEL...
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "model_inputs.hpp"

#include <offramp/thread_pool.hpp>

namespace {

using offramp::classifier;
using offramp::encoding;
using offramp::exit_policy;
using offramp::numeric_format;

/// What the system says of the process's memory, in MiB; 0 where it does not.
double read_status(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) {
      return std::stod(line.substr(field.size())) / 1024.0;
    }
  }
  return 0.0;
}

double peak_memory() { return read_status("VmHWM:"); }
double resident_memory() { return read_status("VmRSS:"); }

/// Batches of 4,096 tokens at once, each call on a thread of its own.
void run_at_once(const classifier& model, std::size_t calls) {
  const auto tokens = static_cast<std::uint32_t>(std::min(model.max_tokens(), 128));
  const std::vector<encoding> batch = offramp_bench::random_inputs(model, 4096 / tokens, tokens);
  std::cout << "  " << calls << " batches of 4,096 tokens at once: " << resident_memory() << " MiB before, ";
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < calls; ++i) {
      threads.emplace_back([&] { (void)model.classify_batch(batch, exit_policy::full_depth()); });
    }
  }
  std::cout << peak_memory() << " at most, " << resident_memory() << " after them, ";
  model.release_memory();
  std::cout << resident_memory() << " once released\n";
}

/// One call after another: batches of 1 to 32 texts of 1 to 128 tokens.
void run_in_turn(const classifier& model, std::size_t batches) {
  const auto longest = static_cast<std::uint32_t>(std::min(model.max_tokens(), 128));
  const std::vector<encoding> texts = offramp_bench::random_inputs(model, 32, longest);
  std::mt19937 random(1);
  for (std::size_t i = 1; i <= batches; ++i) {
    std::vector<encoding> batch(texts.begin(), texts.begin() + 1 + random() % 32);
    for (encoding& text : batch) {
      text.ids.resize(1 + random() % longest);
      text.type_ids.clear();
    }
    (void)model.classify_batch(batch, exit_policy::full_depth());
    if (i == 1 || i % std::max<std::size_t>(1, batches / 10) == 0) {
      std::cout << "  after " << i << " batches: " << resident_memory() << " MiB, " << peak_memory() << " at most\n";
    }
  }
}

/// Least milliseconds of three loads.
double time_load(const std::string& directory, numeric_format format, int threads) {
  offramp::thread_pool pool(threads);
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    (void)classifier::load(directory, {.format = format}, pool.lend());
    least =
        std::min(least, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return least;
}

void load_and_run(const std::string& directory, const char* name, numeric_format format, std::size_t batches,
                  std::size_t calls) {
  std::cout << directory << ", " << name << ": loads in " << time_load(directory, format, 1) << " ms on one thread, "
            << time_load(directory, format, 2) << " on two, ";
  const classifier model = classifier::load(directory, {.format = format});
  std::cout << static_cast<double>(model.info().weight_bytes) / (1 << 20) << " MiB of weights\n";
  run_in_turn(model, batches);
  run_at_once(model, calls);
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t batches = 300;
  std::size_t calls = 16;
  std::vector<std::string> models;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--batches" && i + 1 < argc) {
      batches = std::stoul(argv[++i]);
    } else if (std::string(argv[i]) == "--calls" && i + 1 < argc) {
      calls = std::stoul(argv[++i]);
    } else {
      models.emplace_back(argv[i]);
    }
  }
  if (models.empty()) {
    models.emplace_back(OFFRAMP_SOURCE_MODEL);
  }
  try {
    for (const std::string& directory : models) {
      load_and_run(directory, "float32", numeric_format::float32, batches, calls);
      load_and_run(directory, "int8", numeric_format::int8, batches, calls);
    }
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
  return 0;
}
