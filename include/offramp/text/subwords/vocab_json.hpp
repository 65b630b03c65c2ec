// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/class_tokenizer.hpp>
#include <offramp/text/subwords/model_json.hpp>
#include <offramp/text/tokenizer_config.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Two pieces a line, with a space between them.
[[nodiscard]] inline merge_list read_merges_txt(const model::file& file) {
  const std::string content = file.read_all(tokenizer_file_limit);
  merge_list result{{}, file.name()};
  std::size_t number = 0;
  for (std::size_t start = 0; start < content.size();) {
    const std::size_t end = std::min(content.find('\n', start), content.size());
    std::string line = content.substr(start, end - start);
    if (line.ends_with('\r')) {
      line.pop_back();
    }
    start = end + 1;
    ++number;
    if (line.starts_with("#version")) {
      continue;
    }
    const std::size_t space = line.find(' ');
    if (space == std::string::npos || line.find(' ', space + 1) != std::string::npos) {
      throw error(error_kind::bad_model,
                  file.name() + ": line " + std::to_string(number) + " is not two pieces with a space between them");
    }
    result.pairs.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return result;
}

/// The tokenizer that Hugging Face makes of vocab.json, merges.txt and the files beside them: RoBERTa's, or HerBERT's.
/// Throws `io`, `bad_model` and `unsupported`.
[[nodiscard]] inline tokenizer_description read_vocab_json(const model::file& vocab, const model::file& merges,
                                                           const tokenizer_config& config) {
  const model::json_document pieces = model::parse_json(vocab.read_all(tokenizer_file_limit), vocab.name());
  return class_tokenizer_maker(config, config.added_tokens, vocab.name() + ": has no piece")
      .make_byte_pair(model::json_place(pieces, vocab.name()), read_merges_txt(merges));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
