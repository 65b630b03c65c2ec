// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/text/sentencepiece/files.hpp>
#include <offramp/text/subwords/vocab_json.hpp>
#include <offramp/text/tokenizer_class.hpp>
#include <offramp/text/tokenizer_config.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/tokenizer_json.hpp>
#include <offramp/text/wordpiece/vocab_txt.hpp>
#include <offramp/version.hpp>

#include <optional>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// From tokenizer.json, else from what the class of tokenizer is made of: vocab.txt, vocab.json and merges.txt, or a
/// sentencepiece model. Throws `io`, `bad_model` and `unsupported`.
[[nodiscard]] inline tokenizer_description read_tokenizer_files(const model::file_set& files,
                                                                const tokenizer_config& config) {
  if (const std::optional<model::file> file = files.find("tokenizer.json")) {
    return read_tokenizer_json(*file, config);
  }
  const std::string missing = files.describe("tokenizer.json") + ": no such file, and ";
  if (const std::optional<model::file> codes = files.find("bpe.codes")) {
    throw error(error_kind::unsupported, missing + codes->name() + " of BERTweet and PhoBERT is not supported");
  }
  if (config.kind == tokenizer_class::roberta || config.kind == tokenizer_class::herbert) {
    const std::optional<model::file> vocab = files.find("vocab.json");
    const std::optional<model::file> merges = files.find("merges.txt");
    if (vocab && merges) {
      return read_vocab_json(*vocab, *merges, config);
    }
    throw error(error_kind::io, missing + "not both vocab.json and merges.txt, of which the class is made that " +
                                    "tokenizer_class or model_type names");
  }
  if (config.kind == tokenizer_class::as_written) {
    throw error(error_kind::io, missing + "tokenizer_class asks for it");
  }
  const bool reads_lines = is_wordpiece(config.kind);
  if (const std::optional<model::file> file = reads_lines ? files.find("vocab.txt") : std::nullopt) {
    return read_vocab_txt(*file, config);
  }
  if (const std::optional<model::file> file = find_sentencepiece_file(files, config.kind)) {
    return read_sentencepiece_file(*file, files, config);
  }
  throw error(error_kind::io, missing + (reads_lines ? "neither vocab.txt nor" : "not") + " a sentencepiece model");
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
