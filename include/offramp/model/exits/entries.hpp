// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/ngrams.hpp>
#include <offramp/model/config.hpp>
#include <offramp/model/exits/description.hpp>
#include <offramp/model/exits/policy.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/nn/kernels.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

/// The entries of `exits` in `exits.json`.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model::detail {

[[nodiscard]] inline temperatures read_temperatures(const json_place& place) {
  json_object object(place);
  const auto read = [&](const char* format) -> std::optional<float> {
    const std::optional<json_place> value = object.find(format);
    return value ? std::optional(value->number(1e-3, 1e3)) : std::nullopt;
  };
  const temperatures result{.float32 = read("float32"), .bfloat16 = read("bfloat16"), .int8 = read("int8")};
  object.refuse_unknown();
  return result;
}

[[nodiscard]] inline exits::ngram_shape read_ngram_shape(const json_place& place) {
  json_object object(place);
  const auto most = object.find("max_tokens");
  const exits::ngram_shape shape{
      .longest = static_cast<int>(object.require("longest").integer(1, 8)),
      .bucket_bits = static_cast<int>(object.require("bucket_bits").integer(1, 24)),
      .max_tokens = most ? static_cast<std::size_t>(most->integer(1, exits::longest_ngram_text)) : 0};
  object.refuse_unknown();
  return shape;
}

[[nodiscard]] inline exit_description read_exit(const json_place& place, const config& encoder, int lowest_layer) {
  json_object object(place);
  exit_description exit;
  exit.layer = static_cast<int>(object.require("layer").integer(lowest_layer, encoder.num_layers));
  if (exit.layer == 0) {
    exit.ngrams = read_ngram_shape(object.require("ngrams"));
    if (const auto temperature = object.find("temperature")) {
      exit.temperature = read_temperatures(*temperature);
    }
    object.refuse_unknown();
    return exit;
  }
  exit.pooling = choose(object.find("pooling"), pooling::cls, pooling_names);
  exit.pooler = choose(object.find("pooler"), pooler::none, pooler_names);
  exit.pooler_activation = choose(object.find("pooler_activation"), nn::epilogue::tanh, pooler_activation_names);
  const std::optional<json_place> norm = object.find("pooler_norm");
  exit.pooler_norm = norm && norm->boolean();
  if (exit.pooler_norm && exit.pooler != pooler::own) {
    norm->refuse("false, because the exit has no pooler of its own");
  }
  const std::optional<json_place> mix = object.find("mix");
  exit.mix = mix && mix->boolean();
  if (exit.mix && exit.pooler == pooler::own) {
    mix->refuse("false, because a mix runs over all layers and the pooler is the exit's own");
  }
  exit.previous_logits = read_flag(object, "previous_logits", false);
  if (const auto weight = object.find("ngram_weight")) {
    exit.ngram_weight = weight->number(0.0, 1e3);
  }
  if (const auto temperature = object.find("temperature")) {
    exit.temperature = read_temperatures(*temperature);
  }
  object.refuse_unknown();
  return exit;
}

/// Every exit that mixes sees the same pooled states of the layers below. An activation counts where there is
/// a pooler.
inline void check_mixes_agree(const json_place& place, const std::vector<exit_description>& exits) {
  const auto first = std::ranges::find_if(exits, &exit_description::mix);
  for (std::size_t j = 0; j < exits.size(); ++j) {
    const exit_description& exit = exits[j];
    if (exit.mix && (exit.pooling != first->pooling || exit.pooler != first->pooler ||
                     (exit.pooler != pooler::none && exit.pooler_activation != first->pooler_activation))) {
      place.element(j).member("mix").refuse(
          "false, because an earlier exit mixes with another pooling, pooler or pooler_activation");
    }
  }
}

/// Only logits of an exit on layer 0 can be added, and only where no exit reads those of the ones before it: these
/// would count the n-grams twice.
inline void check_ngram_weights(const json_place& place, const std::vector<exit_description>& exits) {
  const bool has_ngrams = exits.front().ngrams.has_value();
  const bool is_chained = std::ranges::any_of(exits, &exit_description::previous_logits);
  for (std::size_t j = 0; j < exits.size(); ++j) {
    if (exits[j].ngram_weight != 0 && (!has_ngrams || is_chained)) {
      place.element(j)
          .member("ngram_weight")
          .refuse(has_ngrams ? "0, because an exit has previous_logits" : "0, because no exit stands on layer 0");
    }
  }
}

[[nodiscard]] inline std::vector<exit_description> read_exits(const json_place& place, const config& encoder) {
  int lowest_layer = 0;
  std::vector<exit_description> exits =
      place.array(1, static_cast<std::size_t>(encoder.num_layers) + 1, [&](const json_place& element) {
        const exit_description exit = read_exit(element, encoder, lowest_layer);
        lowest_layer = exit.layer + 1;
        return exit;
      });
  check_mixes_agree(place, exits);
  check_ngram_weights(place, exits);
  return exits;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model::detail
