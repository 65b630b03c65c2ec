// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/class_tokenizer.hpp>
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

/// One piece per line, its id is the number of the line from 0; whitespace behind it does not count. Of equal lines the
/// last one counts, as in Hugging Face's.
[[nodiscard]] inline vocabulary read_vocab_lines(const model::file& file) {
  const std::string content = file.read_all(tokenizer_file_limit);
  vocabulary result;
  std::int32_t id = 0;
  for (std::size_t start = 0; start < content.size(); ++id) {
    const std::size_t end = std::min(content.find('\n', start), content.size());
    std::string piece = content.substr(start, end - start);
    while (!piece.empty() && properties_of(decode_before(piece, piece.size()).code_point).whitespace()) {
      piece.erase(piece.size() - decode_before(piece, piece.size()).length);
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

/// The tokenizer that Hugging Face makes of vocab.txt and the files beside it. Throws `io`, `bad_model` and
/// `unsupported`.
[[nodiscard]] inline tokenizer_description read_vocab_txt(const model::file& file, const tokenizer_config& config) {
  if (!config.vocab_txt_objection.empty()) {
    throw error(error_kind::unsupported, config.vocab_txt_objection);
  }
  return class_tokenizer_maker(config, config.added_tokens, file.name() + ": has no line")
      .make_wordpiece(read_vocab_lines(file));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
