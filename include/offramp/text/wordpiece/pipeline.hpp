// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/added_tokens.hpp>
#include <offramp/text/normalizers/bert_normalizer.hpp>
#include <offramp/text/subwords/pipeline.hpp>
#include <offramp/text/token_sink.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/wordpiece/word_reader.hpp>
#include <offramp/text/wordpiece/wordpiece.hpp>
#include <offramp/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The way from text to ids of BERT: its normalizer, its words, their pieces. Reads a text character by character.
/// Const members are safe from several threads.
class wordpiece_pipeline {
 public:
  explicit wordpiece_pipeline(const tokenizer_description& description)
      : normalizer_(description.normalizer),
        splitting_(description.splitting),
        pieces_(description.continuation_prefix, description.unknown_id, description.max_word_characters) {
    for (const auto& [piece, id] : description.pieces.ids()) {
      pieces_.insert(piece, id);
    }
  }

  /// Feeds the tokens of a text between raw added tokens to `tokens`; `added` are looked for after normalization, which
  /// allocates. Returns whether more is wanted.
  bool read(std::string_view text, const added_token_matcher& added, subword_memory& /*memory*/,
            token_sink& tokens) const {
    if (added.empty()) {
      return read_words(normalizer_, text, tokens);
    }
    constexpr normalizer_options nothing_left_to_do{false, false, false, false};
    return added.split(normalize(text), [&](std::string_view part, std::optional<std::int32_t> id) {
      return id ? tokens.push(*id) : read_words(nothing_left_to_do, part, tokens);
    });
  }

  [[nodiscard]] std::string normalize(std::string_view text) const { return text::normalize(normalizer_, text); }

 private:
  bool read_words(const normalizer_options& options, std::string_view text, token_sink& tokens) const {
    word_reader words(pieces_, splitting_, tokens);
    return normalize_into(options, text, words) && words.finish();
  }

  normalizer_options normalizer_;
  word_splitting splitting_;
  wordpiece pieces_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
