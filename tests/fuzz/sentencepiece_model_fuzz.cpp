// SPDX-License-Identifier: Apache-2.0
// Any bytes as a sentencepiece model: refused with an error, or loaded by the library and used.
#include <offramp/text/tokenizer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::string_view settings = R"({"tokenizer_class": "KoBERTTokenizer"})";
  const offramp::model::file_set files(
      std::vector<offramp::model::file_set::blob>{{"spiece.model", std::as_bytes(std::span(data, size))},
                                                  {"tokenizer_config.json", std::as_bytes(std::span(settings))}});
  try {
    const auto tokenizer = offramp::text::tokenizer::load(files, offramp::text::pretokenizer::bert);
    (void)tokenizer.encode("Ka to \uac00\u1100\u1161 \uff76\uff9e \ufdfa x,3, \xFF [MASK]", 64);
  } catch (const offramp::error&) {
  }
  return 0;
}
