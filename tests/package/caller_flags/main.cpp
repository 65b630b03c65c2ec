// SPDX-License-Identifier: Apache-2.0
// A program that is compiled with flags which change arithmetic, and uses the compiled library. Usage: MODEL
#include <offramp/offramp.hpp>

#include <bit>
#include <cstdint>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace {

/// NaN by its bits, read at run time: what these flags say cannot be.
float not_a_number() {
  volatile std::uint32_t bits = 0x7FC00000;
  return std::bit_cast<float>(std::uint32_t{bits});
}

bool refuses(const std::function<void()>& call) {
  try {
    call();
  } catch (const offramp::error& problem) {
    return problem.kind() == offramp::error_kind::invalid_argument;
  }
  return false;
}

}  // namespace

int main(int /*argc*/, char** argv) {
  using offramp::exit_policy;
  const float nan = not_a_number();
  const std::vector<std::function<void()>> misuses = {[=] { (void)exit_policy(nan); },
                                                      [=] { (void)exit_policy(static_cast<double>(nan)); },
                                                      [=] { (void)exit_policy::entropy(nan); },
                                                      [=] { (void)exit_policy::normalized_entropy(nan); },
                                                      [=] { (void)exit_policy::margin(nan); },
                                                      [=] { (void)exit_policy::learned(nan); },
                                                      [=] { (void)exit_policy::declining(nan, 0.1F); },
                                                      [=] { (void)exit_policy::declining(0.9F, nan); },
                                                      [=] { (void)exit_policy::patience_entropy(nan, 1); },
                                                      [=] {
                                                        (void)exit_policy::per_exit({0.5F, nan});
                                                      },
                                                      [=] {
                                                        (void)exit_policy::per_class({{0.5F}, {nan}});
                                                      },
                                                      [=] { (void)offramp::drift_audit(static_cast<double>(nan), 1); },
                                                      [] { (void)exit_policy(1.5F); }};
  for (std::size_t i = 0; i < misuses.size(); ++i) {
    if (!refuses(misuses[i])) {
      std::cerr << "misuse " << i << " is not refused\n";
      return 1;
    }
  }
  // Linked with -ffast-math, some systems start the program with subnormal numbers flushed to zero.
  const auto model = offramp::classifier::load(argv[1]);
  for (const offramp::golden_text& golden : model.golden_texts()) {
    if (model.classify_every_exit(golden.first).size() != golden.logits.size()) {
      return 1;
    }
  }
  return model.classify("A good film.", exit_policy::full_depth()).layer == model.exits().back().layer ? 0 : 1;
}
