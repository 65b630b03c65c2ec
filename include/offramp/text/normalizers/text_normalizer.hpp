// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/normalizers/bert_normalizer.hpp>
#include <offramp/text/normalizers/precompiled_charsmap.hpp>
#include <offramp/text/text_piece.hpp>
#include <offramp/text/unicode/character_classes.hpp>
#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/normalization_forms.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
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

/// Puts `content` in the place of two or more whitespace characters, and of a line end or tab alone.
struct squeeze_whitespace {
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
                                     replace_string, replace_spaces, squeeze_whitespace, strip_ends, prepend_string>;

/// What a step remembers of the text before a piece.
struct step_memory {
  waiting_text waiting;
  bool begun = false;  ///< something that is no whitespace dropped from the start was read
};

/// Memory of normalization, kept from text to text.
struct normalizer_memory {
  std::string text;
  std::string spare;
  std::vector<step_memory> steps;
  unicode_former former;

  void trim() {
    text::trim(text);
    text::trim(spare);
    for (step_memory& step : steps) {
      step.waiting.trim();
    }
    former.trim();
  }
};

/// Appends what one step makes of a piece of a well-formed text. Each call returns how much of the piece is done: of an
/// open one all that no continuation can change.
class step_application {
 public:
  step_application(std::string_view text, text_end end, step_memory& memory, std::string& result,
                   unicode_former& former)
      : text_(text), end_(end), begun_(memory.begun), result_(result), former_(former) {}

  std::size_t operator()(const normalizer_options& options) const {
    // Marks are ordered, so that a cut must not stand before one, nor before what is dropped between marks.
    const std::string_view done = options.strip_accents ? up_to_last([&options](char32_t code_point) {
      const character_properties properties = properties_of(code_point);
      return !(options.clean_text && properties.dropped()) && starts_with_starter(code_point, {});
    })
                                                        : text_;
    auto append = [this](char32_t code_point) {
      append_utf8(result_, code_point);
      return true;
    };
    normalize_into(options, done, append);
    return done.size();
  }

  std::size_t operator()(const precompiled_charsmap& rules) const {
    return rules.append_rewritten(text_, end_, result_);
  }

  std::size_t operator()(unicode_form form) const {
    const bool compatible = form == unicode_form::nfkd || form == unicode_form::nfkc;
    const bool composed = form == unicode_form::nfc || form == unicode_form::nfkc;
    const std::string_view done = up_to_last([&](char32_t code_point) {
      const auto parts =
          compatible && code_point >= 0x80 ? compatibility_decomposition_of(code_point) : std::span<const char32_t>();
      return starts_with_starter(code_point, parts) && !(composed && may_compose_with_previous(code_point, parts));
    });
    former_.append(form, done, result_);
    return done.size();
  }

  std::size_t operator()(strip_accents /*step*/) const {
    for (std::size_t position = 0; position < text_.size();) {
      const decoded next = decode(text_, position);
      if (!class_of(next.code_point).mark()) {
        result_.append(text_, position, next.length);
      }
      position += next.length;
    }
    return text_.size();
  }

  std::size_t operator()(lowercase /*step*/) const {
    append_lowercase(text_, result_);
    return text_.size();
  }

  std::size_t operator()(const replace_string& step) const {
    std::size_t done = 0;
    for (std::size_t found = text_.find(step.pattern); found != std::string_view::npos;
         found = text_.find(step.pattern, done)) {
      result_ += text_.substr(done, found - done);
      result_ += step.content;
      done = found + step.pattern.size();
    }
    std::size_t end = text_.size();
    if (end_ == text_end::open) {  // the last bytes may start a match
      end -= std::min(end, step.pattern.size() - 1);
      end = std::max(done, character_start(text_, end));
    }
    result_ += text_.substr(done, end - done);
    return end;
  }

  std::size_t operator()(const replace_spaces& step) const {
    const std::size_t end = end_ == text_end::closed ? text_.size() : text_.find_last_not_of(' ') + 1;
    for (std::size_t position = 0; position < end;) {
      const std::size_t run_end = std::min(text_.find_first_not_of(' ', position), end);
      if (run_end - position >= 2) {
        result_ += step.content;
      } else {
        result_ += text_.substr(position, run_end - position);
      }
      position = std::min(text_.find(' ', run_end), end);
      result_ += text_.substr(run_end, position - run_end);
    }
    return end;
  }

