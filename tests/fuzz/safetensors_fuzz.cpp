// SPDX-License-Identifier: Apache-2.0
// Any bytes as the header of the weights, before the data of a valid file: refused with an error, or loaded and used.
// With an even first byte the header's length is that of the input, so that changes to its text are reached.
#include "fuzz_models.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

std::string eight_bytes(std::uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) {
    bytes += static_cast<char>(number >> (8U * static_cast<unsigned>(i)));
  }
  return bytes;
}

/// What follows the header of a valid file.
std::string data_of(const std::string& file) {
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof(length));
  return file.substr(sizeof(length) + static_cast<std::size_t>(length));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const offramp_fuzz::model_files model = offramp_fuzz::read_model("tiny-plain");
  static const std::string valid_data = data_of(model.at("model.safetensors"));
  offramp_fuzz::input_reader input(offramp_fuzz::as_text(data, size));
  const bool has_length = input.take<std::uint8_t>() % 2 == 1;
  std::string content = has_length ? "" : eight_bytes(input.rest().size());
  content += input.rest();
  offramp_fuzz::load_with_file(model, "model.safetensors", content + valid_data);
  return 0;
}
