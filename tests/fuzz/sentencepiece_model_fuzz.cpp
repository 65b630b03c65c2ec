// SPDX-License-Identifier: Apache-2.0
// Any bytes as a sentencepiece model: refused with an error, or loaded as that of a class (the first byte chooses) and
// used; KoBERT's by the sentencepiece library.
#include <offramp/text/tokenizer.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::string_view settings[] = {
      R"({"tokenizer_class": "KoBERTTokenizer"})", R"({"tokenizer_class": "AlbertTokenizer"})",
      R"({"tokenizer_class": "CamembertTokenizer"})", R"({"tokenizer_class": "XLMRobertaTokenizer"})"};
  const std::string_view chosen = settings[size == 0 ? 0 : data[0] % std::size(settings)];
  const auto model = std::as_bytes(std::span(data, size)).subspan(size == 0 ? 0 : 1);
  const offramp::model::file_set files(std::vector<offramp::model::file_set::blob>{
      {"tokenizer.model", model}, {"tokenizer_config.json", std::as_bytes(std::span(chosen))}});
  try {
    const auto tokenizer = offramp::text::tokenizer::load(files, offramp::text::pretokenizer::bert);
    (void)tokenizer.encode("Ka to \uac00\u1100\u1161 \uff76\uff9e \ufdfa x,3, \xFF [MASK]", 64);
  } catch (const offramp::error&) {
  }
  return 0;
}
