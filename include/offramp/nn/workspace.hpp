// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/aligned_vector.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/packed_rows.hpp>

#include <cstddef>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Scratch memory of the encoder, for one call at a time; every part grows to the largest batch seen.
struct workspace {
  packed_rows packed;
  aligned_vector<float> query;               // [rows, hidden]
  aligned_vector<float> key_value;           // [tokens, 2 * hidden], keys then values
  aligned_vector<float> context;             // [rows, hidden]
  aligned_vector<float> intermediate;        // [rows, intermediate]
  std::vector<attention_scratch> attention;  // one per worker
};

/// Makes room for `size` elements without ever giving memory back.
template <class Vector>
void grow(Vector& memory, std::size_t size) {
  if (memory.size() < size) {
    memory.resize(size);
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
