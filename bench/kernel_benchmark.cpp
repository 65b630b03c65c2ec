// SPDX-License-Identifier: Apache-2.0
// The kernels alone, on the problems that the tests solve: products at BERT's shapes for every row count, with weights
// that stay in the second-level cache and with weights that stream through all of them as in a whole model; and what
// lies between the products.
#include "machine.hpp"
#include "reference/attention_problem.hpp"
#include "reference/normalization_problem.hpp"
#include "reference/product_problem.hpp"

#include <offramp/nn/attention_window.hpp>
#include <offramp/nn/kernels.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace nn = offramp::nn;
using offramp::numeric_format;

/// The machine's peak in one format on one thread, operations/s, measured once.
double peak(numeric_format format) {
  static const offramp_bench::peaks measured = offramp_bench::measure_peaks(1);
  switch (format) {
    case numeric_format::float32:
      return measured.float32;
    case numeric_format::bfloat16:
      return measured.bfloat16();
    case numeric_format::int8:
      return measured.int8();
  }
  return 0.0;
}

/// Takes --weight_prefetch=by_cpu, always or never out of the arguments; by_cpu without it. Another word is left in,
/// for the benchmark's own parser to refuse.
nn::weight_prefetch take_prefetch(int& argc, char** argv) {
  using enum nn::weight_prefetch;
  nn::weight_prefetch taken = by_cpu;
  const auto names_prefetch = [&](std::string_view argument) {
    for (const auto& [name, value] : {std::pair{"by_cpu", by_cpu}, {"always", always}, {"never", never}}) {
      if (argument == std::string("--weight_prefetch=") + name) {
        taken = value;
        return true;
      }
    }
    return false;
  };
  argc = static_cast<int>(std::remove_if(argv + 1, argv + argc, names_prefetch) - argv);
  return taken;
}

/// Multiplies `rows` rows with `matrices` different weights in turn.
void multiply(benchmark::State& state, numeric_format format, nn::weight_prefetch prefetch, std::size_t outputs,
              std::size_t inputs, std::size_t matrices) {
  const nn::kernels kernels = nn::choose_kernels({.format = format});
  const auto rows = static_cast<std::size_t>(state.range(0));
  const naive::product_problem problem{rows, inputs, outputs};
  std::vector<nn::linear> weights;
  for (std::size_t i = 0; i < matrices; ++i) {
    weights.push_back(problem.linear(kernels.layout));
  }
  const nn::packed_rows packed = problem.packed(kernels);
  std::vector<float> result(rows * outputs);
  std::size_t next = 0;
  for (auto _ : state) {
    kernels.multiply(packed, weights[next], {0, weights[next].panels()},
                     {.rows = result.data(), .stride = outputs, .prefetch = prefetch});
    benchmark::DoNotOptimize(result.data());
    next = (next + 1) % matrices;
  }
  const double operations = 2.0 * static_cast<double>(rows * outputs * inputs);
  state.counters["Gop/s"] = benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  if (const double most = peak(format); most > 0.0) {
    state.counters["of_peak"] = benchmark::Counter(operations / most, benchmark::Counter::kIsIterationInvariantRate);
  }
  state.counters["weight_GB/s"] =
      benchmark::Counter(static_cast<double>(weights[0].bytes()) * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void register_products(const std::string& name, numeric_format format, nn::weight_prefetch prefetch) {
  const auto rows = [](auto* benchmark) {
    for (const int count : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 24, 32, 64, 128, 512}) {
      benchmark->Arg(count);
    }
  };
  const auto add = [&](const std::string& shape, std::size_t outputs, std::size_t inputs, std::size_t matrices) {
    rows(benchmark::RegisterBenchmark((name + "/" + shape).c_str(), [=](benchmark::State& state) {
      multiply(state, format, prefetch, outputs, inputs, matrices);
    }));
  };
  const std::size_t unit = format == numeric_format::float32 ? 4 : format == numeric_format::bfloat16 ? 2 : 1;
  add("cached_64x" + std::to_string(4096 / unit), 64, 4096 / unit, 1);  // 1 MB at most, a panel twice
  add("streaming_768x768", 768, 768, 512 / unit);
  add("streaming_3072x768", 3072, 768, 128 / unit);
  add("streaming_768x3072", 768, 3072, 128 / unit);
}

/// Rounds 64 rows of `inputs` numbers to a format.
void pack(benchmark::State& state, numeric_format format) {
  const nn::kernels kernels = nn::choose_kernels({.format = format});
  const naive::product_problem problem{64, static_cast<std::size_t>(state.range(0)), 1};
  nn::packed_rows packed = problem.packed(kernels);
  for (auto _ : state) {
    kernels.pack(problem.x.data(), problem.source_stride, {0, problem.rows}, packed);
    benchmark::DoNotOptimize(packed.row(0).units);
  }
}

/// One head of 64 among 12, of a text of so many tokens, within a window.
void attend(benchmark::State& state, numeric_format format, const nn::attention_window& window) {
  const nn::kernels kernels = nn::choose_kernels({.format = format});
  const auto tokens = static_cast<std::size_t>(state.range(0));
  const naive::attention_problem problem{tokens, tokens, 64, 768};
  std::vector<float> context(tokens * problem.stride);
  nn::attention_scratch scratch;
  for (auto _ : state) {
    window.for_each_part(problem.head(context.data()),
                         [&](const nn::attention_head& part) { kernels.attend(part, scratch); });
    benchmark::DoNotOptimize(context.data());
  }
}

/// 64 rows in place, which keeps them normalized.
void normalize(benchmark::State& state) {
  const nn::kernels kernels = nn::choose_kernels({});
  naive::normalization_problem problem{64, static_cast<std::size_t>(state.range(0))};
  for (auto _ : state) {
    kernels.normalize(problem.norm, problem.rows.data(), problem.count);
    benchmark::DoNotOptimize(problem.rows.data());
  }
}

void register_the_rest() {
  for (const auto& [name, format] : {std::pair{"float32", numeric_format::float32},
                                     {"bfloat16", numeric_format::bfloat16},
                                     {"int8", numeric_format::int8}}) {
    benchmark::RegisterBenchmark((std::string(name) + "/pack").c_str(),
                                 [format = format](benchmark::State& state) { pack(state, format); })
        ->Arg(768)
        ->Arg(3072);
    benchmark::RegisterBenchmark((std::string(name) + "/attend").c_str(),
                                 [format = format](benchmark::State& state) { attend(state, format, {}); })
        ->Arg(16)
        ->Arg(32)
        ->Arg(48)
        ->Arg(64)
        ->Arg(128)
        ->Arg(384)
        ->Arg(512);
    benchmark::RegisterBenchmark(
        (std::string(name) + "/attend_to_128").c_str(),
        [format = format](benchmark::State& state) { attend(state, format, nn::attention_window(64)); })
        ->Arg(128)
        ->Arg(512)
        ->Arg(2048);
  }
  benchmark::RegisterBenchmark("normalize", &normalize)->Arg(384)->Arg(768);
}

}  // namespace

int main(int argc, char** argv) {
  const nn::weight_prefetch prefetch = take_prefetch(argc, argv);
  register_products("float32", numeric_format::float32, prefetch);
  register_products("bfloat16", numeric_format::bfloat16, prefetch);
  register_products("int8", numeric_format::int8, prefetch);
  register_the_rest();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
