// SPDX-License-Identifier: Apache-2.0
// Any bytes as text, through WordPiece and through the subword models of the tests (the first byte chooses): the tokens
// for a short limit are the first tokens for a long one, and a text that was cut says so.
#include <offramp/text/tokenizer.hpp>

#include "fuzz_models.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

using offramp::encoding;
using offramp::text::tokenizer;

struct subject {
  tokenizer reader;
  std::size_t specials;  ///< ids around a text
};

/// Every tokenizer of the tiny models.
const std::vector<subject>& subjects() {
  static const std::vector<subject> all = [] {
    std::vector<subject> loaded;
    for (const char* name :
         {"tiny", "tiny-plain", "family-albert", "family-roberta", "family-xlm-roberta", "family-electra",
          "family-mpnet", "family-deberta", "family-modernbert", "family-modernbert-mean"}) {
      const offramp_fuzz::model_files files = offramp_fuzz::read_model(name);
      std::vector<offramp::model::file_set::blob> blobs;
      for (const auto& [file, content] : files) {
        blobs.push_back({file, std::as_bytes(std::span(content))});
      }
      tokenizer reader = tokenizer::load(offramp::model::file_set(blobs), offramp::text::pretokenizer::bert);
      const std::size_t specials = reader.encode("", 16).ids.size();
      loaded.push_back({std::move(reader), specials});
    }
    return loaded;
  }();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  offramp_fuzz::input_reader input(offramp_fuzz::as_text(data, size));
  const auto& [chosen, specials] = subjects()[input.take<std::uint8_t>() % subjects().size()];
  const std::size_t limit = 4 + input.take<std::uint8_t>() % 32U;
  static offramp::text::encode_memory memory;
  const encoding& whole = chosen.encode(input.rest(), 1U << 20U, memory);
  const encoding cut = chosen.encode(input.rest(), limit);
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
