// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/activation_names.hpp>
#include <offramp/model/config_labels.hpp>
#include <offramp/model/family.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/model/layer_attention.hpp>
#include <offramp/model/pooling.hpp>
#include <offramp/model/relative_attention.hpp>
#include <offramp/nn/activation.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/nn/relative_bias.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// What the classifier's outputs are for, as far as `problem_type` says it.
enum class problem_type { unstated, single_label, multi_label };

/// What `config.json` says about the encoder. All sizes are positive, and so limited that the product of any two fits
/// 40 bits.
struct config {
  const model::family* family = &families.front();  ///< never null
  int vocabulary_size = 0;
  int hidden_size = 0;     ///< a multiple of num_heads
  int embedding_size = 0;  ///< of the word, position and segment embeddings
  int num_layers = 0;
  int num_heads = 0;
  int intermediate_size = 0;
  int max_positions = 0;  ///< rows of the position embeddings, where there are some
  bool embeds_positions = true;
  int type_vocabulary_size = 0;  ///< 1 where there are no token types
  bool embeds_types = true;
  /// Set where positions count from this id and 1 on, and this token keeps the position of its own id.
  std::optional<int> padding_id;
  int relative_buckets = 0;  ///< rows of the relative attention bias; 0: none
  relative_attention relative = {};
  std::vector<layer_attention> attention = {};  ///< of each layer, where positions are rotations
  bias attention_bias = bias::stored;
  bias feed_forward_bias = bias::stored;
  bias norm_bias = bias::stored;
  bias head_bias = bias::stored;
  sequence_head head = {};  ///< the family's, with what the file says of it
  int num_labels = 0;       ///< may be below 2: a model with exits has its own labels
  model::problem_type problem = problem_type::unstated;
  bool has_one_logit = false;  ///< one output of a classifier: for the second of two labels, the first's being 0
  float layer_norm_epsilon = 0;
  nn::activation hidden_activation = nn::activation::gelu;
  std::vector<std::string> labels;  ///< num_labels names
  bool labels_are_default = true;   ///< LABEL_0, LABEL_1, ..., or those of another task: they say nothing
  /// The class in `architectures` that puts another head than a sequence classifier's on the encoder; empty: none.
  std::string other_task;

  /// The longest text that has a position for every token.
  [[nodiscard]] int usable_positions() const noexcept { return max_positions - (padding_id ? *padding_id + 1 : 0); }
};

