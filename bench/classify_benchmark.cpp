// SPDX-License-Identifier: Apache-2.0
// Times classify for every numeric format, batch size, length, number of threads and exit layer of a model.
//
//     classify_benchmark [--model=DIRECTORY]... [--benchmark_filter=float32/batch:1/ ...]
//
// Without --model: the directories in OFFRAMP_BENCH_MODELS (separated by colons), else the bundled English model.
#include <benchmark/benchmark.h>
#include <offramp/offramp.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <offramp/thread_pool.hpp>
#include "model_inputs.hpp"

namespace {

using offramp::numeric_format;

constexpr std::array formats = {std::pair{numeric_format::float32, "float32"},
                                std::pair{numeric_format::bfloat16, "bfloat16"},
                                std::pair{numeric_format::int8, "int8"}};
constexpr std::array<std::size_t, 3> batches = {1, 16, 64};
constexpr std::array<std::size_t, 4> lengths = {16, 32, 128, 512};

struct shape {
  std::size_t batch = 1;
  std::size_t tokens = 16;
  int threads = 1;
  int layer = 1;  // the exit that answers
};

void time_classify(benchmark::State& state, const offramp::classifier& model, const shape& s) {
  const std::vector<offramp::encoding> inputs = offramp_bench::random_inputs(model, s.batch, s.tokens);
  const offramp::exit_policy policy = offramp::exit_policy::full_depth().with_max_layer(s.layer);
  offramp::thread_pool team(s.threads);
  const offramp::runner run = team.lend();
  for ([[maybe_unused]] auto _ : state) {
    if (s.batch == 1) {
      benchmark::DoNotOptimize(model.classify(inputs.front(), policy, run));
    } else {
      benchmark::DoNotOptimize(model.classify_batch(inputs, policy, run));
    }
  }
  const auto texts = static_cast<double>(state.iterations()) * static_cast<double>(s.batch);
  state.counters["texts/s"] = benchmark::Counter(texts, benchmark::Counter::kIsRate);
  state.counters["tokens/s"] = benchmark::Counter(texts * static_cast<double>(s.tokens), benchmark::Counter::kIsRate);
}

void add(const std::string& prefix, const offramp::classifier& model, const shape& s) {
  if (static_cast<int>(s.tokens) > model.max_tokens()) {
    return;
  }
  const std::string name = prefix + "/batch:" + std::to_string(s.batch) + "/tokens:" + std::to_string(s.tokens) +
                           "/threads:" + std::to_string(s.threads) + "/exit:" + std::to_string(s.layer);
  benchmark::RegisterBenchmark(name.c_str(), [model, s](benchmark::State& state) { time_classify(state, model, s); })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void add_all(const std::string& prefix, const offramp::classifier& model) {
  for (const std::size_t batch : batches) {
    for (const std::size_t tokens : lengths) {
      for (const int threads : {1, 2}) {
        for (const offramp::exit_info& exit : model.exits()) {
          add(prefix, model, {.batch = batch, .tokens = tokens, .threads = threads, .layer = exit.layer});
        }
      }
    }
  }
}

void add_model(const std::filesystem::path& directory) {
  const std::string name =
      directory.filename().empty() ? directory.parent_path().filename().string() : directory.filename().string();
  for (const auto& [format, format_name] : formats) {
    try {
      add_all("classify/" + name + '/' + format_name,
              offramp::classifier::load(directory, {.format = format, .exits = {}, .max_tokens = {}}));
    } catch (const offramp::error& problem) {
      if (problem.kind() != offramp::error_kind::unsupported) {
        throw;
      }
      std::cerr << "left out: " << problem.what() << '\n';
    }
  }
}

/// Takes the --model options out of the arguments; those that are left are Google Benchmark's.
std::vector<std::string> take_models(std::vector<char*>& arguments) {
  constexpr std::string_view option = "--model=";
  std::vector<std::string> models;
  std::erase_if(arguments, [&](const char* argument) {
    const bool is_model = std::string_view(argument).starts_with(option);
    if (is_model) {
      models.emplace_back(argument + option.size());
    }
    return is_model;
  });
  if (const char* listed = std::getenv("OFFRAMP_BENCH_MODELS"); models.empty() && listed != nullptr) {
    std::istringstream list(listed);
    for (std::string model; std::getline(list, model, ':');) {
      models.push_back(model);
    }
  }
  if (models.empty()) {
    models.emplace_back(OFFRAMP_SOURCE_MODEL);
  }
  return models;
}

}  // namespace

int main(int argc, char** argv) try {
  std::vector<char*> arguments(argv, argv + argc);
  for (const std::string& model : take_models(arguments)) {
    add_model(model);
  }
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) {
    return 2;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
} catch (const std::exception& problem) {
  std::cerr << "classify_benchmark: " << problem.what() << '\n';
  return 1;
}
