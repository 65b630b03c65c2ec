// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Scratch memory of one call at a time; grows to the largest batch seen.
struct workspace {
  std::vector<float> query_key_value;  // [tokens, 3 * hidden]
  std::vector<float> context;          // [tokens, hidden]
  std::vector<float> intermediate;     // [intermediate], one row
  std::vector<float> projected;        // [hidden], one row
  std::vector<float> scores;           // [tokens of one text]

  void resize(std::size_t tokens, std::size_t hidden, std::size_t intermediate_size) {
    query_key_value.resize(tokens * 3 * hidden);
    context.resize(tokens * hidden);
    intermediate.resize(intermediate_size);
    projected.resize(hidden);
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
