// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/interruption.hpp>
#include <offramp/encoding.hpp>
#include <offramp/model/files.hpp>
#include <offramp/text/added_tokens.hpp>
#include <offramp/text/pretokenizer.hpp>
#include <offramp/text/sentencepiece/pipeline.hpp>
#include <offramp/text/subwords/pipeline.hpp>
#include <offramp/text/token_sink.hpp>
#include <offramp/text/tokenizer_config.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/wordpiece/pipeline.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Whether one text or two are encoded together.
enum class input_texts { single, pair };

/// What encoding writes to, reused from text to text so that a text no longer than before allocates nothing.
struct encode_memory {
  std::vector<std::int32_t> first;
  std::vector<std::int32_t> second;
  subword_memory subwords;
  encoding result;

  /// Memory of the ids; what the models of subwords keep is bounded by themselves.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return (first.capacity() + second.capacity() + result.ids.capacity() + result.type_ids.capacity() +
            result.cut_ids.capacity()) *
           sizeof(std::int32_t);
  }

  /// Gives memory back that only an unusual text needed.
  void trim() { subwords.trim(); }
};

/// Turns text into the ids that Hugging Face's fast tokenizer of the same files gives. Immutable; every member is const
/// and safe from several threads at once. Time is linear in the text, times the longest piece for Unigram and times the
/// logarithm of a word's length for BPE. A text is read piece by piece until the tokens that are kept are known,
/// whatever follows; a word whose tokens depend on where it ends, as a HerBERT's do, is read whole. What a text of
/// unusual length took of memory is given back.
class tokenizer {
 public:
  /// Reads tokenizer.json, else what the class of tokenizer is made of: vocab.txt, vocab.json and merges.txt, or a
  /// sentencepiece model; and the files beside it. Throws `io`, `bad_model` and `unsupported`.
  [[nodiscard]] static tokenizer load(const model::file_set& files, pretokenizer kind);

  /// Special tokens included, at most `max_tokens` ids: the tail of a longer text is cut. Any bytes are text,
  /// ill-formed UTF-8 reads as U+FFFD. Throws `invalid_argument` when `max_tokens` has no room for the special tokens.
  /// `stop`, unless null, is asked every few thousand bytes; when it says so, what has been read by then is the result,
  /// as `truncated`. The result lives in `memory` until its next use. At most `cut_ids` of the ids behind the last one
  /// that is kept are the result's, too.
  const encoding& encode(std::string_view text, std::size_t max_tokens, encode_memory& memory,
                         const detail::interruption* stop = nullptr, std::size_t cut_ids = 0) const;

  /// As for one text, with both texts in one sequence; the longer one is cut first. An empty second text is none.
  const encoding& encode(std::string_view first, std::string_view second, std::size_t max_tokens, encode_memory& memory,
                         const detail::interruption* stop = nullptr) const;

  [[nodiscard]] encoding encode(std::string_view text, std::size_t max_tokens) const {
    encode_memory memory;
    encode(text, max_tokens, memory);
    return std::move(memory.result);
  }
  [[nodiscard]] encoding encode(std::string_view first, std::string_view second, std::size_t max_tokens) const {
    encode_memory memory;
    encode(first, second, max_tokens, memory);
    return std::move(memory.result);
  }

  /// As the vocabulary writes it: "##ing", "[SEP]". Valid as long as the tokenizer. Throws `invalid_argument`.
  [[nodiscard]] std::string_view piece(std::int32_t id) const;

  /// The highest id and 1.
  [[nodiscard]] std::size_t vocabulary_size() const noexcept { return pieces_.size(); }

  /// The highest type id that it gives.
  [[nodiscard]] std::int32_t highest_type_id(input_texts texts) const;

  /// Whether transformers hands the type ids of this tokenizer to the encoder.
  [[nodiscard]] bool gives_type_ids() const noexcept { return gives_type_ids_; }

  /// Ids around texts, each once; and that behind the first text of a pair, -1 where it puts none.
  [[nodiscard]] std::vector<std::int32_t> special_ids() const { return special_ids_of(single_, pair_); }
  [[nodiscard]] std::int32_t separator() const noexcept { return separator_of(pair_); }

  /// From tokenizer_config.json; nothing when it does not say.
  [[nodiscard]] std::optional<std::size_t> model_max_length() const noexcept { return model_max_length_; }

 private:
  struct text_lengths {
    std::size_t first;
    std::size_t second;
  };
  struct text_pair {
    std::string_view first;
    std::string_view second;
  };
  struct sink_pair {
    const token_sink* first;
    const token_sink* second;
  };

  using pipeline = std::variant<wordpiece_pipeline, subword_pipeline, sentencepiece_pipeline>;

  tokenizer(tokenizer_description description, const tokenizer_config& config);

  [[nodiscard]] static pipeline make_pipeline(tokenizer_description& description);

  [[nodiscard]] static std::vector<added_token> select_raw(std::vector<added_token> tokens);

  [[nodiscard]] std::vector<added_token> select_normalized(std::vector<added_token> tokens) const;

  void check_template(const std::vector<template_part>& parts) const;

  [[nodiscard]] static std::size_t room_for_text(const std::vector<template_part>& parts, std::size_t max_tokens);

  /// Feeds the tokens of `text` to `tokens` until there are no more or it is full.
  void read(std::string_view text, token_sink& tokens, subword_memory& memory) const;

  /// The number of tokens of `text`, at most `limit` and 1.
  [[nodiscard]] std::size_t count_tokens(std::string_view text, std::size_t limit, subword_memory& memory,
                                         const detail::interruption* stop) const;

  /// How much of each text is kept; `counted` holds their lengths up to `room` and 1. When both are longer than their
  /// share, an odd token goes to the second text unless the first one is longer: only then are whole lengths needed.
  [[nodiscard]] text_lengths longest_first(text_pair texts, text_lengths counted, std::size_t room,
                                           subword_memory& memory, const detail::interruption* stop) const;

  static void assemble(const std::vector<template_part>& parts, sink_pair texts, text_lengths lengths,
                       encoding& result);

  pipeline pipeline_;
  added_token_matcher raw_tokens_;
  added_token_matcher normalized_tokens_;
  std::vector<template_part> single_;
  std::vector<template_part> pair_;
  std::vector<std::optional<std::string>> pieces_;
  std::optional<std::size_t> model_max_length_;
  bool gives_type_ids_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/text/tokenizer_members.hpp>
#endif
