// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/pooling.hpp>
#include <offramp/nn/activation.hpp>
#include <offramp/nn/encoder.hpp>
#include <offramp/nn/kernels.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// What the tables and the norm of the embeddings are called, behind "embeddings.". Empty: the family has none.
struct embedding_names {
  std::string_view word = "word_embeddings";
  std::string_view position = "position_embeddings";
  std::string_view type = "token_type_embeddings";
  std::string_view norm = "LayerNorm";
};

/// What the linear layers and norms of one encoder layer are called, behind the layer's own name.
struct layer_names {
  std::string_view query_key_value = {};  ///< the three one below the other; empty: each for itself
  std::string_view query = "attention.self.query";
  std::string_view key = "attention.self.key";
  std::string_view value = "attention.self.value";
  std::string_view attention_output = "attention.output.dense";
  std::string_view attention_norm = "attention.output.LayerNorm";
  std::string_view intermediate = "intermediate.dense";
  std::string_view output = "output.dense";
  std::string_view output_norm = "output.LayerNorm";
  std::string_view position_key = {};  ///< of relative_attention, and so below
  std::string_view position_query = {};
};

/// What `config.json` calls things. An empty key: the family has no such field.
struct config_keys {
  std::string_view hidden_size = "hidden_size";
  std::string_view num_layers = "num_hidden_layers";
  std::string_view num_heads = "num_attention_heads";
  std::string_view intermediate_size = "intermediate_size";
  std::string_view activation = "hidden_act";
  std::string_view layer_norm_epsilon = "layer_norm_eps";     ///< empty: the default
  std::string_view type_vocabulary_size = "type_vocab_size";  ///< empty: no token types
  std::string_view embedding_size = {};                       ///< empty: the hidden size
  std::string_view padding_id = {};                           ///< empty: as family::padding_id says
  std::string_view relative_buckets = {};                     ///< empty: no relative attention bias
  std::string_view absolute_positions = {};                   ///< whether positions are embedded; empty: they are
  std::string_view attention_bias = {};                       ///< whether layers have a bias; empty: they have
  std::string_view feed_forward_bias = {};
  std::string_view norm_bias = {};
  std::string_view head_bias = {};
  std::string_view head_activation = {};  ///< empty: as sequence_head says, and so below
  std::string_view head_pooling = {};
};

/// Whether a linear layer or a norm has a bias in the checkpoint, or none.
enum class bias { stored, none };

/// The classification head of Hugging Face's <Family>ForSequenceClassification: f(dense), where it has one a norm, then
/// a classifier.
struct sequence_head {
  std::string_view dense = {};  ///< empty: the backbone's pooler
  nn::epilogue activation = nn::epilogue::tanh;
  std::string_view classifier = "classifier";
  std::string_view norm = {};
  model::pooling pooling = model::pooling::cls;
};

enum class projection { none, where_sizes_differ, always };

/// One family of encoders, as data: what its files call things and which optional parts it has. The defaults are
/// BERT's.
struct family {
  std::string_view model_type;  ///< in `config.json`
  std::string_view prefix;      ///< of the backbone's tensors in models with a head
  config_keys keys = {};
  nn::activation default_activation = nn::activation::gelu;
  float default_layer_norm_epsilon = 1e-12F;
  int default_type_vocabulary_size = 2;  ///< 0: without the field there are no token types
  int default_embedding_size = 128;      ///< 0: the hidden size
  /// Where the embeddings are mapped to the hidden size by a linear layer of that name.
  model::projection projection = model::projection::none;
  std::string_view projection_name = {};
  /// Whether the embeddings' norm comes behind that layer, which then has no bias.
  bool normalizes_projection = false;
  embedding_names embeddings = {};
  std::string_view layer = "encoder.layer.*.";  ///< `*`: the layer's number; without one all layers are the same
  layer_names names = {};
  std::string_view relative_bias = {};   ///< in the backbone, the table [buckets, heads] of all layers
  std::string_view relative_table = {};  ///< in the backbone, of DeBERTa's relative_attention, and its norm
  std::string_view relative_norm = {};
  std::string_view pooler = "pooler.dense";  ///< in the backbone, `*`: the last layer's number; empty: none
  sequence_head head = {};
  nn::norm_order order = nn::norm_order::after;
  /// Norms come before: that of the embeddings is the first layer's own, and in the backbone there is this after all.
  std::string_view final_norm = {};
  /// Whether `intermediate` names two layers, one below the other, whose outputs are multiplied.
  bool is_gated = false;
  /// Whether positions are rotations, see layer_attention; else there is a table of them.
  bool rotates = false;
  /// The padding token by which positions count, whatever `config.json` says; none: they count from 0.
  std::optional<int> padding_id = {};
  /// Whether an encoder with one token type takes every token for one of it, whatever the tokenizer says.
  bool passes_over_single_type = false;

  [[nodiscard]] constexpr bool shares_layers() const { return layer.find('*') == std::string_view::npos; }
};

namespace detail {

/// RoBERTa and those built like it: positions count from the padding token's id on, a head of its own on the first row.
[[nodiscard]] constexpr family roberta_family(std::string_view model_type, std::string_view prefix = "roberta.") {
  return {.model_type = model_type,
          .prefix = prefix,
          .keys = {.padding_id = "pad_token_id"},
          .head = {.dense = "classifier.dense", .classifier = "classifier.out_proj"},
          .passes_over_single_type = true};
}

}  // namespace detail

