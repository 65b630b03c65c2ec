// SPDX-License-Identifier: Apache-2.0
// The kernels alone: products at BERT's shapes for every row count, with weights that stay in the second-level cache
// and with weights that stream through all of them as in a whole model.
#include "machine.hpp"

#include <offramp/nn/kernels.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace nn = offramp::nn;
using offramp::numeric_format;

std::vector<float> random_values(std::size_t size) {
  static std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float& value : values) {
    value = normal(generator);
  }
  return values;
}

nn::linear random_linear(const nn::layout& layout, std::size_t outputs, std::size_t inputs) {
  nn::linear weights(layout, outputs, inputs);
  const std::vector<float> row = random_values(inputs);
  for (std::size_t output = 0; output < outputs; ++output) {
    weights.set_row(output, row);
  }
  return weights;
}

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
  std::vector<nn::linear> weights;
  for (std::size_t i = 0; i < matrices; ++i) {
    weights.push_back(random_linear(kernels.layout, outputs, inputs));
  }
  nn::packed_rows packed;
  packed.resize(kernels.layout, rows, inputs);
  const std::vector<float> source = random_values(rows * inputs);
  kernels.pack(source.data(), inputs, {0, rows}, packed);
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
  state.counters["of_peak"] =
      benchmark::Counter(operations / peak(format), benchmark::Counter::kIsIterationInvariantRate);
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

}  // namespace

int main(int argc, char** argv) {
  const nn::weight_prefetch prefetch = take_prefetch(argc, argv);
  register_products("float32", numeric_format::float32, prefetch);
  register_products("bfloat16", numeric_format::bfloat16, prefetch);
  register_products("int8", numeric_format::int8, prefetch);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
