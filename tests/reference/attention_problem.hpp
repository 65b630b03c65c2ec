// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "naive.hpp"

#include <offramp/nn/kernels.hpp>

#include <cstddef>
#include <vector>

namespace naive {

/// One head among others: random queries, keys and values of `size`, whose rows lie `stride` apart.
struct attention_problem {
  std::size_t queries;
  std::size_t tokens;
  std::size_t size;
  std::size_t stride = size;
  std::vector<float> query = random_values(queries * stride, 1);
  std::vector<float> key = random_values(tokens * stride, 2);
  std::vector<float> value = random_values(tokens * stride, 3);
  std::vector<float> bias = {};  // [queries - 1 + tokens], by key - query; empty: none

  /// The head as kernels see it, with its contexts at `context` [queries, stride].
  [[nodiscard]] offramp::nn::attention_head head(float* context) const {
    return {.query = query.data(),
            .queries = queries,
            .query_stride = stride,
            .key = key.data(),
            .value = value.data(),
            .tokens = tokens,
            .key_value_stride = stride,
            .size = size,
            .context = context,
            .context_stride = stride,
            .bias = bias.empty() ? nullptr : bias.data() + (queries - 1)};
  }

  /// The contexts by `kernels`; `untouched` between them.
  [[nodiscard]] std::vector<float> run(const offramp::nn::kernels& kernels, float untouched = 0.0F) const {
    std::vector<float> context(queries * stride, untouched);
    offramp::nn::attention_scratch scratch;
    kernels.attend(head(context.data()), scratch);
    return context;
  }

  /// The contexts on paper, [queries, size].
  [[nodiscard]] std::vector<double> expected() const { return attend(head(nullptr)); }
};

/// The same with a random bias.
inline attention_problem with_bias(attention_problem problem) {
  problem.bias = random_values(problem.queries - 1 + problem.tokens, 4);
  return problem;
}

}  // namespace naive
