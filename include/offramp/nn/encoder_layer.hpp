// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/activation.hpp>
#include <offramp/nn/embeddings.hpp>
#include <offramp/nn/head_positions.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/layer_norm.hpp>
#include <offramp/nn/linear.hpp>
#include <offramp/nn/relative_bias.hpp>
#include <offramp/nn/relative_places.hpp>
#include <offramp/nn/team.hpp>
#include <offramp/nn/workspace.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// The weights of one post-norm transformer layer (Devlin et al. 2019).
struct encoder_layer {
  linear query;             // [hidden] -> [hidden]
  linear key_value;         // [hidden] -> [2 * hidden]
  linear attention_output;  // [hidden] -> [hidden]
  layer_norm attention_norm;
  linear intermediate;  // [hidden] -> [intermediate]
  linear output;        // [intermediate] -> [hidden]
  layer_norm output_norm;
  std::vector<head_positions> positions = {};  // one for each head, or none at all
};

/// Everything below the exits. Immutable once loaded.
struct encoder {
  nn::kernels kernels;
  std::size_t hidden = 0;
  std::size_t heads = 0;
  activation feed_forward_activation = activation::gelu;
  nn::embeddings embeddings;
  /// [embeddings.width()] -> [hidden], where the two may differ (ELECTRA, ALBERT).
  std::optional<linear> projection = {};
  /// Whether the norm of the embeddings comes behind the projection (DeBERTa).
  bool normalizes_projection = false;
  nn::relative_bias relative_bias = {};
  relative_places places = {};  // of the layers' positions
  std::size_t score_terms = 1;  // attention_head::terms
  std::size_t depth = 0;
  /// The weights of the layers, which repeat in a cycle: one for each layer, or one for all (ALBERT).
  std::vector<encoder_layer> layers;

  /// The weights of a layer, from 0 to depth - 1.
  [[nodiscard]] const encoder_layer& layer(std::size_t index) const { return layers[index % layers.size()]; }

  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = embeddings.word.bytes() + (embeddings.position.size() + embeddings.type.size()) * sizeof(float);
    sum += projection ? projection->bytes() : 0;
    sum += relative_bias.bytes() + places.bytes();
    for (const encoder_layer& layer : layers) {
      sum += layer.query.bytes() + layer.key_value.bytes() + layer.attention_output.bytes() +
             layer.intermediate.bytes() + layer.output.bytes();
      for (const head_positions& head : layer.positions) {
        sum += head.bytes();
      }
    }
    return sum;
  }
};

/// One call's way through the layers of an encoder, on the threads of a team.
///
/// A layer runs in two steps, so that the [CLS] rows of a layer may be had without its other rows: project_key_value
/// over all tokens, then finish_rows for the first rows of each text, once or more often. Both give every row the same
/// bytes whichever rows go with it.
class layer_runner {
 public:
  layer_runner(const encoder& encoder, workspace& scratch, team& workers)
      : encoder_(encoder), scratch_(scratch), team_(workers) {
    if (scratch.attention.size() < workers.most_workers()) {
      scratch.attention.resize(workers.most_workers());
    }
  }

  /// The first layer's input rows [tokens, hidden]: text t, whose encoding is tokens_of(t), has the rows offsets[t] to
  /// offsets[t + 1] - 1.
  template <class TokensOf>
  void embed(std::size_t texts, const TokensOf& tokens_of, std::span<const std::size_t> offsets, float* rows) {
    const embeddings& tables = encoder_.embeddings;
    const std::size_t tokens = offsets.back();
    float* sums = rows;
    if (encoder_.projection) {
      grow(scratch_.intermediate, tokens * tables.width());
      sums = scratch_.intermediate.data();
    }
    for (std::size_t text = 0; text < texts; ++text) {
      tables.apply(tokens_of(text), sums + offsets[text] * tables.width());
    }
    if (!encoder_.normalizes_projection) {
      encoder_.kernels.normalize(tables.norm, sums, tokens);
    }
    if (encoder_.projection) {
      project(*encoder_.projection, sums, tokens, rows, epilogue::store, &encoder_.layer(0).key_value);
    }
    if (encoder_.normalizes_projection) {
      encoder_.kernels.normalize(tables.norm, rows, tokens);
    }
  }

  /// Keys and values of a layer's input rows [tokens, hidden] into the workspace.
  void project_key_value(const encoder_layer& layer, const float* rows, std::size_t tokens) {
    grow(scratch_.key_value, tokens * 2 * encoder_.hidden);
    pack(rows, tokens, encoder_.hidden);
    multiply(layer.key_value, scratch_.key_value.data(), epilogue::store, &layer.query);
  }

