// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/pretokenizers/byte_level.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Cuts at whitespace, which goes.
struct whitespace_split {};

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
using pre_tokenizer_step = std::variant<whitespace_split, metaspace, byte_level>;

/// Memory of pre-tokenization, kept from text to text.
struct pre_tokenizer_memory {
  std::vector<std::string> texts;  ///< two for each step
};

/// Passes a text through all steps and hands the parts to `bool use(std::string_view)`, which returns whether it wants
/// more. A part lives until `use` returns.
template <typename Use>
class pre_tokenization {
 public:
  pre_tokenization(std::span<const pre_tokenizer_step> steps, pre_tokenizer_memory& memory, Use& use)
      : steps_(steps), memory_(memory), use_(use) {
    memory_.texts.resize(std::max(memory_.texts.size(), 2 * steps.size()));
  }

  /// `text` is well-formed. Returns whether `use` always wanted more.
  bool run(std::string_view text) { return text.empty() || pass(0, text); }

 private:
  bool pass(std::size_t index, std::string_view text) {
    if (index == steps_.size()) {
      return use_(text);
    }
    return std::visit([&](const auto& step) { return apply(index, step, text); }, steps_[index]);
  }

  bool apply(std::size_t index, const whitespace_split& /*step*/, std::string_view text) {
    std::size_t start = 0;
    for (std::size_t position = 0; position < text.size();) {
      const decoded next = decode(text, position);
      if (properties_of(next.code_point).whitespace()) {
        if (position > start && !pass(index + 1, text.substr(start, position - start))) {
          return false;
        }
        start = position + next.length;
      }
      position += next.length;
    }
    return start == text.size() || pass(index + 1, text.substr(start));
  }

  bool apply(std::size_t index, const metaspace& step, std::string_view text) {
    std::string& marked = memory_.texts[2 * index];
    marked.clear();
    if (step.prepend && !text.starts_with(' ') && !text.starts_with(step.replacement)) {
      marked += step.replacement;
    }
    for (const char byte : text) {
      if (byte == ' ') {
        marked += step.replacement;
      } else {
        marked += byte;
      }
    }
    if (!step.split) {
      return pass(index + 1, marked);
    }
    for (std::size_t start = 0; start < marked.size();) {
      const std::size_t end = std::min(marked.find(step.replacement, start + 1), marked.size());
      if (!pass(index + 1, std::string_view(marked).substr(start, end - start))) {
        return false;
      }
      start = end;
    }
    return true;
  }

  bool apply(std::size_t index, const byte_level& step, std::string_view text) {
    std::string& prefixed = memory_.texts[2 * index];
    if (step.add_prefix_space && !text.starts_with(' ')) {
      prefixed = ' ';
      prefixed += text;
      text = prefixed;
    }
    std::string& characters = memory_.texts[2 * index + 1];
    for (gpt2_splitter parts(text); !parts.done();) {
      characters.clear();
      append_byte_characters(step.use_regex ? parts.next() : parts.rest(), characters);
      if (!pass(index + 1, characters)) {
        return false;
      }
    }
    return true;
  }

  std::span<const pre_tokenizer_step> steps_;
  pre_tokenizer_memory& memory_;
  Use& use_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
