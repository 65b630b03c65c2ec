// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/activation.hpp>
#include <offramp/nn/encoder.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/layer_norm.hpp>
#include <offramp/nn/linear.hpp>
#include <offramp/nn/rotation.hpp>
#include <offramp/nn/team.hpp>
#include <offramp/nn/text_parts.hpp>
#include <offramp/nn/workspace.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// One call's way through the layers of an encoder, on the threads of a team.
///
/// A layer runs as a whole, or in two steps, so that the [CLS] rows of a layer may be had without its other rows:
/// project_key_value over all tokens, then finish_rows for the first rows of each text, once or more often. All give
/// every row the same bytes whichever rows go with it. Texts go part by part, see for_each_text_part.
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

  /// A layer, in place. Text t has the rows offsets[t] to offsets[t + 1] - 1 of `rows` [tokens, hidden]. `next` is what
  /// will be multiplied with afterwards, if that is known; likewise below.
  void run(const encoder_layer& layer, std::span<const std::size_t> offsets, float* rows, const linear* next) {
    scratch_.keeps_key_value = false;
    make_room(layer, offsets);
    grow(scratch_.key_value, most_rows_of_part(offsets) * 2 * encoder_.hidden);
    for_each_text_part(offsets, [&](const text_part& part) {
      float* const first = rows + part.first_row() * encoder_.hidden;
      pack_input(layer.attention_norm, first, part.rows());
      project_packed(layer.key_value, layer, part, scratch_.key_value.data(), &layer.query);
      attend_packed(layer, part, part, scratch_.key_value.data());
      finish(layer, first, part.rows(), part.is_last ? next : &layer.key_value);
    });
  }

  /// Keys and values of a layer's input rows [tokens, hidden] into the workspace; text t has the rows offsets[t] to
  /// offsets[t + 1] - 1.
  void project_key_value(const encoder_layer& layer, const float* rows, std::span<const std::size_t> offsets) {
    grow(scratch_.key_value, offsets.back() * 2 * encoder_.hidden);
    scratch_.keeps_key_value = true;
    for_each_text_part(offsets, [&](const text_part& part) {
      pack_input(layer.attention_norm, rows + part.first_row() * encoder_.hidden, part.rows());
      project_packed(layer.key_value, layer, part, scratch_.key_value.data() + part.first_row() * 2 * encoder_.hidden,
                     part.is_last ? &layer.query : &layer.key_value);
    });
  }

  /// The rest of a layer, in place. Text t has the rows row_offsets[t] to row_offsets[t + 1] - 1 of `rows`, those of
  /// its first tokens, and in the workspace the keys and values token_offsets[t] to token_offsets[t + 1] - 1 of all its
  /// tokens.
  void finish_rows(const encoder_layer& layer, std::span<const std::size_t> row_offsets,
                   std::span<const std::size_t> token_offsets, float* rows, const linear* next) {
    make_room(layer, row_offsets);
    for_each_text_part(row_offsets, [&](const text_part& part) {
      const text_part tokens{part.first_text, token_offsets.subspan(part.first_text, part.texts() + 1), part.is_last};
      float* const first = rows + part.first_row() * encoder_.hidden;
      pack_input(layer.attention_norm, first, part.rows());
      attend_packed(layer, part, tokens, scratch_.key_value.data() + tokens.first_row() * 2 * encoder_.hidden);
      finish(layer, first, part.rows(), part.is_last ? next : &layer.query);
    });
  }

  /// The rows [count, hidden] of a layer as exits read them: themselves, or normalized in the workspace, until its next
  /// use.
  [[nodiscard]] const float* read_by_exits(const float* rows, std::size_t count) {
    if (!encoder_.final_norm) {
      return rows;
    }
    grow(scratch_.context, count * encoder_.hidden);
    std::copy_n(rows, count * encoder_.hidden, scratch_.context.data());
    encoder_.kernels.normalize(*encoder_.final_norm, scratch_.context.data(), count);
    return scratch_.context.data();
  }

  /// f(W x + b) of rows [count, weights.inputs()] into `outputs` [count, weights.outputs()].
  void project(const linear& weights, const float* rows, std::size_t count, float* outputs, epilogue finish,
               const linear* next) {
    pack(rows, count, weights.inputs());
    multiply(weights, outputs, finish, next);
  }

  /// Layer normalization in place of rows [count, hidden].
  void normalize(const layer_norm& norm, float* rows, std::size_t count) {
    for_each_piece(count, rows_at_once, [&](index_range range, std::size_t /*worker*/) {
      encoder_.kernels.normalize(norm, rows + range.first * encoder_.hidden, range.last - range.first);
    });
  }

 private:
  /// Rows that one worker takes at a time where the work is by rows.
  static constexpr std::size_t rows_at_once = 16;

  /// Cuts 0..count into pieces of at most `most` and calls body(range, worker) for each.
  template <class Body>
  void for_each_piece(std::size_t count, std::size_t most, const Body& body) {
    const std::size_t pieces = layout::ceil_divide(count, most);
    team_.for_each(pieces, [&](std::size_t piece, std::size_t worker) {
      body(index_range{count * piece / pieces, count * (piece + 1) / pieces}, worker);
    });
  }

  /// For the parts of these texts, whichever of them leave: what a call needs does not depend on chance.
  void make_room(const encoder_layer& layer, std::span<const std::size_t> offsets) {
    const std::size_t rows = most_rows_of_part(offsets);
    const std::size_t group = std::min(rows, packed_rows::most_rows_of_group);
    const std::size_t intermediate = layer.intermediate.outputs();
    grow(scratch_.query, rows * encoder_.hidden);
    grow(scratch_.context, rows * encoder_.hidden);
    grow(scratch_.intermediate, group * intermediate);
    grow(scratch_.gate, layer.gate ? group * intermediate : 0);
    scratch_.packed.reserve(encoder_.kernels.layout, rows, encoder_.hidden);
    scratch_.packed.reserve(encoder_.kernels.layout, group, intermediate);
  }

  /// Queries, or keys and values, of the packed rows of a part.
  void project_packed(const linear& weights, const encoder_layer& layer, const text_part& part, float* outputs,
                      const linear* next) {
    multiply(weights, outputs, epilogue::store, next);
    rotate(layer, outputs, weights.outputs(), part);
  }

  /// The context of the packed rows of a part, of whose `tokens` key_value is.
  void attend_packed(const encoder_layer& layer, const text_part& part, const text_part& tokens,
                     const float* key_value) {
    project_packed(layer.query, layer, part, scratch_.query.data(), &layer.attention_output);
    attend(layer, part, tokens, key_value);
  }

  /// From the context of rows [count, hidden] to their outputs, group by group of rows.
  void finish(const encoder_layer& layer, float* rows, std::size_t count, const linear* next) {
    const std::size_t hidden = encoder_.hidden;
    const std::size_t most = packed_rows::choose_rows_of_group(count);
    for (std::size_t first = 0; first < count; first += most) {
      const std::size_t together = std::min(most, count - first);
      float* const group = rows + first * hidden;
      pack(scratch_.context.data() + first * hidden, together, hidden);
      multiply(layer.attention_output, group, epilogue::add, &layer.intermediate);
      normalize_sum(layer.attention_norm, group, together);
      feed_forward(layer, group, together, first + together == count ? next : &layer.attention_output);
      normalize_sum(layer.output_norm, group, together);
    }
  }

  void pack(const float* rows, std::size_t count, std::size_t inputs) {
    scratch_.packed.resize(encoder_.kernels.layout, count, inputs);
    for_each_piece(count, rows_at_once, [&](index_range range, std::size_t /*worker*/) {
      encoder_.kernels.pack(rows, inputs, range, scratch_.packed);
    });
  }

  /// target[i] *= factors[i].
  static void multiply_elements(const float* factors, std::size_t size, float* target) {
    const auto count = static_cast<Eigen::Index>(size);
    Eigen::Map<Eigen::ArrayXf>(target, count) *= Eigen::Map<const Eigen::ArrayXf>(factors, count);
  }

  /// Packs the input of a step, whose norm comes before it or after.
  void pack_input(const layer_norm& norm, const float* rows, std::size_t count) {
    if (encoder_.order == norm_order::after || norm.scale.empty()) {
      pack(rows, count, encoder_.hidden);
      return;
    }
    grow(scratch_.normalized, count * encoder_.hidden);
    scratch_.packed.resize(encoder_.kernels.layout, count, encoder_.hidden);
    for_each_piece(count, rows_at_once, [&](index_range range, std::size_t /*worker*/) {
      float* const copy = scratch_.normalized.data() + range.first * encoder_.hidden;
      std::copy_n(rows + range.first * encoder_.hidden, (range.last - range.first) * encoder_.hidden, copy);
      encoder_.kernels.normalize(norm, copy, range.last - range.first);
      encoder_.kernels.pack(scratch_.normalized.data(), encoder_.hidden, range, scratch_.packed);
    });
  }

  void normalize_sum(const layer_norm& norm, float* rows, std::size_t count) {
    if (encoder_.order == norm_order::after) {
      normalize(norm, rows, count);
    }
  }

  /// Adds the feed-forward part of a layer to its rows.
  void feed_forward(const encoder_layer& layer, float* rows, std::size_t count, const linear* next) {
    const std::size_t intermediate = layer.intermediate.outputs();
    pack_input(layer.output_norm, rows, count);
    multiply(layer.intermediate, scratch_.intermediate.data(), epilogue_of(encoder_.feed_forward_activation),
             layer.gate ? &*layer.gate : &layer.output);
    if (layer.gate) {
      multiply(*layer.gate, scratch_.gate.data(), epilogue::store, &layer.output);
      for_each_piece(count, rows_at_once, [&](index_range range, std::size_t /*worker*/) {
        multiply_elements(scratch_.gate.data() + range.first * intermediate, (range.last - range.first) * intermediate,
                          scratch_.intermediate.data() + range.first * intermediate);
      });
    }
    pack(scratch_.intermediate.data(), count, intermediate);
    multiply(layer.output, rows, epilogue::add, next);
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

  /// Calls body(text, head, worker) for every head of every text.
  template <class Body>
  void for_each_head(std::size_t texts, const Body& body) {
    const std::size_t heads = encoder_.heads;
    team_.for_each(texts * heads,
                   [&](std::size_t index, std::size_t worker) { body(index / heads, index % heads, worker); });
  }

  /// Turns queries or keys, the first columns of `rows`, where the layer does so.
  void rotate(const encoder_layer& layer, float* rows, std::size_t stride, const text_part& part) {
    if (!layer.rotary_base) {
      return;
    }
    std::size_t longest = 0;
    for (std::size_t text = 0; text < part.texts(); ++text) {
      longest = std::max(longest, part.end(text) - part.begin(text));
    }
    const std::size_t size = encoder_.hidden / encoder_.heads;
    const rotation& turn = scratch_.rotations.prepare(*layer.rotary_base, size, longest);
    for_each_head(part.texts(), [&](std::size_t text, std::size_t head, std::size_t /*worker*/) {
      for (std::size_t row = part.begin(text); row < part.end(text); ++row) {
        turn.apply(row - part.begin(text), rows + row * stride + head * size);
      }
    });
  }

  void attend(const encoder_layer& layer, const text_part& rows, const text_part& tokens, const float* key_value) {
    const std::size_t hidden = encoder_.hidden;
    const std::size_t size = hidden / encoder_.heads;
    const attention_window all_keys;
    const attention_window& window = layer.is_local ? encoder_.window : all_keys;
    for_each_head(rows.texts(), [&](std::size_t text, std::size_t head, std::size_t worker) {
      const std::size_t column = head * size;
      const float* keys = key_value + tokens.begin(text) * 2 * hidden + column;
      const attention_head whole{.query = scratch_.query.data() + rows.begin(text) * hidden + column,
                                 .queries = rows.end(text) - rows.begin(text),
                                 .query_stride = hidden,
                                 .key = keys,
                                 .value = keys + hidden,
                                 .tokens = tokens.end(text) - tokens.begin(text),
                                 .key_value_stride = 2 * hidden,
                                 .size = size,
                                 .context = scratch_.context.data() + rows.begin(text) * hidden + column,
                                 .context_stride = hidden,
                                 .bias = encoder_.relative_bias.of_head(head),
                                 .terms = encoder_.score_terms,
                                 .places = &encoder_.places,
                                 .positions = layer.positions.empty() ? nullptr : &layer.positions[head]};
      window.for_each_part(
          whole, [&](const attention_head& part) { encoder_.kernels.attend(part, scratch_.attention[worker]); });
    });
  }

  const encoder& encoder_;
  workspace& scratch_;
  team& team_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
