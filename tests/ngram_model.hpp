// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/sha256.hpp>

#include "model_in_memory.hpp"
#include "tensor_file.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace offramp_tests {

/// One of the tiny models without previous logits, and before its encoder an exit over n-grams with weights made up
/// here.
inline model_in_memory with_ngrams(const std::string& name, int bucket_bits = 10) {
  model_in_memory model(name);
  tensor_file file(model.files.at("exits.safetensors"));
  nlohmann::json exits = nlohmann::json::parse(model.files.at("exits.json"));
  // Behind the exits that were there, so that their offsets stay; all names move up by one.
  nlohmann::json moved;
  for (const auto& [tensor, place] : file.header.items()) {
    const std::size_t end = tensor.find('.', 6);
    moved[tensor.starts_with("exits.")
              ? "exits." + std::to_string(std::stoi(tensor.substr(6, end - 6)) + 1) + tensor.substr(end)
              : tensor] = place;
  }
  file.header = std::move(moved);
  const std::size_t labels = exits.at("labels").size();
  const std::size_t buckets = std::size_t{1} << bucket_bits;
  const auto add = [&](const std::string& tensor, const char* type, const nlohmann::json& shape,
                       const std::string& bytes) {
    file.header["exits.0.classifier." + tensor] = {
        {"dtype", type}, {"shape", shape}, {"data_offsets", {file.data.size(), file.data.size() + bytes.size()}}};
    file.data += bytes;
  };
  const auto floats = [&](const std::vector<float>& values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  };
  std::string weights;
  for (std::size_t i = 0; i < labels * buckets; ++i) {
    weights += static_cast<char>(static_cast<int>((i * 2654435761U >> 7) % 255) - 127);
  }
  // Floats first would need alignment, which the format does not ask for and the reader must not either.
  add("weight", "I8", {labels, buckets}, weights);
  add("weight.scale", "F32", {labels}, floats(std::vector<float>(labels, 0.02F)));
  add("bias", "F32", {labels}, floats(std::vector<float>(labels, 0.0F)));
  model.files["exits.safetensors"] = file.join();
  const nlohmann::json exit = {
      {"layer", 0}, {"ngrams", {{"longest", 2}, {"bucket_bits", bucket_bits}}}, {"temperature", {{"float32", 1.25}}}};
  exits["exits"].insert(exits["exits"].begin(), exit);
  for (const char* gone : {"calibration", "golden", "certificates", "default_policy"}) {
    exits.erase(gone);
  }
  exits["exits_sha256"] = offramp::model::sha256_hex(model.files["exits.safetensors"]);
  model.files["exits.json"] = exits.dump();
  return model;
}

}  // namespace offramp_tests
