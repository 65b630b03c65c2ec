// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/activation.hpp>
#include <offramp/nn/attention_window.hpp>
#include <offramp/nn/embeddings.hpp>
#include <offramp/nn/head_positions.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/layer_norm.hpp>
#include <offramp/nn/linear.hpp>
#include <offramp/nn/relative_bias.hpp>
#include <offramp/nn/relative_places.hpp>

#include <cassert>
#include <cstddef>
#include <optional>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// One transformer layer: its weights, and how it attends.
struct encoder_layer {
  linear query;             // [hidden] -> [hidden]
  linear key_value;         // [hidden] -> [2 * hidden]
  linear attention_output;  // [hidden] -> [hidden]
  layer_norm attention_norm;
  linear intermediate;  // [hidden] -> [intermediate]
  /// [hidden] -> [intermediate], in gated layers (Shazeer 2020): its outputs times the activated intermediate ones.
  std::optional<linear> gate = {};
  linear output;  // [intermediate] -> [hidden]
  layer_norm output_norm;
  std::vector<head_positions> positions = {};  // one for each head, or none at all
  bool is_local = false;                       // attends within the encoder's window
  /// Set where queries and keys turn with their positions, see rotation.
  std::optional<float> rotary_base = {};
};

/// What a layer normalizes.
enum class norm_order {
  after,   ///< the sum of each step's input and output (Devlin et al. 2019)
  before,  ///< each step's input (Xiong et al. 2020); a norm without weights leaves it as it is
};

/// Everything below the exits. Immutable once loaded.
struct encoder {
  nn::kernels kernels;
  std::size_t hidden = 0;
  std::size_t heads = 0;
  activation feed_forward_activation = activation::gelu;
  norm_order order = norm_order::after;
  nn::embeddings embeddings;
  /// [embeddings.width()] -> [hidden], where the two may differ (ELECTRA, ALBERT).
  std::optional<linear> projection = {};
  /// Whether the norm of the embeddings comes behind the projection (DeBERTa).
  bool normalizes_projection = false;
  nn::relative_bias relative_bias = {};
  relative_places places = {};   // of the layers' positions
  std::size_t score_terms = 1;   // attention_head::terms
  attention_window window = {};  // of all local layers
  std::size_t depth = 0;
  /// The weights of the layers: one for each, or one for all (ALBERT).
  std::vector<encoder_layer> layers;
  /// Applied to the rows of any layer before exits read them: what is above a layer reads them without.
  std::optional<layer_norm> final_norm = {};

  /// The weights of a layer, from 0 to depth - 1.
  [[nodiscard]] const encoder_layer& layer(std::size_t index) const {
    assert(index < depth);
    return layers[layers.size() == 1 ? 0 : index];
  }

  /// What the rows that exits read of a layer were normalized by.
  [[nodiscard]] const layer_norm& last_norm(std::size_t index) const {
    return final_norm ? *final_norm : layer(index).output_norm;
  }

  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = embeddings.word.bytes() + (embeddings.position.size() + embeddings.type.size()) * sizeof(float);
    sum += embeddings.norm.bytes() + (projection ? projection->bytes() : 0) + (final_norm ? final_norm->bytes() : 0);
    sum += relative_bias.bytes() + places.bytes();
    for (const encoder_layer& layer : layers) {
      sum += layer.query.bytes() + layer.key_value.bytes() + layer.attention_output.bytes() +
             layer.intermediate.bytes() + (layer.gate ? layer.gate->bytes() : 0) + layer.output.bytes() +
             layer.attention_norm.bytes() + layer.output_norm.bytes();
      for (const head_positions& head : layer.positions) {
        sum += head.bytes();
      }
    }
    return sum;
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