inline constexpr std::array families{
    family{.model_type = "bert", .prefix = "bert."},
    family{.model_type = "ernie", .prefix = "ernie."},
    family{.model_type = "elasticbert", .prefix = "elasticbert.", .pooler = "encoder.pooler.*.dense"},
    family{
        .model_type = "electra",
        .prefix = "electra.",
        .keys = {.embedding_size = "embedding_size"},
        .projection = projection::where_sizes_differ,
        .projection_name = "embeddings_project",
        .pooler = {},
        .head = {.dense = "classifier.dense", .activation = nn::epilogue::gelu, .classifier = "classifier.out_proj"}},
    family{.model_type = "distilbert",
           .prefix = "distilbert.",
           .keys = {.hidden_size = "dim",
                    .num_layers = "n_layers",
                    .num_heads = "n_heads",
                    .intermediate_size = "hidden_dim",
                    .activation = "activation",
                    .layer_norm_epsilon = {},
                    .type_vocabulary_size = {}},
           .layer = "transformer.layer.*.",
           .names = {.query = "attention.q_lin",
                     .key = "attention.k_lin",
                     .value = "attention.v_lin",
                     .attention_output = "attention.out_lin",
                     .attention_norm = "sa_layer_norm",
                     .intermediate = "ffn.lin1",
                     .output = "ffn.lin2",
                     .output_norm = "output_layer_norm"},
           .pooler = {},
           .head = {.dense = "pre_classifier", .activation = nn::epilogue::relu}},
    family{.model_type = "albert",
           .prefix = "albert.",
           .keys = {.embedding_size = "embedding_size"},
           .default_activation = nn::activation::gelu_tanh,
           .projection = projection::always,
           .projection_name = "encoder.embedding_hidden_mapping_in",
           .layer = "encoder.albert_layer_groups.0.albert_layers.0.",
           .names = {.query = "attention.query",
                     .key = "attention.key",
                     .value = "attention.value",
                     .attention_output = "attention.dense",
                     .attention_norm = "attention.LayerNorm",
                     .intermediate = "ffn",
                     .output = "ffn_output",
                     .output_norm = "full_layer_layer_norm"},
           .pooler = "pooler"},
    detail::roberta_family("roberta"),
    detail::roberta_family("xlm-roberta"),
    detail::roberta_family("camembert"),
    detail::roberta_family("data2vec-text", "data2vec_text."),
    family{.model_type = "mpnet",
           .prefix = "mpnet.",
           .keys = {.type_vocabulary_size = {}, .relative_buckets = "relative_attention_num_buckets"},
           .names = {.query = "attention.attn.q",
                     .key = "attention.attn.k",
                     .value = "attention.attn.v",
                     .attention_output = "attention.attn.o",
                     .attention_norm = "attention.LayerNorm"},
           .relative_bias = "encoder.relative_attention_bias.weight",
           .head = {.dense = "classifier.dense", .classifier = "classifier.out_proj"},
           .padding_id = 1},
    family{.model_type = "deberta-v2",
           .prefix = "deberta.",
           .keys = {.embedding_size = "embedding_size",
                    .absolute_positions = "position_biased_input",
                    .head_activation = "pooler_hidden_act"},
           .default_layer_norm_epsilon = 1e-7F,
           .default_type_vocabulary_size = 0,
           .default_embedding_size = 0,
           .projection = projection::where_sizes_differ,
           .projection_name = "embeddings.embed_proj",
           .normalizes_projection = true,
           .names = {.query = "attention.self.query_proj",
                     .key = "attention.self.key_proj",
                     .value = "attention.self.value_proj",
                     .position_key = "attention.self.pos_key_proj",
                     .position_query = "attention.self.pos_query_proj"},
           .relative_table = "encoder.rel_embeddings",
           .relative_norm = "encoder.LayerNorm",
           .pooler = {},
           .head = {.dense = "pooler.dense", .activation = nn::epilogue::gelu}},
    family{.model_type = "modernbert",
           .prefix = "model.",
           .keys = {.activation = "hidden_activation",
                    .layer_norm_epsilon = "norm_eps",
                    .type_vocabulary_size = {},
                    .attention_bias = "attention_bias",
                    .feed_forward_bias = "mlp_bias",
                    .norm_bias = "norm_bias",
                    .head_bias = "classifier_bias",
                    .head_activation = "classifier_activation",
                    .head_pooling = "classifier_pooling"},
           .default_layer_norm_epsilon = 1e-5F,
           .embeddings = {.word = "tok_embeddings", .position = {}, .type = {}, .norm = "norm"},
           .layer = "layers.*.",
           .names = {.query_key_value = "attn.Wqkv",
                     .attention_output = "attn.Wo",
                     .attention_norm = "attn_norm",
                     .intermediate = "mlp.Wi",
                     .output = "mlp.Wo",
                     .output_norm = "mlp_norm"},
           .pooler = {},
           .head = {.dense = "head.dense", .activation = nn::epilogue::gelu, .norm = "head.norm"},
           .order = nn::norm_order::before,
           .final_norm = "final_norm",
           .is_gated = true,
           .rotates = true}};

/// Null when there is no such family.
[[nodiscard]] constexpr const family* find_family(std::string_view model_type) {
  for (const family& candidate : families) {
    if (candidate.model_type == model_type) {
      return &candidate;
    }
  }
  return nullptr;
}

/// The name that a pattern stands for: its `*` replaced by `number`.
[[nodiscard]] inline std::string numbered(std::string_view pattern, std::size_t number) {
  std::string name(pattern);
  if (const std::size_t star = name.find('*'); star != std::string::npos) {
    name.replace(star, 1, std::to_string(number));
  }
  return name;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
