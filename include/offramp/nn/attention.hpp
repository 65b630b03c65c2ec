// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/dot.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/reference_positions.hpp>
#include <offramp/nn/softmax.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// target[i] += factor * source[i].
[[gnu::noinline]] inline void add_scaled(float factor, const float* source, std::size_t size, float* target) {
  using lanes = Eigen::Array<float, 8, 1>;
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    Eigen::Map<lanes>(target + i) += factor * Eigen::Map<const lanes>(source + i);
  }
  for (; i < size; ++i) {
    target[i] += factor * source[i];
  }
}

/// softmax(q k^T / sqrt(size) + bias) v of one head of one text (Vaswani et al. 2017), query by query. Queries are
/// scaled before the products, as by every other kernel: so all overflow alike.
inline void attend(const attention_head& head, attention_scratch& scratch) {
  const float scale = 1.0F / std::sqrt(static_cast<float>(head.size * head.terms));
  scratch.scores.resize(std::max(scratch.scores.size(), head.tokens + head.size));
  const std::span<float> weights(scratch.scores.data(), head.tokens);
  float* query = scratch.scores.data() + head.tokens;
  for (std::size_t row = 0; row < head.queries; ++row) {
    std::transform(head.query + row * head.query_stride, head.query + row * head.query_stride + head.size, query,
                   [=](float x) { return x * scale; });
    for (std::size_t token = 0; token < head.tokens; ++token) {
      weights[token] = dot(query, head.key + token * head.key_value_stride, head.size);
    }
    if (head.bias != nullptr) {
      const float* bias = head.bias - row;
      std::transform(weights.begin(), weights.end(), bias, weights.begin(), std::plus<>());
    }
    if (head.positions != nullptr) {
      reference::add_position_products(head, row, query, scratch.products, weights);
    }
    softmax(weights);
    float* context = head.context + row * head.context_stride;
    std::fill_n(context, head.size, 0.0F);
    for (std::size_t token = 0; token < head.tokens; ++token) {
      add_scaled(weights[token], head.value + token * head.key_value_stride, head.size, context);
    }
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
