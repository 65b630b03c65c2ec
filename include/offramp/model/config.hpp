// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/family.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/nn/activation.hpp>
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
  int max_positions = 0;  ///< rows of the position embeddings
  int type_vocabulary_size = 0;
  /// Set where positions count from this id and 1 on, and this token keeps the position of its own id.
  std::optional<int> padding_id;
  int relative_buckets = 0;  ///< rows of the relative attention bias; 0: none
  int num_labels = 0;        ///< may be below 2: a model with exits has its own labels
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

[[nodiscard]] inline nn::activation read_activation(json_object& object, const family& kind) {
  const std::optional<json_place> place = object.find(std::string(kind.keys.activation));
  const std::string name = place ? place->text() : std::string(kind.default_activation);
  struct named_activation {
    std::string_view name;
    nn::activation function;
  };
  using enum nn::activation;
  static constexpr std::array<named_activation, 8> known = {{{"gelu", gelu},
                                                             {"gelu_python", gelu},
                                                             {"gelu_new", gelu_tanh},
                                                             {"gelu_pytorch_tanh", gelu_tanh},
                                                             {"gelu_python_tanh", gelu_tanh},
                                                             {"gelu_fast", gelu_tanh},
                                                             {"gelu_accurate", gelu_tanh},
                                                             {"relu", relu}}};
  std::string expected;
  for (const named_activation& candidate : known) {
    if (name == candidate.name) {
      return candidate.function;
    }
    expected += (expected.empty() ? "" : ", ") + std::string(candidate.name);
  }
  throw error(error_kind::unsupported, place->describe() + " is \"" + name + "\", expected one of " + expected);
}

[[nodiscard]] inline std::string default_label(std::size_t id) { return "LABEL_" + std::to_string(id); }

/// Names by id from `id2label`, whose keys are "0" to "n-1".
[[nodiscard]] inline std::vector<std::string> read_id2label(const json_place& place) {
  constexpr std::size_t max_labels = 65536;
  const nlohmann::json& map = json_object(place).place().value();
  if (map.size() > max_labels) {
    place.refuse("an object of at most " + std::to_string(max_labels) + " labels");
  }
  std::vector<std::string> labels;
  for (std::size_t id = 0; id < map.size(); ++id) {
    if (!map.contains(std::to_string(id))) {
      throw error(error_kind::bad_model, place.describe() + ": key \"" + std::to_string(id) +
                                             "\" is missing, expected \"0\" to \"" + std::to_string(map.size() - 1) +
                                             "\"");
    }
    const json_place label = place.member(std::to_string(id));
    labels.push_back(label.value().is_number_integer() ? label.value().dump() : label.text());
  }
  return labels;
}

/// A `label2id` of the same labels must be the inverse of `labels`. Another one is left from before a fine-tuning and
/// says nothing, as transformers answers by `id2label`.
inline void check_label2id(const json_place& place, const std::vector<std::string>& labels) {
  const nlohmann::json& map = json_object(place).place().value();
  const bool is_stale = map.size() != labels.size() ||
                        std::ranges::any_of(labels, [&](const std::string& label) { return !map.contains(label); });
  for (std::size_t id = 0; id < labels.size() && !is_stale; ++id) {
    const nlohmann::json& found = map.at(labels[id]);
    if (found != id && found != std::to_string(id)) {
      place.member(labels[id]).refuse(std::to_string(id) + " as in id2label");
    }
  }
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

/// The first of `architectures` that names another task, as in BertForTokenClassification, where none names ours.
[[nodiscard]] inline std::string find_other_task(json_object& object) {
  const auto classes = object.find("architectures");
  if (!classes || !classes->value().is_array()) {
    return {};
  }
  std::string result;
  for (const std::string& name : classes->array(0, 64, [](const json_place& element) { return element.text(); })) {
    if (name.find("SequenceClassification") != std::string::npos) {
      return {};
    }
    const std::size_t task = name.find("For");
    const bool names_task =
        task != std::string::npos && task + 3 < name.size() && name[task + 3] >= 'A' && name[task + 3] <= 'Z';
    if (result.empty() && (names_task || name.ends_with("LMHeadModel"))) {
      result = name;
    }
  }
  return result;
}

/// Refuses by name what would change the forward pass.
inline void refuse_unsupported(json_object& object) {
  const auto refuse = [](const json_place& place, const std::string& expected) {
    throw error(error_kind::unsupported, place.describe() + " is " + place.value().dump() + ", expected " + expected);
  };
  if (const auto kind = object.find("position_embedding_type"); kind && kind->text() != "absolute") {
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
  if (const auto problem = object.find("problem_type"); problem && problem->text() != "single_label_classification") {
    refuse(*problem, "\"single_label_classification\"");
  }
}

}  // namespace detail

namespace detail {

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
  result.embedding_size = keys.embedding_size.empty() ? result.hidden_size : size(keys.embedding_size, 1 << 15, 128);
  result.num_layers = size(keys.num_layers, 1024);
  result.num_heads = size(keys.num_heads, 1 << 15);
  result.intermediate_size = size(keys.intermediate_size, 1 << 20);
  result.max_positions = size("max_position_embeddings", 1 << 20);
  result.type_vocabulary_size = keys.type_vocabulary_size.empty() ? 1 : size(keys.type_vocabulary_size, 1024, 2);
  if (result.hidden_size % result.num_heads != 0) {
    object.require(std::string(keys.hidden_size))
        .refuse("a multiple of " + std::string(keys.num_heads) + ", " + std::to_string(result.num_heads));
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

}  // namespace detail

/// `config.json`, parsed. Throws `io` when it is missing and `bad_model` when it is no JSON.
[[nodiscard]] inline json_document parse_config(const file_set& files) {
  constexpr std::uint64_t size_limit = 16'000'000;
  const file source = files.open("config.json");
  return parse_json(source.read_all(size_limit), source.name());
}

/// Reads `config.json`; fields that offramp does not need are ignored. Throws `io` when it is missing, `unsupported`
/// for another model type, activation or position embedding, a decoder, several groups of shared layers, regression or
/// multi-label classification, and `bad_model` for anything that makes no sense.
[[nodiscard]] inline config read_config(const file_set& files) {
  const json_document document = parse_config(files);
  json_object object{json_place(document, files.describe("config.json"))};

  config result;
  result.family = &detail::read_family(object.require("model_type"));
  detail::refuse_unsupported(object);
  result.hidden_activation = detail::read_activation(object, *result.family);
  detail::read_sizes(object, result);
  detail::read_padding(object, result);
  detail::read_relative_buckets(object, result);
  const std::string epsilon_key(result.family->keys.layer_norm_epsilon);
  const std::optional<json_place> epsilon = epsilon_key.empty() ? std::nullopt : object.find(epsilon_key);
  result.layer_norm_epsilon = epsilon ? epsilon->number(0.0, 1.0) : 1e-12F;
  detail::read_labels(object, result);
  result.other_task = detail::find_other_task(object);
  result.labels_are_default = result.labels_are_default || !result.other_task.empty();
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
