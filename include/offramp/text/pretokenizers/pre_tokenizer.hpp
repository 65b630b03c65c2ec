// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/pretokenizers/byte_level.hpp>
#include <offramp/text/text_piece.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Cuts at whitespace, which goes.
struct whitespace_split {};

/// Cuts at whitespace, which goes, and around each punctuation character.
struct bert_words {};

/// Cuts behind each space, which stays.
struct cut_behind_spaces {};

/// Spaces become a visible sign, before which the text is cut.
struct metaspace {
  std::string replacement;  ///< one character
  bool prepend;             ///< also before a text that does not start with the sign
  bool split;
};

/// Bytes become characters, see byte_level.hpp.
struct byte_level {
  bool add_prefix_space;
  bool use_regex;  ///< cuts as GPT-2 does
};

/// One pre-tokenizer of Hugging Face's tokenizers.
using pre_tokenizer_step = std::variant<whitespace_split, bert_words, cut_behind_spaces, metaspace, byte_level>;

/// What a pre-tokenizer remembers of a text that arrives in pieces.
struct cut_memory {
  std::string result;
  std::string part;
  std::string waiting;        ///< what the byte-level one has not cut yet
  bool begun = false;         ///< something of the text was read
  bool within_word = false;   ///< a piece of a word was handed out, and another one follows
  gpt2_splitter::kind run{};  ///< of the word that is open, when the byte-level one has cut within it
};

/// Memory of pre-tokenization, kept from text to text.
struct pre_tokenizer_memory {
  std::vector<cut_memory> steps;

  void trim() {
    for (cut_memory& step : steps) {
      text::trim(step.result);
      text::trim(step.part);
      text::trim(step.waiting);
    }
  }
};

/// Passes texts that arrive in pieces through all steps and hands the words to `bool use(std::string_view, text_end)`,
/// which returns whether it wants more; a word may come in pieces too, of which the last, closed one may be empty. A
/// piece lives until `use` returns.
template <typename Use>
class pre_tokenization {
 public:
  pre_tokenization(std::span<const pre_tokenizer_step> steps, pre_tokenizer_memory& memory, Use& use)
      : steps_(steps), memory_(memory.steps), use_(use) {
    memory_.resize(std::max(memory_.size(), steps.size()));
    for (cut_memory& step : memory_) {
      restart(step);
    }
  }

  /// `piece` is well-formed. Returns whether `use` always wanted more.
  bool take(std::string_view piece, text_end end) { return pass(0, piece, end); }

 private:
  using enum text_end;

  static void restart(cut_memory& step) {
    step.waiting.clear();
    step.begun = step.within_word = false;
  }

  bool pass(std::size_t index, std::string_view text, text_end end) {
    if (index == steps_.size()) {
      return use_(text, end);
    }
    cut_memory& memory = memory_[index];
    if (text.empty() && (end == open || !memory.begun)) {
      return true;
    }
    const bool wants_more = std::visit([&](const auto& step) { return apply(index, step, text, end); }, steps_[index]);
    memory.begun = true;
    if (end == closed) {
      restart(memory);
    }
    return wants_more;
  }

  /// Hands a word or what is left of it to the next step; nothing where there is neither.
  bool close_word(std::size_t index, std::string_view word) {
    const bool any = std::exchange(memory_[index].within_word, false) || !word.empty();
    return !any || pass(index + 1, word, closed);
  }

  bool leave_open(std::size_t index, std::string_view word) {
    memory_[index].within_word = memory_[index].within_word || !word.empty();
    return word.empty() || pass(index + 1, word, open);
  }

  bool apply(std::size_t index, const whitespace_split& /*step*/, std::string_view text, text_end end) {
    return cut(index, text, end, [](character_properties /*properties*/) { return false; });
  }

  bool apply(std::size_t index, const bert_words& /*step*/, std::string_view text, text_end end) {
    return cut(index, text, end, [](character_properties properties) { return properties.punctuation(); });
  }

  bool apply(std::size_t index, const cut_behind_spaces& /*step*/, std::string_view text, text_end end) {
    std::size_t start = 0;
    for (std::size_t space = text.find(' '); space != std::string_view::npos; space = text.find(' ', start)) {
      if (!close_word(index, text.substr(start, space + 1 - start))) {
        return false;
      }
      start = space + 1;
    }
    return end == closed ? close_word(index, text.substr(start)) : leave_open(index, text.substr(start));
  }

  /// Drops whitespace; a character that stands alone is a word of its own.
  template <typename StandsAlone>
  bool cut(std::size_t index, std::string_view text, text_end end, const StandsAlone& stands_alone) {
    std::size_t start = 0;
    for (std::size_t position = 0; position < text.size();) {
      const decoded next = decode(text, position);
      const character_properties properties = properties_of(next.code_point);
      const bool alone = stands_alone(properties);
      if (alone || properties.whitespace()) {
        if (!close_word(index, text.substr(start, position - start))) {
          return false;
        }
        if (alone && !pass(index + 1, text.substr(position, next.length), closed)) {
          return false;
        }
        start = position + next.length;
      }
      position += next.length;
    }
    return end == closed ? close_word(index, text.substr(start)) : leave_open(index, text.substr(start));
  }

  bool apply(std::size_t index, const metaspace& step, std::string_view text, text_end end) {
    cut_memory& memory = memory_[index];
    std::string& marked = memory.result;
    marked.clear();
    if (!memory.begun && step.prepend && !text.starts_with(' ') && !text.starts_with(step.replacement)) {
      marked += step.replacement;
    }
    for (std::size_t position = 0; position < text.size();) {
      const std::size_t space = std::min(text.find(' ', position), text.size());
      marked += text.substr(position, space - position);
      marked += space < text.size() ? std::string_view(step.replacement) : std::string_view();
      position = space + 1;
    }
    const std::string_view words = marked;
    std::size_t start = 0;
    while (step.split) {
      const std::size_t next = words.find(step.replacement, start + (memory.within_word ? 0 : 1));
      if (next == std::string_view::npos) {
        break;
      }
      if (!close_word(index, words.substr(start, next - start))) {
        return false;
      }
      start = next;
    }
    return end == closed ? close_word(index, words.substr(start)) : leave_open(index, words.substr(start));
  }

  bool apply(std::size_t index, const byte_level& step, std::string_view text, text_end end) {
    cut_memory& memory = memory_[index];
    if (!memory.begun && step.add_prefix_space && !text.starts_with(' ')) {
      memory.waiting = ' ';
    }
    if (!memory.waiting.empty()) {
      memory.waiting += text;
      memory.result.swap(memory.waiting);
      memory.waiting.clear();
      text = memory.result;
    }
    if (!step.use_regex) {
      const std::string_view characters = as_characters(index, text);
      return end == closed ? close_word(index, characters) : leave_open(index, characters);
    }
    gpt2_splitter parts(text, end, memory.within_word ? std::optional(memory.run) : std::nullopt);
    while (const auto part = parts.next()) {
      const std::string_view characters = as_characters(index, part->bytes);
      memory.run = part->run;
      if (!(part->end == closed ? close_word(index, characters) : leave_open(index, characters))) {
        return false;
      }
    }
    memory.waiting = parts.rest();
    return true;
  }

  std::string_view as_characters(std::size_t index, std::string_view bytes) {
    std::string& characters = memory_[index].part;
    characters.clear();
    append_byte_characters(bytes, characters);
    return characters;
  }

  std::span<const pre_tokenizer_step> steps_;
  std::vector<cut_memory>& memory_;
  Use& use_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
