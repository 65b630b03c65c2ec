// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/nn/reference_kernels.hpp>
#else
#include <kernels/choice.hpp>
#include <offramp/nn/kernels.hpp>
#endif

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace naive {

/// A parameter that GoogleTest can show.
struct target : offramp::nn::kernels {};
inline void PrintTo(const target& shown, std::ostream* out) { *out << shown.name; }

/// Every set of kernels of this library that the machine can run, in every format; header-only has one.
inline std::vector<target> all_targets() {
#if defined(OFFRAMP_HEADER_ONLY)
  return {target{offramp::nn::reference_kernels()}};
#else
  using enum offramp::numeric_format;
  std::vector<target> all;
  for (const auto format : {float32, bfloat16, int8}) {
    for (offramp::nn::kernels& kernels : offramp::nn::all_kernels(format)) {
      all.push_back({std::move(kernels)});
    }
  }
  return all;
#endif
}

inline std::string name_of_target(const testing::TestParamInfo<target>& instance) {
  std::string name = instance.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

}  // namespace naive