  std::size_t operator()(const squeeze_whitespace& step) const {
    std::size_t position = 0;
    while (position < text_.size()) {
      const std::size_t run_end = end_of_whitespace(position);
      if (run_end == text_.size() && end_ == text_end::open) {
        break;  // the run may go on
      }
      const std::size_t length = decode(text_, position).length;
      const bool is_line_end_or_tab = std::string_view("\n\r\t").find(text_[position]) != std::string_view::npos;
      if (run_end > position + length || is_line_end_or_tab) {
        result_ += step.content;
        position = run_end;
      } else {
        result_.append(text_, position, length);
        position += length;
      }
    }
    return position;
  }

  std::size_t operator()(strip_ends step) const {
    std::string_view rest = text_;
    while (step.left && !begun_ && !rest.empty() && properties_of(decode(rest, 0).code_point).whitespace()) {
      rest.remove_prefix(decode(rest, 0).length);
    }
    begun_ = begun_ || !rest.empty();
    std::string_view kept = rest;
    while (step.right && !kept.empty() && properties_of(decode_before(kept, kept.size()).code_point).whitespace()) {
      kept.remove_suffix(decode_before(kept, kept.size()).length);
    }
    result_ += kept;
    return text_.size() - (end_ == text_end::open ? rest.size() - kept.size() : 0);
  }

  std::size_t operator()(const prepend_string& step) const {
    if (!begun_ && !text_.empty()) {
      result_ += step.content;
      begun_ = true;
    }
    result_ += text_;
    return text_.size();
  }

 private:
  /// Of the whitespace that begins at `position`; there, where none does.
  [[nodiscard]] std::size_t end_of_whitespace(std::size_t position) const {
    while (position < text_.size()) {
      const decoded next = decode(text_, position);
      if (!properties_of(next.code_point).whitespace()) {
        break;
      }
      position += next.length;
    }
    return position;
  }

  /// The text up to the last character, the first one aside, that `may_be_cut_before`; all of a closed text.
  template <typename Predicate>
  [[nodiscard]] std::string_view up_to_last(const Predicate& may_be_cut_before) const {
    if (end_ == text_end::closed) {
      return text_;
    }
    std::size_t position = text_.size();
    while (position > 0) {
      const decoded last = decode_before(text_, position);
      position -= last.length;
      if (may_be_cut_before(last.code_point)) {
        break;
      }
    }
    return text_.substr(0, position);
  }

  std::string_view text_;
  text_end end_;
  bool& begun_;
  std::string& result_;
  unicode_former& former_;
};

/// Takes a text through all steps, piece by piece.
class text_normalization {
 public:
  text_normalization(const std::vector<normalizer_step>& steps, normalizer_memory& memory)
      : steps_(steps), memory_(memory) {
    memory_.steps.resize(std::max(memory_.steps.size(), steps.size()));
    restart();
  }

  /// What is decided of the result after one more piece, ill-formed bytes as U+FFFD. Lives in the memory until its next
  /// use. After a closed piece another text may begin.
  [[nodiscard]] std::string_view take(std::string_view piece, text_end end) {
    memory_.text.clear();
    append_well_formed(piece, memory_.text);
    for (std::size_t index = 0; index < steps_.size(); ++index) {
      step_memory& step = memory_.steps[index];
      memory_.spare.clear();
      step.waiting.join(memory_.text, end, [&](std::string_view text) {
        return std::visit(step_application(text, end, step, memory_.spare, memory_.former), steps_[index]);
      });
      std::swap(memory_.text, memory_.spare);
    }
    if (end == text_end::closed) {
      restart();
    }
    return memory_.text;
  }

 private:
  void restart() {
    for (step_memory& step : memory_.steps) {
      step.waiting.clear();
      step.begun = false;
    }
  }

  const std::vector<normalizer_step>& steps_;
  normalizer_memory& memory_;
};

/// `text` after every step in turn, ill-formed bytes as U+FFFD. Lives in `memory` until its next use.
[[nodiscard]] inline std::string_view apply_steps(const std::vector<normalizer_step>& steps, std::string_view text,
                                                  normalizer_memory& memory) {
  return text_normalization(steps, memory).take(text, text_end::closed);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
