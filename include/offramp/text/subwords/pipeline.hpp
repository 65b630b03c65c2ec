// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/added_tokens.hpp>
#include <offramp/text/normalizers/text_normalizer.hpp>
#include <offramp/text/pretokenizers/pre_tokenizer.hpp>
#include <offramp/text/subwords/byte_pair.hpp>
#include <offramp/text/subwords/unigram.hpp>
#include <offramp/text/token_sink.hpp>
#include <offramp/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Memory of a subword tokenizer, kept from text to text.
struct subword_memory {
  normalizer_memory normalizer;
  pre_tokenizer_memory pre_tokenizer;
  text::unigram::memory unigram;
  text::byte_pair::memory byte_pair;
};

/// The way from text to ids in the tokenizers that are no WordPiece: normalizers, pre-tokenizers, a model. Normalizes a
/// text as a whole before it looks for words. Const members are safe from several threads.
struct subword_pipeline {
  std::vector<normalizer_step> normalizer;
  std::vector<pre_tokenizer_step> pre_tokenizer;
  std::variant<text::unigram, text::byte_pair> model;

  /// Feeds the tokens of a text between raw added tokens to `tokens`; `added` are looked for after normalization.
  /// Returns whether more is wanted.
  bool read(std::string_view text, const added_token_matcher& added, subword_memory& memory, token_sink& tokens) const {
    auto split = [&](std::string_view word) { return split_word(word, memory, tokens); };
    pre_tokenization words(pre_tokenizer, memory.pre_tokenizer, split);
    return added.split(
        apply_steps(normalizer, text, memory.normalizer),
        [&](std::string_view part, std::optional<std::int32_t> id) { return id ? tokens.push(*id) : words.run(part); });
  }

  [[nodiscard]] std::string normalize(std::string_view text) const {
    normalizer_memory memory;
    return std::string(apply_steps(normalizer, text, memory));
  }

 private:
  bool split_word(std::string_view word, subword_memory& memory, token_sink& tokens) const {
    if (const auto* pieces = std::get_if<text::unigram>(&model)) {
      return pieces->split(word, memory.unigram, tokens);
    }
    return std::get<text::byte_pair>(model).split(word, memory.byte_pair, tokens);
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
