// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/load_options.hpp>
#include <offramp/model/checkpoint.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/linear_weights.hpp>
#include <offramp/nn/encoder.hpp>
#include <offramp/nn/relative_bias.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
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
  const embedding_names& names = shape.family->embeddings;
  const auto width = static_cast<std::size_t>(shape.embedding_size);
  const auto full = [&](std::string_view table) { return name + std::string(table); };
  const auto read = [&](std::string_view table, int rows) {
    return tensors.read(full(table) + ".weight", {static_cast<std::size_t>(rows), width});
  };
  const auto normalized =
      static_cast<std::size_t>(shape.family->normalizes_projection ? shape.hidden_size : shape.embedding_size);
  return {
      .word = tensors.read_table(full(names.word) + ".weight", static_cast<std::size_t>(shape.vocabulary_size), width),
      .position = shape.embeds_positions ? read(names.position, shape.max_positions) : std::vector<float>(),
      .type = shape.embeds_types ? read(names.type, shape.type_vocabulary_size) : std::vector<float>(),
      .norm = read_layer_norm(tensors, full(names.norm), normalized, shape.layer_norm_epsilon, shape.norm_bias),
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
  return read_linear(tensors, name, outputs, inputs, layout, family.normalizes_projection ? bias::none : bias::stored);
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

/// The queries, keys and values of the layer whose tensors are called `prefix` and then as the family says.
inline void read_query_key_value(const checkpoint& tensors, const std::string& prefix, const config& shape,
                                 const nn::layout& layout, nn::encoder_layer& layer) {
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const layer_names& names = shape.family->names;
  const bool is_fused = !names.query_key_value.empty();
  const std::string first = prefix + std::string(is_fused ? names.query_key_value : names.query);
  tensors.check_shape(first + ".weight", {is_fused ? 3 * hidden : hidden, hidden});  // before what is none takes memory
  layer.query = nn::linear(layout, hidden, hidden);
  layer.key_value = nn::linear(layout, 2 * hidden, hidden);
  const auto read = [&](std::string_view name, std::initializer_list<linear_part> parts) {
    read_linear(tensors, prefix + std::string(name), parts, hidden, shape.attention_bias);
  };
  if (is_fused) {
    read(names.query_key_value, {{layer.query, 0, hidden}, {layer.key_value, 0, 2 * hidden}});
    return;
  }
  read(names.query, {{layer.query, 0, hidden}});
  read(names.key, {{layer.key_value, 0, hidden}});
  read(names.value, {{layer.key_value, hidden, hidden}});
}

/// The feed-forward part of such a layer.
inline void read_feed_forward(const checkpoint& tensors, const std::string& prefix, const config& shape,
                              const nn::layout& layout, nn::encoder_layer& layer) {
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const auto intermediate = static_cast<std::size_t>(shape.intermediate_size);
  const std::string first = prefix + std::string(shape.family->names.intermediate);
  const std::string second = prefix + std::string(shape.family->names.output);
  tensors.check_shape(first + ".weight", {shape.family->is_gated ? 2 * intermediate : intermediate, hidden});
  layer.intermediate = nn::linear(layout, intermediate, hidden);
  if (shape.family->is_gated) {
    nn::linear& gate = layer.gate.emplace(layout, intermediate, hidden);
    read_linear(tensors, first, {{layer.intermediate, 0, intermediate}, {gate, 0, intermediate}}, hidden,
                shape.feed_forward_bias);
  } else {
    read_linear(tensors, first, {{layer.intermediate, 0, intermediate}}, hidden, shape.feed_forward_bias);
  }
  layer.output = read_linear(tensors, second, hidden, intermediate, layout, shape.feed_forward_bias);
}

/// Layer `index` of the backbone with that prefix.
inline nn::encoder_layer read_encoder_layer(const checkpoint& tensors, const std::string& backbone, std::size_t index,
                                            const config& shape, const nn::layout& layout) {
  const std::string prefix = backbone + numbered(shape.family->layer, index);
  const auto hidden = static_cast<std::size_t>(shape.hidden_size);
  const layer_names& names = shape.family->names;
  const auto read_norm = [&](std::string_view name) {
    return read_layer_norm(tensors, prefix + std::string(name), hidden, shape.layer_norm_epsilon, shape.norm_bias);
  };
  nn::encoder_layer layer{.query = {},
                          .key_value = {},
                          .attention_output = read_linear(tensors, prefix + std::string(names.attention_output), hidden,
                                                          hidden, layout, shape.attention_bias),
                          .attention_norm = {},
                          .intermediate = {},
                          .output = {},
                          .output_norm = read_norm(names.output_norm)};
  read_query_key_value(tensors, prefix, shape, layout, layer);
  read_feed_forward(tensors, prefix, shape, layout, layer);
  if (index > 0 || shape.family->order == nn::norm_order::after) {
    layer.attention_norm = read_norm(names.attention_norm);
  }
  if (!shape.attention.empty()) {
    layer.is_local = shape.attention[index].reach.has_value();
    layer.rotary_base = shape.attention[index].rotary_base;
  }
  return layer;
}

/// All local layers have the same.
inline nn::attention_window window_of(const config& shape) {
  for (const layer_attention& layer : shape.attention) {
    if (layer.reach) {
      return nn::attention_window(static_cast<std::size_t>(*layer.reach));
    }
  }
  return {};
}

/// What stands before "embeddings." in the checkpoint's names: the family's prefix, one that an early-exit system gave
/// its BERT, or nothing for a bare encoder. Throws `bad_model` where the word embeddings are missing and the decoder of
/// a masked language model, which shares them by default, is there: that it did is not written in the file.
inline std::string backbone_prefix(const checkpoint& tensors, const family& family) {
  const embedding_names& names = family.embeddings;
  for (const std::string_view prefix :
       {family.prefix, std::string_view("bert_model."), std::string_view("elasticbert."), std::string_view()}) {
    const auto named = [&](std::string_view part) {
      return std::string(prefix) + "embeddings." + std::string(part) + ".weight";
    };
    const std::string words = named(names.word);
    if (tensors.contains(words)) {
      return std::string(prefix);
    }
    for (const std::string_view decoder :
         {"cls.predictions.decoder.weight", "predictions.decoder.weight", "lm_head.decoder.weight", "lm_head.weight",
          "vocab_projector.weight", "generator_lm_head.weight", "decoder.weight"}) {
      if (tensors.contains(named(names.position.empty() ? names.norm : names.position)) && tensors.contains(decoder)) {
        tensors.refuse_missing(words, "store \"" + std::string(decoder) + "\" under that name too if it is the same");
      }
    }
  }
  return "";
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
