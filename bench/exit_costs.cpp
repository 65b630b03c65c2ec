// SPDX-License-Identifier: Apache-2.0
// What exits cost and save in wall time, batch 1, one thread: the gate as a share of a layer, and computing [CLS]
// first. Usage: exit_costs [MODEL]; the variants of a comparison take turns, and medians are compared.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <functional>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include "model_inputs.hpp"

namespace {

using offramp::classifier;
using offramp::encoding;
using offramp::exit_policy;
using offramp::numeric_format;
using offramp::schedule;
using clock_type = std::chrono::steady_clock;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Seconds of each call, [variants][rounds].
std::vector<std::vector<double>> take_turns(const std::vector<std::function<void()>>& variants, int rounds) {
  std::vector<std::vector<double>> seconds(variants.size());
  for (int round = -10; round < rounds; ++round) {  // the first ones warm up
    for (std::size_t i = 0; i < variants.size(); ++i) {
      const auto start = clock_type::now();
      variants[i]();
      if (round >= 0) {
        seconds[i].push_back(std::chrono::duration<double>(clock_type::now() - start).count());
      }
    }
  }
  return seconds;
}

std::function<void()> call(const classifier& model, const encoding& input, const exit_policy& policy) {
  return [=] { (void)model.classify(input, policy); };
}

void print_gate(const std::string& directory, const char* name, numeric_format format) {
  const classifier model = classifier::load(directory, {.format = format, .schedule = schedule::together});
  const encoding input = offramp_bench::random_inputs(model, 1, 32).front();
  const auto gates = static_cast<double>(model.exits().size() - 1);
  // A distant deadline makes every exit compute its answer, although none may leave.
  const auto asked = exit_policy::full_depth().with_deadline(clock_type::now() + std::chrono::hours(24));
  const auto seconds = take_turns({call(model, input, exit_policy::full_depth()), call(model, input, asked)}, 1001);
  std::vector<double> differences(seconds[0].size());  // of neighbours in time: far smaller than the drift of a machine
  std::transform(seconds[1].begin(), seconds[1].end(), seconds[0].begin(), differences.begin(), std::minus<>());
  const double layer = median(seconds[0]) / model.exits().back().layer;
  const double gate = median(differences) / gates;
  std::cout << "| " << name << " | " << layer * 1e6 << " | " << gate * 1e6 << " | " << 100.0 * gate / layer << " % |\n";
}

/// The gate lets the text out at exit number `exit`, from 0; all exits and 1 for nowhere.
exit_policy leaving_at(const classifier& model, std::size_t exit) {
  std::vector<float> thresholds(model.exits().size(), 2.0F);
  if (exit < thresholds.size()) {
    thresholds[exit] = 0.0F;
  }
  return exit_policy::per_exit(thresholds);
}

void print_cls_first(const std::string& directory, std::size_t tokens) {
  const classifier never = classifier::load(directory, {.schedule = schedule::together});
  const classifier always = classifier::load(directory, {.schedule = schedule::cls_first});
  const classifier by_cost = classifier::load(directory, {.schedule = schedule::by_cost});
  const encoding input = offramp_bench::random_inputs(never, 1, tokens).front();
  const std::size_t exits = never.exits().size();
  for (std::size_t exit = 0; exit <= exits; ++exit) {
    if (exit == exits - 1) {
      continue;  // the last layer has its own schedule
    }
    const exit_policy policy = leaving_at(never, exit);
    std::vector<double> t;
    for (const auto& seconds :
         take_turns({call(never, input, policy), call(by_cost, input, policy), call(always, input, policy)}, 301)) {
      t.push_back(median(seconds));
    }
    std::cout << "| " << tokens << " | ";
    if (exit < exits) {
      std::cout << never.exits()[exit].layer;
    } else {
      std::cout << "none";
    }
    std::cout << " | " << t[0] * 1e6 << " | " << std::setprecision(3) << t[1] / t[0] << " | " << t[2] / t[0] << " |\n"
              << std::setprecision(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string directory = argc > 1 ? argv[1] : OFFRAMP_SOURCE_MODEL;
  try {
    std::cout << std::unitbuf << std::fixed << std::setprecision(1)
              << "| format, 32 tokens | layer us | gate us | of a layer |\n|---|---|---|---|\n";
    print_gate(directory, "float32", numeric_format::float32);
    print_gate(directory, "bfloat16", numeric_format::bfloat16);
    print_gate(directory, "int8", numeric_format::int8);
    std::cout << "\n| tokens, float32 | exit at layer | all rows us | by cost | [CLS] first |\n|---|---|---|---|---|\n";
    for (const std::size_t tokens : {16UL, 32UL, 128UL}) {
      print_cls_first(directory, tokens);
    }
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
  return 0;
}
