// SPDX-License-Identifier: Apache-2.0
// Any bytes as a tokenizer.json: refused with an error, or loaded and used.
#include <offramp/text/tokenizer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const offramp::model::file_set files(
      std::vector<offramp::model::file_set::blob>{{"tokenizer.json", std::as_bytes(std::span(data, size))}});
  try {
    const auto tokenizer = offramp::text::tokenizer::load(files, offramp::text::pretokenizer::bert);
    (void)tokenizer.encode("Ka to \uac00\u1100\u1161 \uff76\uff9e \ufdfa x,3, \xFF [MASK]", 64);
  } catch (const offramp::error&) {
  }
  return 0;
}
