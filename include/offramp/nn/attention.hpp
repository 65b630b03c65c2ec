// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/softmax.hpp>

#include <Eigen/Core>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// sum_i a[i] b[i]: eight running sums over i mod 8, added in index order at the end. Not inlined: see linear::apply.
[[gnu::noinline]] inline float dot(const float* a, const float* b, std::size_t size) {
  using lanes = Eigen::Array<float, 8, 1>;
  lanes sums = lanes::Zero();
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    sums += Eigen::Map<const lanes>(a + i) * Eigen::Map<const lanes>(b + i);
  }
  float sum = 0.0F;
  for (Eigen::Index lane = 0; lane < 8; ++lane) {
    sum += sums[lane];
  }
  for (; i < size; ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

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

/// Scaled dot-product self-attention of one text (Vaswani et al. 2017): softmax(q k^T / sqrt(hidden / heads)) v per head.
/// `query_key_value` is [tokens, 3 * hidden], `context` [tokens, hidden]; `scores` is scratch, resized to [tokens].
inline void attend(const float* query_key_value, std::size_t tokens, std::size_t hidden, std::size_t heads,
                   std::vector<float>& scores, float* context) {
  const std::size_t stride = 3 * hidden;
  const std::size_t head_size = hidden / heads;
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_size));
  scores.resize(tokens);
  for (std::size_t token = 0; token < tokens; ++token) {
    for (std::size_t head = 0; head < heads; ++head) {
      const float* query = query_key_value + token * stride + head * head_size;
      const float* key = query_key_value + hidden + head * head_size;
      for (std::size_t other = 0; other < tokens; ++other) {
        scores[other] = dot(query, key + other * stride, head_size) * scale;
      }
      softmax(scores);
      const float* value = query_key_value + 2 * hidden + head * head_size;
      float* target = context + token * hidden + head * head_size;
      std::fill_n(target, head_size, 0.0F);
      for (std::size_t other = 0; other < tokens; ++other) {
        add_scaled(scores[other], value + other * stride, head_size, target);
      }
    }
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
