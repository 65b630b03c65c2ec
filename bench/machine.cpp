// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "machine_kernels.hpp"

namespace offramp_bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr int repetitions = 25;
constexpr double shortest_run = 0.01;  // seconds

double seconds(clock::duration d) { return std::chrono::duration<double>(d).count(); }

/// Runs body(thread) on `threads` threads that start together, `repetitions` times; the shortest time from the first
/// start to the last end.
double best_time(int threads, const std::function<void(int)>& body) {
  std::barrier<> gate(threads);
  std::vector<clock::time_point> starts(static_cast<std::size_t>(threads));
  std::vector<clock::time_point> ends(starts.size());
  double best = 1e300;
  const auto work = [&](int thread) {
    const auto index = static_cast<std::size_t>(thread);
    for (int i = 0; i < repetitions; ++i) {
      gate.arrive_and_wait();
      starts[index] = clock::now();
      body(thread);
      ends[index] = clock::now();
      gate.arrive_and_wait();
      if (thread == 0) {
        best = std::min(best, seconds(std::ranges::max(ends) - std::ranges::min(starts)));
      }
    }
  };
  std::vector<std::jthread> others;
  for (int thread = 1; thread < threads; ++thread) {
    others.emplace_back(work, thread);
  }
  work(0);
  return best;
}

/// How often `run(count)` must count to take `shortest_run`.
std::size_t calibrated_count(const std::function<void(std::size_t)>& run) {
  for (std::size_t count = 1;; count *= 2) {
    const auto start = clock::now();
    run(count);
    if (seconds(clock::now() - start) >= shortest_run) {
      return count;
    }
  }
}

double measure_arithmetic(const arithmetic_kernel& kernel, int threads) {
  if (kernel.run == nullptr) {
    return 0.0;
  }
  const std::size_t rounds = calibrated_count(kernel.run);
  const double time = best_time(threads, [&](int) { kernel.run(rounds); });
  return static_cast<double>(rounds) * kernel.operations_per_round * threads / time;
}

/// Memory on large pages where the system offers them, written once, so that it exists.
class buffer {
 public:
  explicit buffer(std::size_t bytes) : data_(new (std::align_val_t(page)) std::byte[bytes]) {
#if defined(MADV_HUGEPAGE)
    madvise(data_.get(), bytes, MADV_HUGEPAGE);  // a hint: it may fail
#endif
    std::fill_n(data_.get(), bytes, std::byte{1});
  }
  [[nodiscard]] const std::byte* data() const { return data_.get(); }

 private:
  static constexpr std::size_t page = std::size_t{1} << 21;
  struct release {
    void operator()(std::byte* data) const { ::operator delete[](data, std::align_val_t(page)); }
  };
  std::unique_ptr<std::byte[], release> data_;
};

/// Bytes per second over a working set of `bytes` bytes per thread.
double measure_reads(std::size_t bytes, int threads) {
  bytes = std::max(bytes / read_step, std::size_t{1}) * read_step;
  std::vector<buffer> buffers;
  for (int thread = 0; thread < threads; ++thread) {
    buffers.emplace_back(bytes);
  }
  const read_kernel read = widest_read_kernel();
  const auto pass = [&](std::size_t count, int thread) {
    for (std::size_t i = 0; i < count; ++i) {
      read(buffers[static_cast<std::size_t>(thread)].data(), bytes);
    }
  };
  const std::size_t count = calibrated_count([&](std::size_t n) { pass(n, 0); });
  const double time = best_time(threads, [&](int thread) { pass(count, thread); });
  return static_cast<double>(bytes * count) * threads / time;
}

std::size_t system_cache_size(int name, std::size_t otherwise) {
  const long size = sysconf(name);
  return size > 0 ? static_cast<std::size_t>(size) : otherwise;
}

}  // namespace

cache_sizes read_cache_sizes() {
#if defined(_SC_LEVEL2_CACHE_SIZE)
  return {.l2 = system_cache_size(_SC_LEVEL2_CACHE_SIZE, std::size_t{1} << 20),
          .l3 = system_cache_size(_SC_LEVEL3_CACHE_SIZE, std::size_t{32} << 20)};
#else
  return {.l2 = std::size_t{1} << 20, .l3 = std::size_t{32} << 20};
#endif
}

peaks measure_peaks(int threads) {
  if (threads < 1) {
    throw std::invalid_argument("measure_peaks: " + std::to_string(threads) + " threads, expected at least 1");
  }
  const cache_sizes caches = read_cache_sizes();
  const auto team = static_cast<std::size_t>(threads);
  peaks found;
  found.float32 = measure_arithmetic(float32_kernel(), threads);
  found.int8_dot = measure_arithmetic(int8_dot_kernel(), threads);
  found.bfloat16_dot = measure_arithmetic(bfloat16_dot_kernel(), threads);
  found.int8_tile = measure_arithmetic(int8_tile_kernel(), threads);
  found.bfloat16_tile = measure_arithmetic(bfloat16_tile_kernel(), threads);
  found.l2_read = measure_reads(caches.l2 / 2, threads);
  // L3 is shared, on a virtual machine also with neighbours: stay well inside what the system reports.
  found.l3_read = measure_reads(std::min(4 * caches.l2, caches.l3 / (2 * team)), threads);
  // Larger than any L3 that one machine's share could hold, and of the size of a large model's weights.
  constexpr std::size_t dram_bytes = std::size_t{512} << 20;
  found.dram_read = measure_reads(std::max(dram_bytes, 2 * caches.l3) / team, threads);
  return found;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) {
      const std::size_t value = line.find_first_not_of(" \t", line.find(':') + 1);
      return value == std::string::npos ? "unknown" : line.substr(value);
    }
  }
  return "unknown";
}

}  // namespace offramp_bench