namespace detail {

/// The member as an integer of 1..highest, else what stands for a missing one; without that it must be there.
[[nodiscard]] inline int config_size(json_object& object, const std::string& key, int highest,
                                     std::optional<int> otherwise = {}) {
  if (otherwise && !object.find(key)) {
    return *otherwise;
  }
  return static_cast<int>(object.require(key).integer(1, highest));
}

inline void read_labels(json_object& object, config& result) {
  const std::optional<json_place> count = object.find("num_labels");
  const std::optional<json_place> names = object.find("id2label");
  if (names) {
    result.labels = read_id2label(*names);
  } else {
    const std::int64_t n = count ? count->integer(0, 65536) : 2;
    for (std::size_t id = 0; id < static_cast<std::size_t>(n); ++id) {
      result.labels.push_back(default_label(id));
    }
  }
  result.num_labels = static_cast<int>(result.labels.size());
  if (count && count->integer(0, 65536) != result.num_labels) {
    count->refuse(std::to_string(result.num_labels) + ", the number of labels in id2label");
  }
  for (std::size_t id = 0; id < result.labels.size(); ++id) {
    result.labels_are_default = result.labels_are_default && result.labels[id] == default_label(id);
  }
  if (const auto inverse = object.find("label2id")) {
    check_label2id(*inverse, result.labels);
  }
}

/// Refuses by name what would change the forward pass.
inline void refuse_unsupported(json_object& object, const family& kind_of_encoder) {
  const auto refuse = [](const json_place& place, const std::string& expected) {
    throw error(error_kind::unsupported, place.describe() + " is " + place.value().dump() + ", expected " + expected);
  };
  const auto kind = kind_of_encoder.rotates ? std::nullopt : object.find("position_embedding_type");
  if (kind && kind->text() != "absolute") {
    refuse(*kind, "\"absolute\"");
  }
  for (const char* key : {"is_decoder", "add_cross_attention", "use_task_id"}) {
    if (const auto flag = object.find(key); flag && flag->boolean()) {
      refuse(*flag, "false");
    }
  }
  for (const char* key : {"num_hidden_groups", "inner_group_num"}) {  // ALBERT's
    if (const auto count = object.find(key); count && count->integer(0, 1024) != 1) {
      refuse(*count, "1");
    }
  }
}

[[nodiscard]] inline problem_type read_problem_type(json_object& object) {
  const std::optional<json_place> place = object.find("problem_type");
  if (!place) {
    return problem_type::unstated;
  }
  if (place->text() == "single_label_classification") {
    return problem_type::single_label;
  }
  if (place->text() == "multi_label_classification") {
    return problem_type::multi_label;
  }
  throw error(error_kind::unsupported,
              place->describe() + " is \"" + place->text() +
                  "\", expected \"single_label_classification\" or \"multi_label_classification\"");
}

/// A classifier of one output says how likely its one label is, by the sigmoid: as two labels, of which that one is the
/// second. Where nobody says that it is a classifier, transformers takes it for a regression.
inline void settle_one_output(config& result) {
  if (result.labels.size() == 1 && result.problem != problem_type::unstated) {
    result.has_one_logit = true;
    result.problem = problem_type::single_label;
    result.labels.insert(result.labels.begin(), "not " + result.labels.front());
    result.num_labels = 2;
  }
}

[[nodiscard]] inline const family& read_family(const json_place& place) {
  if (const family* found = find_family(place.text())) {
    return *found;
  }
  std::string expected;
  for (const family& known : families) {
    expected += (expected.empty() ? "" : ", ") + std::string(known.model_type);
  }
  throw error(error_kind::unsupported, place.describe() + " is \"" + place.text() + "\", expected one of " + expected);
}

inline void read_sizes(json_object& object, config& result) {
  const config_keys& keys = result.family->keys;
  const auto size = [&](std::string_view key, int highest, std::optional<int> otherwise = {}) {
    return config_size(object, std::string(key), highest, otherwise);
  };
  result.vocabulary_size = size("vocab_size", 1 << 24);
  result.hidden_size = size(keys.hidden_size, 1 << 15);
  const int usual = result.family->default_embedding_size;
  result.embedding_size = keys.embedding_size.empty()
                              ? result.hidden_size
                              : size(keys.embedding_size, 1 << 15, usual == 0 ? result.hidden_size : usual);
  result.num_layers = size(keys.num_layers, 1024);
  result.num_heads = size(keys.num_heads, 1 << 15);
  result.intermediate_size = size(keys.intermediate_size, 1 << 20);
  result.max_positions = size("max_position_embeddings", 1 << 20);
  if (result.hidden_size % result.num_heads != 0) {
    object.require(std::string(keys.hidden_size))
        .refuse("a multiple of " + std::string(keys.num_heads) + ", " + std::to_string(result.num_heads));
  }
}

/// The activation of the layers, and the epsilon of their norms.
inline void read_functions(json_object& object, config& result) {
  const config_keys& keys = result.family->keys;
  const std::optional<json_place> activation = object.find(std::string(keys.activation));
  result.hidden_activation = activation ? read_activation(*activation) : result.family->default_activation;
  const std::string key(keys.layer_norm_epsilon);
  const std::optional<json_place> epsilon = key.empty() ? std::nullopt : object.find(key);
  result.layer_norm_epsilon = epsilon ? epsilon->number(0.0, 1.0) : result.family->default_layer_norm_epsilon;
}

inline void read_biases(json_object& object, config& result) {
  const config_keys& keys = result.family->keys;
  const auto read = [&](std::string_view key) {
    if (key.empty()) {
      return bias::stored;
    }
    const std::optional<json_place> place = object.find(std::string(key));
    return place && place->boolean() ? bias::stored : bias::none;
  };
  result.attention_bias = read(keys.attention_bias);
  result.feed_forward_bias = read(keys.feed_forward_bias);
  result.norm_bias = read(keys.norm_bias);
  result.head_bias = read(keys.head_bias);
}

inline void read_head(json_object& object, config& result) {
  const config_keys& keys = result.family->keys;
  result.head = result.family->head;
  const auto find = [&](std::string_view key) { return key.empty() ? std::nullopt : object.find(std::string(key)); };
  if (const auto place = find(keys.head_activation)) {
    result.head.activation = place->text() == "tanh" ? nn::epilogue::tanh : nn::epilogue_of(read_activation(*place));
  }
  if (const auto place = find(keys.head_pooling)) {
    const std::string& name = place->text();
    if (name != "cls" && name != "mean") {
      throw error(error_kind::unsupported, place->describe() + " is \"" + name + "\", expected \"cls\" or \"mean\"");
    }
    result.head.pooling = name == "cls" ? pooling::cls : pooling::mean;
  }
}

inline void read_rotations(json_object& object, config& result) {
  if (!result.family->rotates) {
    return;
  }
  result.attention = layer_attention_reader(object).read(result.num_layers);
  if (result.hidden_size / result.num_heads % 2 != 0) {
    object.require("hidden_size").refuse("an even number for each of num_attention_heads");
  }
}

inline void read_padding(json_object& object, config& result) {
  const std::string key(result.family->keys.padding_id);
  result.padding_id = result.family->padding_id;
  if (!key.empty()) {
    const std::optional<json_place> place = object.find(key);
    result.padding_id = place ? static_cast<int>(place->integer(0, result.vocabulary_size - 1)) : 1;
  }
  if (result.usable_positions() < 1) {
    object.require("max_position_embeddings")
        .refuse("at least " + std::to_string(*result.padding_id + 2) + ", because positions count from " +
                (key.empty() ? std::to_string(*result.padding_id + 1) : key + " and 1") + " on");
  }
}

/// Every model looks up as many buckets as nn::relative_bucket has, and may have a table of more.
inline void read_relative_buckets(json_object& object, config& result) {
  const std::string key(result.family->keys.relative_buckets);
  if (key.empty()) {
    return;
  }
  constexpr auto fewest = static_cast<int>(nn::relative_buckets);
  const std::optional<json_place> place = object.find(key);
  result.relative_buckets = place ? static_cast<int>(place->integer(fewest, 1 << 15)) : fewest;
}

/// Where a family may do without them, and says so, there are no token types or absolute positions.
inline void read_embedding_kinds(json_object& object, config& result) {
  const config_keys& keys = result.family->keys;
  const std::string types(keys.type_vocabulary_size);
  const int usual = result.family->default_type_vocabulary_size;
  const std::optional<json_place> place = types.empty() ? std::nullopt : object.find(types);
  const int found = place ? static_cast<int>(place->integer(usual == 0 ? 0 : 1, 1024)) : types.empty() ? 0 : usual;
  result.embeds_types = found > 0;
  result.type_vocabulary_size = std::max(found, 1);
  const std::string positions(keys.absolute_positions);
  result.embeds_positions =
      !result.family->embeddings.position.empty() && (positions.empty() || read_flag(object, positions.c_str(), true));
}

}  // namespace detail

