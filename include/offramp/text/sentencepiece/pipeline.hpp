// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/added_tokens.hpp>
#include <offramp/text/normalizers/text_normalizer.hpp>
#include <offramp/text/sentencepiece/encoder.hpp>
#include <offramp/text/subwords/pipeline.hpp>
#include <offramp/text/token_sink.hpp>
#include <offramp/text/unicode/character_classes.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/text/vocabulary.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// What tokenizers like XLNet's do to a text before sentencepiece sees it.
struct text_preparation {
  bool remove_space = true;   ///< one space for any whitespace, none at the ends
  bool keep_accents = false;  ///< else NFKD, and combining characters go
  bool lower_case = false;
};

/// Python's str.lower().
[[nodiscard]] inline std::string to_lower(std::string_view text) {
  constexpr char32_t capital_sigma = 0x3A3;
  constexpr char32_t final_sigma = 0x3C2;
  constexpr char32_t capital_i_with_dot_above = 0x130;
  std::u32string characters;
  for (std::size_t position = 0; position < text.size();) {
    const decoded next = decode(text, position);
    characters += next.code_point;
    position += next.length;
  }
  std::vector<bool> cased_follows(characters.size() + 1, false);
  for (std::size_t index = characters.size(); index-- > 0;) {
    const character_class properties = class_of(characters[index]);
    cased_follows[index] = properties.case_ignorable() ? cased_follows[index + 1] : properties.cased();
  }
  std::string result;
  bool cased_before = false;
  for (std::size_t index = 0; index < characters.size(); ++index) {
    const char32_t character = characters[index];
    if (character == capital_sigma && cased_before && !cased_follows[index + 1]) {
      append_utf8(result, final_sigma);
    } else if (character == capital_i_with_dot_above) {
      result += "i\u0307";
    } else {
      append_utf8(result, simple_lowercase(character));
    }
    const character_class properties = class_of(character);
    cased_before = properties.case_ignorable() ? cased_before : properties.cased();
  }
  return result;
}

/// One space for whitespace as Python's str.split() sees it: also the separators U+001C to U+001F.
[[nodiscard]] inline std::string join_words(std::string_view text) {
  std::string result;
  bool space_before = false;
  for (std::size_t position = 0; position < text.size();) {
    const decoded next = decode(text, position);
    if (properties_of(next.code_point).whitespace() || (next.code_point >= 0x1C && next.code_point <= 0x1F)) {
      space_before = !result.empty();
    } else {
      result += space_before ? " " : "";
      result += text.substr(position, next.length);
      space_before = false;
    }
    position += next.length;
  }
  return result;
}

[[nodiscard]] inline std::string drop_combining(std::string_view text) {
  std::string result;
  for (std::size_t position = 0; position < text.size();) {
    const decoded next = decode(text, position);
    if (properties_of(next.code_point).combining_rank() == 0) {
      result += text.substr(position, next.length);
    }
    position += next.length;
  }
  return result;
}

/// The way from text to ids of Hugging Face's tokenizers that call sentencepiece. The library takes a text as a whole;
/// where no piece has a space but at its start, words before a space do not depend on what follows, so that of a long
/// text only the beginning is given to it. Const members are safe from several threads; they allocate.
class sentencepiece_pipeline {
 public:
  /// `pieces` and their ids; others are unknown.
  sentencepiece_pipeline(sentencepiece_encoder encoder, vocabulary pieces, std::int32_t unknown_id,
                         text_preparation preparation)
      : encoder_(std::move(encoder)),
        pieces_(std::move(pieces)),
        unknown_id_(unknown_id),
        preparation_(preparation),
        words_are_independent_(!piece_crosses_words()) {}

  class reading;

  [[nodiscard]] std::string normalize(std::string_view text) const { return std::string(text); }

 private:
  static constexpr std::size_t longest_text = std::size_t{1} << 28;
  static constexpr std::string_view space_sign = "\u2581";

  [[nodiscard]] bool piece_crosses_words() const {
    return std::any_of(pieces_.ids().begin(), pieces_.ids().end(), [](const auto& entry) {
      const std::size_t sign = entry.first.rfind(space_sign);
      return sign != 0 && sign != std::string::npos;
    });
  }

