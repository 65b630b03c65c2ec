// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/load_options.hpp>
#include <offramp/nn/activation.hpp>
#include <offramp/nn/head_positions.hpp>
#include <offramp/nn/layer_norm.hpp>
#include <offramp/nn/layout.hpp>
#include <offramp/nn/linear.hpp>
#include <offramp/nn/packed_rows.hpp>
#include <offramp/nn/relative_places.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// What becomes of W x + b.
enum class epilogue {
  store,      ///< y = W x + b
  add,        ///< y += W x + b
  gelu,       ///< y = f(W x + b), with the error function
  gelu_tanh,  ///< ... with the approximation of gelu by tanh
  relu,
  tanh,
};

[[nodiscard]] constexpr epilogue epilogue_of(activation kind) noexcept {
  switch (kind) {
    case activation::gelu:
      return epilogue::gelu;
    case activation::gelu_tanh:
      return epilogue::gelu_tanh;
    case activation::relu:
      return epilogue::relu;
  }
  return epilogue::gelu;
}

/// Half-open range of indices.
struct index_range {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Whether a product brings weights into the second-level cache before it reads them. A schedule: it changes no result.
///   by_cpu  what is next of other panels; far ahead in a panel that is read once, unless the CPU does that better
///   always  both
///   never   neither
enum class weight_prefetch { by_cpu, always, never };

/// Where a product puts its outputs: output o of row r goes to rows[r * stride + o - first output of the panels].
struct product_target {
  float* rows = nullptr;
  std::size_t stride = 0;
  epilogue finish = epilogue::store;
  /// Weights that will be read next, to be brought near while the last panel is multiplied; may be empty.
  std::span<const std::uint32_t> next = {};
  weight_prefetch prefetch = weight_prefetch::by_cpu;
};

/// One head of one text in self-attention, borrowed: queries against keys, which are the first tokens against all of
/// them, or, within a window, some tokens against those that any of them sees.
struct attention_head {
  const float* query = nullptr;  // [queries, query_stride]
  std::size_t queries = 0;
  std::size_t query_stride = 0;
  const float* key = nullptr;    // [tokens, key_value_stride]
  const float* value = nullptr;  // [tokens, key_value_stride]
  std::size_t tokens = 0;
  std::size_t key_value_stride = 0;
  std::size_t size = 0;      // of a query, key or value
  float* context = nullptr;  // [queries, context_stride]
  std::size_t context_stride = 0;
  /// Added to the scaled score of key k for query q: bias[k - q], from bias[1 - queries] to bias[tokens - 1]; or null.
  const float* bias = nullptr;
  /// The products that a score is the sum of, scaled by 1 / sqrt(size * terms): q k, and those with positions.
  std::size_t terms = 1;
  /// Both, or null where a score has no products with positions.
  const relative_places* places = nullptr;
  const head_positions* positions = nullptr;
};

/// Scratch memory of the attention of one head.
struct attention_scratch {
  packed_rows queries;
  packed_rows weights;
  aligned_vector<std::uint32_t> keys;
  aligned_vector<std::uint32_t> values;
  aligned_vector<float> scores;
  aligned_vector<float> products;  // with positions
  packed_rows float32_queries;     // for these, where `queries` and `keys` are packed otherwise
  aligned_vector<std::uint32_t> float32_keys;

  [[nodiscard]] std::size_t bytes() const noexcept {
    return queries.bytes() + weights.bytes() + bytes_of(keys) + bytes_of(values) + bytes_of(scores) +
           bytes_of(products) + float32_queries.bytes() + bytes_of(float32_keys);
  }
};

/// The arithmetic of an encoder for one numeric format on one instruction set. Every element of every result depends on
/// its own inputs only: not on how many rows, panels or heads a call covers. All functions are safe to call from
/// several threads on different memory.
struct kernels {
  std::string name;  // as model_info reports it
  nn::layout layout;
  nn::layout position_layout;  // of head_positions::keys, in every format

  /// Packs the rows `range` of `source`, whose row r begins at r * stride, into `target`, which has its size already.
  void (*pack)(const float* source, std::size_t stride, index_range range, packed_rows& target);
  /// The outputs of `panels` of W x + b, for every row.
  void (*multiply)(const packed_rows& rows, const linear& weights, index_range panels, const product_target& target);
  /// softmax(q k^T / sqrt(size) + bias) v (Vaswani et al. 2017), with products by position added to the scores where
  /// the head has some (He et al. 2021).
  void (*attend)(const attention_head& head, attention_scratch& scratch);
  /// Layer normalization in place of `count` rows.
  void (*normalize)(const layer_norm& norm, float* rows, std::size_t count);
};

/// The fastest kernels for `format` on this CPU within `options.avoid`. Throws `unsupported` where the library needs
/// what is to be avoided.
[[nodiscard]] kernels choose_kernels(const load_options& options);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
