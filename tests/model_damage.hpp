// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"
#include "tensor_file.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <vector>

namespace offramp_tests {

/// What is done to a model so that it must not load.
using damage = std::function<void(model_in_memory&)>;

inline void expect_refusal(const std::function<void()>& load, offramp::error_kind kind,
                           const std::vector<std::string>& parts) {
  try {
    load();
    ADD_FAILURE() << "loaded, expected: " << parts.front();
  } catch (const offramp::error& failure) {
    EXPECT_EQ(failure.kind(), kind) << failure.what();
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(failure.what()).find(part), std::string::npos) << part << " is not in: " << failure.what();
    }
  }
}

/// That the tiny model loads, and damaged is refused with all these parts in the message.
inline void expect_damage_found(const std::string& name, const damage& change, offramp::error_kind kind,
                                const std::vector<std::string>& parts) {
  model_in_memory model(name);
  ASSERT_NO_THROW((void)model.load());
  change(model);
  expect_refusal([&] { (void)model.load(); }, kind, parts);
}

/// A JSON merge patch: null removes a field.
inline damage patch(const std::string& file, const std::string& change) {
  return [=](model_in_memory& model) {
    nlohmann::json document = nlohmann::json::parse(model.files.at(file));
    document.merge_patch(nlohmann::json::parse(change));
    model.files[file] = document.dump();
  };
}

/// `change` done to the weights.
inline damage change_tensors(const std::function<void(tensor_file&)>& change) {
  return [=](model_in_memory& model) {
    tensor_file file(model.files.at("model.safetensors"));
    change(file);
    model.files["model.safetensors"] = file.join();
  };
}

inline damage rename_tensor(const std::string& from, const std::string& to) {
  return change_tensors([=](tensor_file& file) { file.rename(from, to); });
}

/// Gives a tensor another shape.
inline damage reshape(const std::string& tensor, const nlohmann::json& shape) {
  return change_tensors([=](tensor_file& file) { file.header.at(tensor).at("shape") = shape; });
}

}  // namespace offramp_tests