  /// Feeds the tokens of a text between added tokens to `tokens`, but for the first ones.
  void read(std::string_view text, normalizer_memory& memory, std::size_t skipped, token_sink& tokens) const {
    const auto push = [&](const std::string& piece) {
      if (skipped > 0) {
        --skipped;
        return true;
      }
      return tokens.push(pieces_.find(piece).value_or(unknown_id_));
    };
    // The library counts with ints.
    const std::string_view readable = apply_steps({}, text.substr(0, longest_text), memory);
    const std::vector<std::string> found = encoder_(prepare(readable, memory));
    std::all_of(found.begin(), found.end(), [&](const std::string& piece) {
      const std::vector<std::string> parts = split_comma(piece);
      return std::all_of(parts.begin(), parts.end(), push);
    });
  }

  [[nodiscard]] std::string prepare(std::string_view text, normalizer_memory& memory) const {
    std::string result = preparation_.remove_space ? join_words(text) : std::string(text);
    result = apply_steps({replace_string{"``", "\""}, replace_string{"''", "\""}}, result, memory);
    if (!preparation_.keep_accents) {
      result = drop_combining(apply_steps({unicode_form::nfkd}, result, memory));
    }
    return preparation_.lower_case ? to_lower(result) : result;
  }

  /// "9," becomes "9" and ",", and "9" is cut as a word of its own.
  [[nodiscard]] std::vector<std::string> split_comma(const std::string& piece) const {
    if (piece.size() < 2 || !piece.ends_with(',') ||
        !class_of(decode_before(piece, piece.size() - 1).code_point).decimal_digit()) {
      return {piece};
    }
    std::string number = piece.substr(0, piece.size() - 1);
    for (std::size_t sign = number.find(space_sign); sign != std::string::npos; sign = number.find(space_sign)) {
      number.erase(sign, space_sign.size());
    }
    std::vector<std::string> parts = encoder_(number);
    if (!piece.starts_with(space_sign) && !parts.empty() && parts.front().starts_with(space_sign)) {
      parts.front().erase(0, space_sign.size());
      if (parts.front().empty()) {
        parts.erase(parts.begin());
      }
    }
    parts.emplace_back(",");
    return parts;
  }

  sentencepiece_encoder encoder_;
  vocabulary pieces_;
  std::int32_t unknown_id_;
  text_preparation preparation_;
  bool words_are_independent_;
};

/// Feeds the tokens of texts that arrive in pieces to a sink.
class sentencepiece_pipeline::reading {
 public:
  /// All arguments must outlive the object.
  reading(const sentencepiece_pipeline& way, const added_token_matcher& /*added*/, subword_memory& memory,
          token_sink& tokens)
      : way_(way), memory_(memory), tokens_(tokens) {
    memory.window.clear();
  }
  reading(const reading&) = delete;
  reading& operator=(const reading&) = delete;

  /// Returns whether more is wanted.
  bool take(std::string_view piece, text_end end) {
    if (end == text_end::closed && memory_.window.empty()) {
      way_.read(piece, memory_.normalizer, 0, tokens_);
      return tokens_.wants_more();
    }
    memory_.window += piece;
    if (end == text_end::closed) {
      way_.read(memory_.window, memory_.normalizer, tokens_of_text_, tokens_);
      memory_.window.clear();
      next_size_ = first_size;
      tokens_of_text_ = 0;
    } else if (way_.words_are_independent_ && memory_.window.size() >= next_size_) {
      read_beginning();
    }
    return tokens_.wants_more();
  }

 private:
  static constexpr std::size_t first_size = 4 * piece_size;

  /// Scores are summed from the start of the text, in float: so each try starts there, with twice the text.
  void read_beginning() {
    const std::size_t before = tokens_.count();
    way_.read(std::string_view(memory_.window).substr(0, end_of_words()), memory_.normalizer, tokens_of_text_, tokens_);
    tokens_of_text_ += tokens_.count() - before;
    next_size_ = 2 * memory_.window.size();
  }

  /// The last place where a space follows an ASCII letter or digit, which no normalization joins.
  [[nodiscard]] std::size_t end_of_words() const {
    const auto joins_nothing = [](char byte) {
      return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
    };
    const std::string& text = memory_.window;
    for (std::size_t place = text.rfind(' '); place != std::string::npos && place > 0;
         place = text.rfind(' ', place - 1)) {
      if (joins_nothing(text[place - 1])) {
        return place;
      }
    }
    return 0;
  }

  const sentencepiece_pipeline& way_;
  subword_memory& memory_;
  token_sink& tokens_;
  std::size_t next_size_ = first_size;
  std::size_t tokens_of_text_ = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
