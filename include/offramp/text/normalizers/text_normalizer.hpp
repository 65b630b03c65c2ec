// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/normalizers/bert_normalizer.hpp>
#include <offramp/text/normalizers/precompiled_charsmap.hpp>
#include <offramp/text/unicode/character_classes.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/normalization_forms.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Drops every mark, category M.
struct strip_accents {};

struct lowercase {};

/// Puts `content` in the place of `pattern`, which is not empty, leftmost first.
struct replace_string {
  std::string pattern;
  std::string content;
};

/// Puts `content` in the place of two or more spaces.
struct replace_spaces {
  std::string content;
};

/// Drops whitespace at the ends.
struct strip_ends {
  bool left;
  bool right;
};

/// Puts `content` before a text that is not empty.
struct prepend_string {
  std::string content;
};

/// One normalizer of Hugging Face's tokenizers.
using normalizer_step = std::variant<normalizer_options, precompiled_charsmap, unicode_form, strip_accents, lowercase,
                                     replace_string, replace_spaces, strip_ends, prepend_string>;

/// Memory of normalization, kept from text to text.
struct normalizer_memory {
  std::string text;
  std::string spare;
  unicode_former former;
};

/// Appends what one step makes of a well-formed text.
class step_application {
 public:
  step_application(std::string_view text, std::string& result, unicode_former& former)
      : text_(text), result_(result), former_(former) {}

  void operator()(const normalizer_options& options) const {
    auto append = [this](char32_t code_point) {
      append_utf8(result_, code_point);
      return true;
    };
    normalize_into(options, text_, append);
  }

  void operator()(const precompiled_charsmap& rules) const { rules.append_rewritten(text_, result_); }

  void operator()(unicode_form form) const { former_.append(form, text_, result_); }

  void operator()(strip_accents /*step*/) const {
    for_each_character([this](char32_t code_point) {
      if (!class_of(code_point).mark()) {
        append_utf8(result_, code_point);
      }
    });
  }

  void operator()(lowercase /*step*/) const { (*this)(normalizer_options{false, false, false, true}); }

  void operator()(const replace_string& step) const {
    std::size_t done = 0;
    for (std::size_t found = text_.find(step.pattern); found != std::string_view::npos;
         found = text_.find(step.pattern, done)) {
      result_ += text_.substr(done, found - done);
      result_ += step.content;
      done = found + step.pattern.size();
    }
    result_ += text_.substr(done);
  }

  void operator()(const replace_spaces& step) const {
    for (std::size_t position = 0; position < text_.size();) {
      const std::size_t end = std::min(text_.find_first_not_of(' ', position), text_.size());
      if (end - position >= 2) {
        result_ += step.content;
      } else {
        result_ += text_.substr(position, end - position);
      }
      position = std::min(text_.find(' ', end), text_.size());
      result_ += text_.substr(end, position - end);
    }
  }

  void operator()(strip_ends step) const {
    std::string_view rest = text_;
    while (step.left && !rest.empty() && properties_of(decode(rest, 0).code_point).whitespace()) {
      rest.remove_prefix(decode(rest, 0).length);
    }
    while (step.right && !rest.empty() && properties_of(decode_before(rest, rest.size()).code_point).whitespace()) {
      rest.remove_suffix(decode_before(rest, rest.size()).length);
    }
    result_ += rest;
  }

  void operator()(const prepend_string& step) const {
    result_ += text_.empty() ? std::string_view() : std::string_view(step.content);
    result_ += text_;
  }

 private:
  template <typename Use>
  void for_each_character(const Use& use) const {
    for (std::size_t position = 0; position < text_.size();) {
      const decoded next = decode(text_, position);
      position += next.length;
      use(next.code_point);
    }
  }

  std::string_view text_;
  std::string& result_;
  unicode_former& former_;
};

/// `text` after every step in turn, ill-formed bytes as U+FFFD. Lives in `memory` until its next use.
[[nodiscard]] inline std::string_view apply_steps(const std::vector<normalizer_step>& steps, std::string_view text,
                                                  normalizer_memory& memory) {
  memory.text.clear();
  for (std::size_t position = 0; position < text.size();) {
    const decoded next = decode(text, position);
    if (next.well_formed) {
      memory.text.append(text, position, next.length);
    } else {
      append_utf8(memory.text, replacement_character);
    }
    position += next.length;
  }
  for (const normalizer_step& step : steps) {
    memory.spare.clear();
    std::visit(step_application(memory.text, memory.spare, memory.former), step);
    std::swap(memory.text, memory.spare);
  }
  return memory.text;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
