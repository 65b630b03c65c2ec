// SPDX-License-Identifier: Apache-2.0
// A tokenizer of several files, divided by lines that hold --- alone: vocab.txt, tokenizer_config.json,
// special_tokens_map.json, added_tokens.json and, where it is not empty, tokenizer.json. Refused with an error, or
// loaded and used; what it gives for a short limit begins as what it gives for a long one.
#include <offramp/text/tokenizer.hpp>

#include "fuzz_models.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr const char* names[] = {"vocab.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                                   "tokenizer.json"};
  const std::vector<std::string_view> parts =
      offramp_fuzz::parts_of(offramp_fuzz::as_text(data, size), std::size(names));
  std::vector<offramp::model::file_set::blob> blobs;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) {
      blobs.push_back({names[i], std::as_bytes(std::span(parts[i]))});
    }
  }
  try {
    const offramp::model::file_set files(blobs);
    const auto tokenizer = offramp::text::tokenizer::load(files, offramp::text::pretokenizer::bert);
    (void)tokenizer.encode("Ka to \uac00\u1100\u1161 \uff76\uff9e \ufdfa x,3, \xFF [MASK] <mask>", 64);
    (void)tokenizer.encode("one text", "another one", 16);
  } catch (const offramp::error&) {
  }
  return 0;
}