  /// The rest of a layer, in place. Text t has the rows row_offsets[t] to row_offsets[t + 1] - 1 of `rows`, those of
  /// its first tokens, and in the workspace the keys and values token_offsets[t] to token_offsets[t + 1] - 1 of all its
  /// tokens. `next` is what will be multiplied with afterwards, if that is known.
  void finish_rows(const encoder_layer& layer, std::span<const std::size_t> row_offsets,
                   std::span<const std::size_t> token_offsets, float* rows, const linear* next) {
    const std::size_t count = row_offsets.back();
    const std::size_t hidden = encoder_.hidden;
    const std::size_t intermediate = layer.intermediate.outputs();
    grow(scratch_.query, count * hidden);
    grow(scratch_.context, count * hidden);
    grow(scratch_.intermediate, count * intermediate);

    pack(rows, count, hidden);
    multiply(layer.query, scratch_.query.data(), epilogue::store, &layer.attention_output);
    attend(layer, row_offsets, token_offsets);
    pack(scratch_.context.data(), count, hidden);
    multiply(layer.attention_output, rows, epilogue::add, &layer.intermediate);
    normalize(layer.attention_norm, rows, count);
    pack(rows, count, hidden);
    multiply(layer.intermediate, scratch_.intermediate.data(), feed_forward_epilogue(), &layer.output);
    pack(scratch_.intermediate.data(), count, intermediate);
    multiply(layer.output, rows, epilogue::add, next);
    normalize(layer.output_norm, rows, count);
  }

  /// f(W x + b) of rows [count, weights.inputs()] into `outputs` [count, weights.outputs()].
  void project(const linear& weights, const float* rows, std::size_t count, float* outputs, epilogue finish,
               const linear* next) {
    pack(rows, count, weights.inputs());
    multiply(weights, outputs, finish, next);
  }

 private:
  /// Rows that one worker takes at a time where the work is by rows.
  static constexpr std::size_t rows_at_once = 16;

  [[nodiscard]] epilogue feed_forward_epilogue() const {
    switch (encoder_.feed_forward_activation) {
      case activation::gelu:
        return epilogue::gelu;
      case activation::gelu_tanh:
        return epilogue::gelu_tanh;
      case activation::relu:
        return epilogue::relu;
    }
    return epilogue::gelu;
  }

  /// Cuts 0..count into pieces of at most `most` and calls body(range, worker) for each.
  template <class Body>
  void for_each_piece(std::size_t count, std::size_t most, const Body& body) {
    const std::size_t pieces = layout::ceil_divide(count, most);
    team_.for_each(pieces, [&](std::size_t piece, std::size_t worker) {
      body(index_range{count * piece / pieces, count * (piece + 1) / pieces}, worker);
    });
  }

  void pack(const float* rows, std::size_t count, std::size_t inputs) {
    scratch_.packed.resize(encoder_.kernels.layout, count, inputs);
    for_each_piece(count, rows_at_once, [&](index_range range, std::size_t /*worker*/) {
      encoder_.kernels.pack(rows, inputs, range, scratch_.packed);
    });
  }

  void multiply(const linear& weights, float* outputs, epilogue finish, const linear* next) {
    constexpr std::size_t brought_near = 512U << 10U;  // a part of the second-level cache
    const std::span<const std::uint32_t> none;
    const std::span<const std::uint32_t> ahead = next == nullptr ? none : next->beginning(brought_near);
    const std::size_t share = layout::ceil_divide(weights.panels(), team_.size());
    for_each_piece(weights.panels(), share, [&](index_range panels, std::size_t /*worker*/) {
      float* target = outputs + panels.first * encoder_.kernels.layout.panel_width;
      encoder_.kernels.multiply(scratch_.packed, weights, panels,
                                {target, weights.outputs(), finish, panels.last == weights.panels() ? ahead : none});
    });
  }

  void normalize(const layer_norm& norm, float* rows, std::size_t count) {
    for_each_piece(count, rows_at_once, [&](index_range range, std::size_t /*worker*/) {
      encoder_.kernels.normalize(norm, rows + range.first * encoder_.hidden, range.last - range.first);
    });
  }

  void attend(const encoder_layer& layer, std::span<const std::size_t> row_offsets,
              std::span<const std::size_t> token_offsets) {
    const std::size_t hidden = encoder_.hidden;
    const std::size_t heads = encoder_.heads;
    const std::size_t size = hidden / heads;
    team_.for_each((row_offsets.size() - 1) * heads, [&](std::size_t index, std::size_t worker) {
      const std::size_t text = index / heads;
      const std::size_t head = index % heads;
      const std::size_t column = head * size;
      const float* keys = scratch_.key_value.data() + token_offsets[text] * 2 * hidden + column;
      encoder_.kernels.attend({.query = scratch_.query.data() + row_offsets[text] * hidden + column,
                               .queries = row_offsets[text + 1] - row_offsets[text],
                               .query_stride = hidden,
                               .key = keys,
                               .value = keys + hidden,
                               .tokens = token_offsets[text + 1] - token_offsets[text],
                               .key_value_stride = 2 * hidden,
                               .size = size,
                               .context = scratch_.context.data() + row_offsets[text] * hidden + column,
                               .context_stride = hidden,
                               .bias = encoder_.relative_bias.of_head(head),
                               .terms = encoder_.score_terms,
                               .places = &encoder_.places,
                               .positions = layer.positions.empty() ? nullptr : &layer.positions[head]},
                              scratch_.attention[worker]);
    });
  }

  const encoder& encoder_;
  workspace& scratch_;
  team& team_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
