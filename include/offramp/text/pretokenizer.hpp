// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/text/added_tokens.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/version.hpp>

#include <variant>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// How a model was trained to see text.
enum class pretokenizer {
  bert,        ///< as the tokenizer's own files say
  whitespace,  ///< words between whitespace, lower-cased where the files say so, and nothing else; "movie." is one
               ///< word. Added tokens count only as whole words
};

/// The tokenizer that such a model saw text through. Throws `unsupported`.
[[nodiscard]] inline tokenizer_description adapt(tokenizer_description description, pretokenizer kind) {
  if (kind == pretokenizer::bert) {
    return description;
  }
  if (!std::holds_alternative<std::monostate>(description.subwords)) {
    throw error(error_kind::unsupported, "pretokenizer \"whitespace\" is supported with WordPiece only");
  }
  description.normalizer = {false, false, false, description.normalizer.lowercase};
  description.splitting = word_splitting::whitespace;
  for (added_token& token : description.added_tokens) {
    token.boundary = token_boundary::whitespace;
    token.lstrip = token.rstrip = token.normalized = false;
  }
  return description;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
