// SPDX-License-Identifier: Apache-2.0
// Any bytes as exits.safetensors, whose digest exits.json is made to name: refused with an error, or loaded and used.
#include <offramp/model/files.hpp>
#include <offramp/model/safetensors.hpp>
#include <offramp/model/sha256.hpp>

#include "fuzz_models.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace {

/// Most inputs are none, which takes a hundredth of loading a model to see.
bool is_safetensors(const std::string& content) {
  try {
    const offramp::model::file_set files(
        std::vector<offramp::model::file_set::blob>{{"exits.safetensors", std::as_bytes(std::span(content))}});
    (void)offramp::model::safetensors(files.open("exits.safetensors"));
    return true;
  } catch (const offramp::error&) {
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const offramp_fuzz::model_files model = offramp_fuzz::read_model("tiny");
  static const std::string digest = offramp::model::sha256_hex(model.at("exits.safetensors"));
  const std::string content(offramp_fuzz::as_text(data, size));
  if (!is_safetensors(content)) {
    return 0;
  }
  offramp_fuzz::model_files files = model;
  std::string& json = files["exits.json"];
  json.replace(json.find(digest), digest.size(), offramp::model::sha256_hex(content));
  offramp_fuzz::load_with_file(files, "exits.safetensors", content);
  return 0;
}
