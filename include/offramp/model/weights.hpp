// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/lend.hpp>
#include <offramp/load_options.hpp>
#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/linear_weights.hpp>
#include <offramp/model/relative_table.hpp>
#include <offramp/nn/encoder_layer.hpp>
#include <offramp/nn/relative_bias.hpp>
#include <offramp/runner.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// Throws `unsupported` where a linear layer has more inputs than the sums of `format` can take in. Only the
/// feed-forward size may be that large.
inline void check_sums(const config& shape, const file_set& files, numeric_format format) {
  constexpr auto most = static_cast<int>(nn::most_int8_inputs);
  if (format == numeric_format::int8 && shape.intermediate_size > most) {
    throw error(error_kind::unsupported, files.describe("config.json") + ": " +
                                             std::string(shape.family->keys.intermediate_size) + " is " +
                                             std::to_string(shape.intermediate_size) + ", expected at most " +
                                             std::to_string(most) + " in int8, whose sums would overflow");
  }
}

inline nn::embeddings read_embeddings(const checkpoint& tensors, const std::string& name, const config& shape) {
  const auto width = static_cast<std::size_t>(shape.embedding_size);
  const auto read = [&](const char* table, int rows) {
    return tensors.read(name + table + "_embeddings.weight", {static_cast<std::size_t>(rows), width});
  };
  const auto normalized =
      static_cast<std::size_t>(shape.family->normalizes_projection ? shape.hidden_size : shape.embedding_size);
  return {.word = tensors.read_table(name + "word_embeddings.weight", static_cast<std::size_t>(shape.vocabulary_size),
                                     width),
          .position = shape.embeds_positions ? read("position", shape.max_positions) : std::vector<float>(),
          .type = shape.embeds_types ? read("token_type", shape.type_vocabulary_size) : std::vector<float>(),
          .norm = read_layer_norm(tensors, name + "LayerNorm", normalized, shape.layer_norm_epsilon),
          .padding = shape.padding_id};
}

/// From the embeddings' size to the hidden size, where the family has such a layer.
inline std::optional<nn::linear> read_projection(const checkpoint& tensors, const std::string& prefix,
                                                 const config& shape, const nn::layout& layout) {
  const family& family = *shape.family;
  const bool sizes_differ = shape.embedding_size != shape.hidden_size;
  if (family.projection == projection::none || (family.projection == projection::where_sizes_differ && !sizes_differ)) {
    return std::nullopt;
  }
  const std::string name = prefix + std::string(family.projection_name);
  const auto outputs = static_cast<std::size_t>(shape.hidden_size);
  const auto inputs = static_cast<std::size_t>(shape.embedding_size);
  if (!family.normalizes_projection) {
    return read_linear(tensors, name, outputs, inputs, layout);
  }
  nn::linear without_bias(layout, outputs, inputs);
  read_linear_weights(tensors, name, outputs, inputs, without_bias);
  return without_bias;
}

/// The table that all layers share, where the family has one, spread out for texts of every length.
inline nn::relative_bias read_relative_bias(const checkpoint& tensors, const std::string& prefix, const config& shape) {
  if (shape.relative_buckets == 0) {
    return {};
  }
  const auto buckets = static_cast<std::size_t>(shape.relative_buckets);
  const auto heads = static_cast<std::size_t>(shape.num_heads);
  return {tensors.read(prefix + std::string(shape.family->relative_bias), {buckets, heads}), heads,
          static_cast<std::size_t>(shape.usable_positions())};
}

/// The layer whose tensors are called `prefix` and then as the family says.
inline nn::encoder_layer read_encoder_layer(const checkpoint& tensors, const std::string& prefix, const config& shape,
                                            const nn::layout& layout) {
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const auto intermediate = static_cast<std::size_t>(shape.intermediate_size);
  const layer_names& names = shape.family->names;
  const auto full = [&](std::string_view name) { return prefix + std::string(name); };
  const auto read = [&](std::string_view name, std::size_t outputs, std::size_t inputs) {
    return read_linear(tensors, full(name), outputs, inputs, layout);
  };
  nn::linear key_value(layout, 2 * hidden, hidden);
  read_linear(tensors, full(names.key), hidden, hidden, key_value, 0);
  read_linear(tensors, full(names.value), hidden, hidden, key_value, hidden);
  return {.query = read(names.query, hidden, hidden),
          .key_value = std::move(key_value),
          .attention_output = read(names.attention_output, hidden, hidden),
          .attention_norm = read_layer_norm(tensors, full(names.attention_norm), hidden, shape.layer_norm_epsilon),
          .intermediate = read(names.intermediate, intermediate, hidden),
          .output = read(names.output, hidden, intermediate),
          .output_norm = read_layer_norm(tensors, full(names.output_norm), hidden, shape.layer_norm_epsilon)};
}

