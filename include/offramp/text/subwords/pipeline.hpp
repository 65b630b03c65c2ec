// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/added_tokens.hpp>
#include <offramp/text/normalizers/text_normalizer.hpp>
#include <offramp/text/pretokenizers/pre_tokenizer.hpp>
#include <offramp/text/subwords/byte_pair.hpp>
#include <offramp/text/subwords/unigram.hpp>
#include <offramp/text/text_piece.hpp>
#include <offramp/text/token_sink.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/text/wordpiece/wordpiece.hpp>
#include <offramp/version.hpp>

#include <cstddef>
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
  std::string window;  ///< of the normalized text
  pre_tokenizer_memory pre_tokenizer;
  waiting_text word;
  text::unigram::memory unigram;
  text::byte_pair::memory byte_pair;
  text::wordpiece::piece_buffer wordpiece;

  /// Gives memory back that only an unusual text needed.
  void trim() {
    normalizer.trim();
    text::trim(window);
    pre_tokenizer.trim();
    word.trim();
    unigram.trim();
    byte_pair.trim();
  }
};

/// The way from text to ids in all tokenizers but BERT's usual one (wordpiece_pipeline): normalizers, pre-tokenizers, a
/// model. Const members are safe from several threads.
struct subword_pipeline {
  std::vector<normalizer_step> normalizer;
  std::vector<pre_tokenizer_step> pre_tokenizer;
  std::variant<text::unigram, text::byte_pair, text::wordpiece> model;

  class reading;

  [[nodiscard]] std::string normalize(std::string_view text) const {
    normalizer_memory memory;
    return std::string(apply_steps(normalizer, text, memory));
  }
};

/// Feeds the tokens of texts that arrive in pieces to a sink.
class subword_pipeline::reading {
 public:
  /// `added` are looked for after normalization. All arguments must outlive the object.
  reading(const subword_pipeline& way, const added_token_matcher& added, subword_memory& memory, token_sink& tokens)
      : way_(way),
        memory_(memory),
        tokens_(tokens),
        normalization_(way.normalizer, memory.normalizer),
        added_(added, memory.window),
        words_(way.pre_tokenizer, memory.pre_tokenizer, split_word_) {
    memory.word.clear();
    memory.unigram.restart();
    memory.byte_pair.within_word = false;
  }
  reading(const reading&) = delete;
  reading& operator=(const reading&) = delete;

  /// Returns whether more is wanted.
  bool take(std::string_view piece, text_end end) {
    return added_.take(normalization_.take(piece, end), end,
                       [this](std::string_view part, std::optional<std::int32_t> id, text_end part_end) {
                         return id ? tokens_.push(*id) : words_.take(part, part_end);
                       });
  }

 private:
  struct word_splitter {
    reading& self;

    bool operator()(std::string_view word, text_end end) const { return self.split_word(word, end); }
  };

  bool split_word(std::string_view word, text_end end) {
    if (end == text_end::closed && memory_.word.empty()) {
      split(word, end);
    } else {
      memory_.word.join(word, end, [this, end](std::string_view joined) { return split(joined, end); });
    }
    return tokens_.wants_more();
  }

  std::size_t split_whole(const text::wordpiece& pieces, std::string_view word) {
    for (const std::int32_t id : pieces.split(word, count_characters(word), memory_.wordpiece)) {
      if (!tokens_.push(id)) {
        break;
      }
    }
    return word.size();
  }

  std::size_t split(std::string_view word, text_end end) {
    if (const auto* pieces = std::get_if<text::unigram>(&way_.model)) {
      return pieces->split(word, end, memory_.unigram, tokens_);
    }
    if (const auto* pieces = std::get_if<text::wordpiece>(&way_.model)) {
      return end == text_end::open ? 0 : split_whole(*pieces, word);
    }
    return std::get<text::byte_pair>(way_.model).split(word, end, memory_.byte_pair, tokens_);
  }

  const subword_pipeline& way_;
  subword_memory& memory_;
  token_sink& tokens_;
  text_normalization normalization_;
  added_token_stream added_;
  word_splitter split_word_{*this};
  pre_tokenization<word_splitter> words_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
