// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// How a layer of an encoder with rotary positions attends.
struct layer_attention {
  /// Its queries see keys at most so many tokens before or behind them, as many as in every other such layer; none:
  /// all.
  std::optional<int> reach;
  float rotary_base = 0;
};

/// Reads ModernBERT's fields: those that transformers 5 writes, else those of version 4.
class layer_attention_reader {
 public:
  explicit layer_attention_reader(json_object& object) : object_(object) {}

  /// For each of the layers. Throws `bad_model`, and `unsupported` for scaled rotations.
  [[nodiscard]] std::vector<layer_attention> read(int num_layers) {
    const int window = size("local_attention", 128);
    if (const auto reach = object_.find("sliding_window"); reach && reach->integer(0, longest) != window / 2) {
      refuse(*reach, std::to_string(window / 2) + ", half of local_attention");
    }
    const layer_attention global{std::nullopt, read_base("full_attention", global_base())};
    const layer_attention local{window / 2, read_base("sliding_attention", local_base())};
    std::vector<layer_attention> layers;
    for (const bool is_global : find_global_layers(num_layers)) {
      layers.push_back(is_global ? global : local);
    }
    return layers;
  }

 private:
  static constexpr int longest = 1 << 20;
  static constexpr double highest_base = 1e12;

  [[noreturn]] static void refuse(const json_place& place, const std::string& expected) {
    throw error(error_kind::unsupported, place.describe() + " is " + place.value().dump() + ", expected " + expected);
  }

  [[nodiscard]] int size(const std::string& key, int otherwise) {
    const auto found = object_.find(key);
    return found ? static_cast<int>(found->integer(1, longest)) : otherwise;
  }

  [[nodiscard]] std::vector<bool> find_global_layers(int num_layers) {
    const int every = size("global_attn_every_n_layers", 3);
    const auto count = static_cast<std::size_t>(num_layers);
    if (const auto types = object_.find("layer_types")) {
      const std::vector<bool> listed = types->array(count, count, [](const json_place& type) -> bool {
        if (type.text() != "full_attention" && type.text() != "sliding_attention") {
          refuse(type, "\"full_attention\" or \"sliding_attention\"");
        }
        return type.text() == "full_attention";
      });
      return listed;
    }
    std::vector<bool> layers;
    for (int layer = 0; layer < num_layers; ++layer) {
      layers.push_back(layer % every == 0);
    }
    return layers;
  }

  [[nodiscard]] float global_base() {
    const auto base = object_.find("global_rope_theta");
    return base ? base->number(1.0, highest_base) : 160000.0F;
  }

  /// A `null` there has always meant the global one.
  [[nodiscard]] float local_base() {
    const auto base = object_.find("local_rope_theta");
    if (base) {
      return base->number(1.0, highest_base);
    }
    return object_.place().value().contains("local_rope_theta") ? global_base() : 10000.0F;
  }

  [[nodiscard]] float read_base(const std::string& layer_type, float otherwise) {
    if (const auto scaling = object_.find("rope_scaling")) {
      refuse(*scaling, "null");
    }
    const auto all = object_.find("rope_parameters");
    const auto found = all ? json_object(*all).find(layer_type) : std::nullopt;
    if (!found) {
      return otherwise;
    }
    json_object parameters(*found);
    for (const char* key : {"rope_type", "type"}) {
      if (const auto kind = parameters.find(key); kind && kind->text() != "default") {
        refuse(*kind, "\"default\"");
      }
    }
    const auto base = parameters.find("rope_theta");
    return base ? base->number(1.0, highest_base) : otherwise;
  }

  json_object& object_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
