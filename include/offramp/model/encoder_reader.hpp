// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/relative_table.hpp>
#include <offramp/model/weights.hpp>
#include <offramp/nn/encoder.hpp>
#include <offramp/nn/kernels.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// Reads the first layers of an encoder in parts, which several threads may read at once: the embeddings, then each
/// layer.
class encoder_reader {
 public:
  /// Of `num_layers` layers, packed for `kernels`; of none, where every text leaves before it is embedded. What it
  /// refers to must outlive it. Throws `bad_model`.
  encoder_reader(const checkpoint& tensors, const config& shape, int num_layers, const nn::kernels& kernels)
      : tensors_(tensors), shape_(shape) {
    encoder_.kernels = kernels;
    encoder_.hidden = static_cast<std::size_t>(shape.hidden_size);
    if (num_layers == 0) {
      return;
    }
    const family& family = *shape.family;
    prefix_ = backbone_prefix(tensors, family);
    encoder_.heads = static_cast<std::size_t>(shape.num_heads);
    encoder_.feed_forward_activation = shape.hidden_activation;
    encoder_.order = family.order;
    encoder_.normalizes_projection = family.normalizes_projection;
    encoder_.score_terms = static_cast<std::size_t>(shape.relative.terms());
    encoder_.window = window_of(shape);
    encoder_.depth = static_cast<std::size_t>(num_layers);
    encoder_.layers = std::vector<nn::encoder_layer>(family.shares_layers() ? 1 : encoder_.depth);
    if (shape.relative.has_table()) {
      encoder_.places = {shape.relative.range, static_cast<std::size_t>(shape.usable_positions())};
      positions_.emplace(tensors, prefix_, shape, kernels, encoder_.places);
    }
  }

  [[nodiscard]] std::size_t parts() const noexcept { return encoder_.layers.empty() ? 0 : encoder_.layers.size() + 1; }

  /// Each part is read once; different ones are safe from several threads. Throws as checkpoint does.
  void read(std::size_t part) {
    if (part == 0) {  // the largest, so it comes first
      read_what_layers_share();
    } else {
      read_layer(part - 1);
    }
  }

  /// Once all parts are read.
  [[nodiscard]] nn::encoder take() { return std::move(encoder_); }

 private:
  void read_what_layers_share() {
    encoder_.embeddings = read_embeddings(tensors_, prefix_ + "embeddings.", shape_);
    encoder_.projection = read_projection(tensors_, prefix_, shape_, encoder_.kernels.layout);
    encoder_.relative_bias = read_relative_bias(tensors_, prefix_, shape_);
    if (!shape_.family->final_norm.empty()) {
      encoder_.final_norm = read_layer_norm(tensors_, prefix_ + std::string(shape_.family->final_norm), encoder_.hidden,
                                            shape_.layer_norm_epsilon, shape_.norm_bias);
    }
  }

  void read_layer(std::size_t index) {
    nn::encoder_layer& layer = encoder_.layers[index];
    layer = read_encoder_layer(tensors_, prefix_, index, shape_, encoder_.kernels.layout);
    if (positions_) {
      layer.positions = positions_->project(layer, prefix_ + numbered(shape_.family->layer, index));
    }
  }

  const checkpoint& tensors_;
  const config& shape_;
  std::string prefix_;
  std::optional<relative_table> positions_;
  nn::encoder encoder_{};
};

/// All of it, on this thread.
[[nodiscard]] inline nn::encoder read_encoder(const checkpoint& tensors, const config& shape, int num_layers,
                                              const nn::kernels& kernels) {
  encoder_reader reader(tensors, shape, num_layers, kernels);
  for (std::size_t part = 0; part < reader.parts(); ++part) {
    reader.read(part);
  }
  return reader.take();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
