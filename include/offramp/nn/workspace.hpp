// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/aligned_vector.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/packed_rows.hpp>
#include <offramp/nn/rotation.hpp>

#include <cstddef>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Scratch memory of the encoder, for one call at a time; every part grows to the largest seen, of the rows of a step:
/// a part of a batch, in the feed-forward network a group of rows, all tokens where embeddings are projected.
struct workspace {
  packed_rows packed;
  aligned_vector<float> query;               // [rows, hidden]
  aligned_vector<float> key_value;           // [tokens, 2 * hidden], keys then values
  bool keeps_key_value = false;              // of all tokens, for a later step
  aligned_vector<float> context;             // [rows, hidden]
  aligned_vector<float> normalized;          // [rows, hidden], where norms come before the steps
  aligned_vector<float> intermediate;        // [rows, intermediate]
  aligned_vector<float> gate;                // [rows, intermediate], where layers have one
  std::vector<attention_scratch> attention;  // one per worker
  nn::rotations rotations;                   // where layers rotate queries and keys

  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = packed.bytes() + bytes_of(query) + bytes_of(key_value) + bytes_of(context) +
                      bytes_of(normalized) + bytes_of(intermediate) + bytes_of(gate) + bytes_of(attention) +
                      rotations.bytes();
    for (const attention_scratch& worker : attention) {
      sum += worker.bytes();
    }
    return sum;
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
