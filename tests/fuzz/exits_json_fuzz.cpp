// SPDX-License-Identifier: Apache-2.0
// Any bytes as exits.json, which must name the digest of exits.safetensors to get far: the seed does: refused with an
// error, or loaded and used.
#include "fuzz_models.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const offramp_fuzz::model_files model = offramp_fuzz::read_model("tiny");
  offramp_fuzz::load_with_file(model, "exits.json", offramp_fuzz::as_text(data, size));
  return 0;
}