/// What stands before "embeddings." in the checkpoint's names: the family's prefix, one that an early-exit system gave
/// its BERT, or nothing for a bare encoder. Throws `bad_model` where the word embeddings are missing and the decoder of
/// a masked language model, which shares them by default, is there: that it did is not written in the file.
inline std::string backbone_prefix(const checkpoint& tensors, const family& family) {
  for (const std::string_view prefix :
       {family.prefix, std::string_view("bert_model."), std::string_view("elasticbert."), std::string_view()}) {
    const std::string words = std::string(prefix) + "embeddings.word_embeddings.weight";
    if (tensors.contains(words)) {
      return std::string(prefix);
    }
    for (const std::string_view decoder :
         {"cls.predictions.decoder.weight", "predictions.decoder.weight", "lm_head.decoder.weight", "lm_head.weight",
          "vocab_projector.weight", "generator_lm_head.weight"}) {
      if (tensors.contains(std::string(prefix) + "embeddings.position_embeddings.weight") &&
          tensors.contains(decoder)) {
        tensors.refuse_missing(words, "store \"" + std::string(decoder) + "\" under that name too if it is the same");
      }
    }
  }
  return "";
}

/// Counts the parts of a model that are ready, on several threads.
class part_counter {
 public:
  part_counter(std::size_t parts, const load_progress& report) : parts_(parts), report_(report) { tell(); }

  void add_one() {
    const std::scoped_lock lock(mutex_);
    ++ready_;
    tell();
  }

 private:
  void tell() const {
    if (report_) {
      report_(ready_, parts_);
    }
  }

  std::mutex mutex_;
  std::size_t ready_ = 0;
  std::size_t parts_;
  const load_progress& report_;
};

/// The encoder's first `num_layers` layers, packed for `kernels`, on the threads that `run` lends: each reads a layer,
/// or the embeddings.
inline nn::encoder read_encoder(const checkpoint& tensors, const config& shape, int num_layers,
                                const nn::kernels& kernels, const runner& run = {}, const load_progress& report = {}) {
  if (num_layers == 0) {  // every text leaves before it is embedded
    nn::encoder encoder{};
    encoder.kernels = kernels;
    encoder.hidden = static_cast<std::size_t>(shape.hidden_size);
    return encoder;
  }
  const family& family = *shape.family;
  const std::string prefix = backbone_prefix(tensors, family);
  const auto depth = static_cast<std::size_t>(num_layers);
  const std::size_t distinct = family.shares_layers() ? 1 : depth;
  part_counter ready(distinct + 1, report);
  nn::encoder encoder{.kernels = kernels,
                      .hidden = static_cast<std::size_t>(shape.hidden_size),
                      .heads = static_cast<std::size_t>(shape.num_heads),
                      .feed_forward_activation = shape.hidden_activation,
                      .embeddings = {},
                      .normalizes_projection = family.normalizes_projection,
                      .score_terms = static_cast<std::size_t>(shape.relative.terms()),
                      .depth = depth,
                      .layers = std::vector<nn::encoder_layer>(distinct)};
  std::optional<relative_table> positions;
  if (shape.relative.has_table()) {
    encoder.places = {shape.relative.range, static_cast<std::size_t>(shape.usable_positions())};
    positions.emplace(tensors, prefix, shape, kernels, encoder.places);
  }
  offramp::detail::lend(run, distinct + 1, [&](std::size_t part) {
    if (part == 0) {  // the largest, so it comes first
      encoder.embeddings = read_embeddings(tensors, prefix + "embeddings.", shape);
      encoder.projection = read_projection(tensors, prefix, shape, kernels.layout);
      encoder.relative_bias = read_relative_bias(tensors, prefix, shape);
    } else {
      const std::string name = prefix + numbered(family.layer, part - 1);
      nn::encoder_layer& layer = encoder.layers[part - 1];
      layer = read_encoder_layer(tensors, name, shape, kernels.layout);
      if (positions) {
        layer.positions = positions->project(layer, name);
      }
    }
    ready.add_one();
  });
  return encoder;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
