// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/sha256.hpp>

#include "model_in_memory.hpp"
#include "tensor_file.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstring>
#include <random>
#include <string>
#include <utility>

namespace offramp_tests {

struct model_size {
  std::size_t hidden;
  std::size_t heads;
  std::size_t intermediate;
  std::size_t max_tokens;
};

/// The tensors of a file of the model `tiny` in other sizes, with random values.
inline std::string resize_tensors(const std::string& content, const model_size& size, unsigned seed) {
  tensor_file file(content);
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  file.data.clear();
  for (auto& [name, tensor] : file.header.items()) {
    if (name == "__metadata__") {
      continue;
    }
    std::size_t count = 1;
    const bool is_by_position = name.find("position_embeddings") != std::string::npos;
    for (auto& dimension : tensor.at("shape")) {
      const auto old = dimension.get<std::size_t>();
      dimension = old == 24   ? size.hidden
                  : old == 28 ? size.hidden + 4  // with the logits of two exits
                  : old == 48 ? (is_by_position ? size.max_tokens : size.intermediate)
                              : old;
      count *= dimension.get<std::size_t>();
    }
    const float middle = name.ends_with("LayerNorm.weight") ? 1.0F : 0.0F;
    const float spread = name.find("classifier.weight") != std::string::npos ? 0.1F : 0.05F;
    const std::size_t begin = file.data.size();
    file.data.resize(begin + count * sizeof(float));
    for (std::size_t i = 0; i < count; ++i) {
      const float value = middle + spread * normal(generator);
      std::memcpy(file.data.data() + begin + i * sizeof value, &value, sizeof value);
    }
    tensor["data_offsets"] = {begin, file.data.size()};
  }
  return file.join();
}

/// The model `tiny`, three layers with an exit on each, in another size and with random weights.
inline model_in_memory random_model(const model_size& size) {
  model_in_memory model("tiny");
  std::string& weights = model.files.at("model.safetensors");
  std::string& exits = model.files.at("exits.safetensors");
  weights = resize_tensors(weights, size, 1);
  exits = resize_tensors(exits, size, 2);
  auto config = nlohmann::json::parse(model.files.at("config.json"));
  config["hidden_size"] = size.hidden;
  config["num_attention_heads"] = size.heads;
  config["intermediate_size"] = size.intermediate;
  config["max_position_embeddings"] = size.max_tokens;
  model.files["config.json"] = config.dump();
  auto description = nlohmann::json::parse(model.files.at("exits.json"));
  description["exits_sha256"] = offramp::model::sha256_hex(exits);
  description["max_tokens"] = size.max_tokens;
  description.erase("golden");
  description.erase("certificates");
  model.files["exits.json"] = description.dump();
  return model;
}

}  // namespace offramp_tests
