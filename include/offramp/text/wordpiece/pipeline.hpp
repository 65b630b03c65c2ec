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

  class reading;

  [[nodiscard]] std::string normalize(std::string_view text) const { return text::normalize(normalizer_, text); }

 private:
  normalizer_options normalizer_;
  word_splitting splitting_;
  wordpiece pieces_;
};

/// Feeds the tokens of texts that arrive in pieces to a sink.
class wordpiece_pipeline::reading {
 public:
  /// `added` are looked for after normalization, which then takes memory. All arguments must outlive the object.
  reading(const wordpiece_pipeline& way, const added_token_matcher& added, subword_memory& memory, token_sink& tokens)
      : tokens_(tokens),
        words_(way.pieces_, way.splitting_, tokens),
        normalized_(memory.normalizer.text),
        added_(added, memory.window),
        sink_{added.empty() ? nullptr : &normalized_, words_},
        normalization_(way.normalizer_, sink_) {
    normalized_.clear();
  }
  reading(const reading&) = delete;
  reading& operator=(const reading&) = delete;

  /// Returns whether more is wanted.
  bool take(std::string_view piece, text_end end) {
    if (!normalization_.take(piece) || (end == text_end::closed && !normalization_.finish())) {
      return false;
    }
    if (sink_.normalized == nullptr) {
      return end == text_end::open || words_.finish();
    }
    const bool wants_more =
        added_.take(normalized_, end, [this](std::string_view part, std::optional<std::int32_t> id, text_end part_end) {
          return id ? tokens_.push(*id) : read_words(part, part_end);
        });
    normalized_.clear();
    return wants_more;
  }

 private:
  /// Where normalized characters go: into words, or to where added tokens are looked for.
  struct character_sink {
    std::string* normalized;
    word_reader& words;

    bool operator()(char32_t code_point) const {
      if (normalized == nullptr) {
        return words(code_point);
      }
      append_utf8(*normalized, code_point);
      return true;
    }
  };

  bool read_words(std::string_view part, text_end end) {
    for (std::size_t position = 0; position < part.size();) {
      const decoded next = decode(part, position);
      position += next.length;
      if (!words_(next.code_point)) {
        return false;
      }
    }
    return end == text_end::open || words_.finish();
  }

  token_sink& tokens_;
  word_reader words_;
  std::string& normalized_;
  added_token_stream added_;
  character_sink sink_;
  normalization<character_sink> normalization_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
