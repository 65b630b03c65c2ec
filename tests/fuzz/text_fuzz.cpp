// SPDX-License-Identifier: Apache-2.0
// Any bytes as text, through WordPiece and through the subword models of the tests (the first byte chooses): the tokens
// for a short limit are the first tokens for a long one, and a text that was cut says so.
#include <offramp/text/tokenizer.hpp>

#include "fuzz_models.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using offramp::encoding;
using offramp::text::tokenizer;

/// Every tokenizer of the tiny models.
const std::vector<tokenizer>& tokenizers() {
  static const std::vector<tokenizer> all = [] {
    std::vector<tokenizer> loaded;
    for (const char* name : {"tiny", "tiny-plain", "family-albert", "family-roberta", "family-xlm-roberta",
                             "family-electra", "family-mpnet"}) {
      const offramp_fuzz::model_files files = offramp_fuzz::read_model(name);
      std::vector<offramp::model::file_set::blob> blobs;
      for (const auto& [file, content] : files) {
        blobs.push_back({file, std::as_bytes(std::span(content))});
      }
      loaded.push_back(tokenizer::load(offramp::model::file_set(blobs), offramp::text::pretokenizer::bert));
    }
    return loaded;
  }();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  offramp_fuzz::input_reader input(offramp_fuzz::as_text(data, size));
  const tokenizer& chosen = tokenizers()[input.take<std::uint8_t>() % tokenizers().size()];
  const std::size_t limit = 4 + input.take<std::uint8_t>() % 32U;
  const encoding whole = chosen.encode(input.rest(), 1U << 20U);
  const encoding cut = chosen.encode(input.rest(), limit);
  const std::size_t specials = chosen.encode("", 1U << 20U).ids.size();
  const std::size_t kept = std::min(whole.ids.size(), limit) - specials;
  offramp_fuzz::require(!whole.truncated, "a text below the limit is not truncated");
  offramp_fuzz::require(cut.truncated == (whole.ids.size() > limit), "a text above the limit is truncated");
  offramp_fuzz::require(cut.ids.size() == kept + specials, "a text is cut to the limit");
  // One special id stands before the text in all of these templates.
  offramp_fuzz::require(
      std::equal(cut.ids.begin(), cut.ids.begin() + static_cast<std::ptrdiff_t>(kept + 1), whole.ids.begin()),
      "a cut text begins as the whole one");
  for (const std::int32_t id : whole.ids) {
    (void)chosen.piece(id);
  }
  return 0;
}
