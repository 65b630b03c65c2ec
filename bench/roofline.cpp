// SPDX-License-Identifier: Apache-2.0
// Prints what the machine can do at most. Usage: roofline [--json] [THREADS...], by default on one and on two threads.
#include <cstdlib>
#include <exception>
#include <iomanip>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "machine.hpp"

namespace {

using offramp_bench::peaks;

struct peak_row {
  const char* key;
  const char* title;
  const char* unit;
  double peaks::*value;
};

constexpr peak_row rows[] = {
    {"float32", "float32 multiply-add", "GFLOP/s", &peaks::float32},
    {"int8_dot", "int8 dot product", "GOP/s", &peaks::int8_dot},
    {"bfloat16_dot", "bfloat16 dot product", "GFLOP/s", &peaks::bfloat16_dot},
    {"int8_tile", "int8 tiles (AMX)", "GOP/s", &peaks::int8_tile},
    {"bfloat16_tile", "bfloat16 tiles (AMX)", "GFLOP/s", &peaks::bfloat16_tile},
    {"l2_read", "reads from L2", "GB/s", &peaks::l2_read},
    {"l3_read", "reads from L3", "GB/s", &peaks::l3_read},
    {"dram_read", "reads from DRAM", "GB/s", &peaks::dram_read},
};

void print_table(const std::vector<int>& threads, const std::vector<peaks>& measured) {
  std::cout << offramp_bench::cpu_name() << "\n\n| |";
  for (const int t : threads) {
    std::cout << ' ' << t << (t == 1 ? " thread |" : " threads |");
  }
  std::cout << "\n|---|" << std::fixed << std::setprecision(1);
  for (std::size_t i = 0; i < threads.size(); ++i) {
    std::cout << "---|";
  }
  for (const peak_row& row : rows) {
    std::cout << "\n| " << row.title << ", " << row.unit << " |";
    for (const peaks& p : measured) {
      if (p.*row.value > 0.0) {
        std::cout << ' ' << p.*row.value * 1e-9 << " |";
      } else {
        std::cout << " - |";
      }
    }
  }
  std::cout << '\n';
}

// One object a line for each number of threads, in units per second; 0 where the CPU has no such instruction.
void print_json(const std::vector<int>& threads, const std::vector<peaks>& measured) {
  std::cout << std::setprecision(6);
  for (std::size_t i = 0; i < threads.size(); ++i) {
    std::cout << "{\"threads\": " << threads[i];
    for (const peak_row& row : rows) {
      std::cout << ", \"" << row.key << "\": " << measured[i].*row.value;
    }
    std::cout << "}\n";
  }
}

}  // namespace

int main(int argc, char** argv) try {
  std::vector<int> threads;
  bool is_json = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--json") {
      is_json = true;
    } else {
      threads.push_back(std::stoi(argv[i]));
    }
  }
  if (threads.empty()) {
    threads = {1, 2};
  }
  std::vector<peaks> measured;
  for (const int t : threads) {
    measured.push_back(offramp_bench::measure_peaks(t));
  }
  (is_json ? print_json : print_table)(threads, measured);
} catch (const std::exception& problem) {
  std::cerr << "roofline: " << problem.what() << '\n';
  return EXIT_FAILURE;
}