/// `config.json`, parsed. Throws `io` when it is missing and `bad_model` when it is no JSON.
[[nodiscard]] inline json_document parse_config(const file_set& files) {
  constexpr std::uint64_t size_limit = 16'000'000;
  const file source = files.open("config.json");
  return parse_json(source.read_all(size_limit), source.name());
}

/// Reads `config.json`; fields that offramp does not need are ignored. Throws `io` when it is missing, `unsupported`
/// for another model type, activation or position embedding, a decoder, several groups of shared layers or regression,
/// and `bad_model` for anything that makes no sense.
[[nodiscard]] inline config read_config(const file_set& files) {
  const json_document document = parse_config(files);
  json_object object{json_place(document, files.describe("config.json"))};

  config result;
  result.family = &detail::read_family(object.require("model_type"));
  detail::refuse_unsupported(object, *result.family);
  detail::read_sizes(object, result);
  detail::read_padding(object, result);
  detail::read_embedding_kinds(object, result);
  detail::read_relative_buckets(object, result);
  if (!result.family->relative_table.empty()) {
    result.relative = read_relative_attention(object, result.hidden_size, result.num_heads, result.max_positions);
  }
  detail::read_rotations(object, result);
  detail::read_functions(object, result);
  detail::read_biases(object, result);
  detail::read_head(object, result);
  result.problem = detail::read_problem_type(object);
  detail::read_labels(object, result);
  detail::settle_one_output(result);
  result.other_task = detail::find_other_task(object);
  result.labels_are_default = result.labels_are_default || !result.other_task.empty();
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
