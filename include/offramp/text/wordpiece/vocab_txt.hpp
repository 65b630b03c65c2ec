// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/text/tokenizer_config.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// One piece per line, its id is the number of the line from 0. Of equal lines the last one counts, as in Hugging
/// Face's.
[[nodiscard]] inline vocabulary read_vocab_lines(const model::file& file) {
  const std::string content = file.read_all(tokenizer_file_limit);
  vocabulary result;
  std::int32_t id = 0;
  for (std::size_t start = 0; start < content.size(); ++id) {
    const std::size_t end = std::min(content.find('\n', start), content.size());
    std::string piece = content.substr(start, end - start);
    if (piece.ends_with('\r')) {
      piece.pop_back();
    }
    const std::string place = file.name() + ": line " + std::to_string(id + 1);
    if (id > vocabulary::max_id) {
      throw error(error_kind::bad_model, place + ", expected at most " + std::to_string(vocabulary::max_id + 1));
    }
    if (!is_well_formed_utf8(piece)) {
      throw error(error_kind::bad_model, place + " is not UTF-8");
    }
    result.insert(piece, id);
    start = end + 1;
  }
  return result;
}

/// The tokenizer that Hugging Face makes of vocab.txt and tokenizer_config.json. Throws `io`, `bad_model` and
/// `unsupported`.
[[nodiscard]] inline tokenizer_description read_vocab_txt(const model::file& file, const tokenizer_config& config) {
  if (!config.objection.empty()) {
    throw error(error_kind::unsupported, config.objection);
  }
  tokenizer_description result;
  result.pieces = read_vocab_lines(file);
  result.normalizer = config.normalizer;
  const auto required = [&](const std::string& token) {
    if (const auto id = result.pieces.find(token)) {
      return *id;
    }
    throw error(error_kind::bad_model, file.name() + ": has no line \"" + token + "\"");
  };
  result.unknown_id = required(config.unk_token);
  const std::int32_t cls = required(config.cls_token);
  const std::int32_t sep = required(config.sep_token);
  result.single = bert_template(cls, sep, 1);
  result.pair = bert_template(cls, sep, 2);
  for (const std::string* token :
       {&config.unk_token, &config.sep_token, &config.pad_token, &config.cls_token, &config.mask_token}) {
    if (const auto id = result.pieces.find(*token); id && !token->empty()) {
      added_token special;
      special.content = *token;
      special.id = *id;
      result.added_tokens.push_back(std::move(special));
    }
  }
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
