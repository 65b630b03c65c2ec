// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/unicode/characters.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The steps of Hugging Face's BertNormalizer, in the order in which they are applied.
struct normalizer_options {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};

/// Feeds the normalized code points of one text, one after another, to a sink: `bool sink(char32_t)` returns whether it
/// wants more. Memory does not depend on the length of the text.
template <typename Sink>
class normalization {
 public:
  normalization(const normalizer_options& options, Sink& sink) : options_(options), sink_(sink) {}

  /// Reads a piece of the text, whole characters. Returns whether the sink took everything.
  bool take(std::string_view piece) {
    for (std::size_t position = 0; position < piece.size() && wants_more_;) {
      const decoded next = decode(piece, position);
      position += next.length;
      clean(next.code_point);
    }
    return wants_more_;
  }

  /// Ends the text. Returns whether the sink took everything.
  bool finish() {
    release_marks();
    return wants_more_;
  }

 private:
  struct mark {
    char32_t code_point;
    unsigned rank;
  };

  void clean(char32_t code_point) {
    if (options_.clean_text) {
      const character_properties properties = properties_of(code_point);
      if (properties.dropped()) {
        return;
      }
      if (properties.whitespace()) {
        code_point = U' ';
      }
    }
    if (options_.handle_chinese_chars && is_chinese_character(code_point)) {
      strip_accents(U' ');
      strip_accents(code_point);
      code_point = U' ';
    }
    strip_accents(code_point);
  }

  void strip_accents(char32_t code_point) {
    if (!options_.strip_accents || (code_point < 0x80 && mark_count_ == 0)) {
      lowercase(code_point);
      return;
    }
    constexpr char32_t first_syllable = 0xAC00;
    constexpr char32_t syllable_count = 11172;
    if (code_point - first_syllable < syllable_count) {
      decompose_hangul(code_point - first_syllable);
    } else if (const character_properties properties = properties_of(code_point); properties.decomposes()) {
      for (const char32_t part : decomposition_of(code_point)) {
        drop_or_order(part, properties_of(part));
      }
    } else {
      drop_or_order(code_point, properties);
    }
  }

  /// Unicode 15.0, section 3.12: 19 leading consonants, 21 vowels, 27 trailing consonants or none.
  void decompose_hangul(char32_t index) {
    release_marks();
    lowercase(0x1100 + index / (21 * 28));
    lowercase(0x1161 + index % (21 * 28) / 28);
    if (index % 28 != 0) {
      lowercase(0x11A7 + index % 28);
    }
  }

  /// Nonspacing marks are dropped; the other marks are held back until the next starter, in canonical order.
  void drop_or_order(char32_t code_point, character_properties properties) {
    if (properties.combining_rank() == 0) {
      release_marks();
      if (!properties.nonspacing_mark()) {
        lowercase(code_point);
      }
      return;
    }
    if (properties.nonspacing_mark()) {
      return;
    }
    if (mark_count_ == marks_.size()) {
      release_marks();  // the word is longer than any vocabulary knows, whatever the order of its marks
    }
    std::size_t place = mark_count_++;
    for (; place > 0 && marks_[place - 1].rank > properties.combining_rank(); --place) {
      marks_[place] = marks_[place - 1];
    }
    marks_[place] = {code_point, properties.combining_rank()};
  }

  void release_marks() {
    for (std::size_t index = 0; index < mark_count_; ++index) {
      lowercase(marks_[index].code_point);
    }
    mark_count_ = 0;
  }

  void lowercase(char32_t code_point) {
    constexpr char32_t capital_i_with_dot_above = 0x130;
    constexpr char32_t combining_dot_above = 0x307;
    if (!options_.lowercase) {
      emit(code_point);
    } else if (code_point == capital_i_with_dot_above) {
      emit(U'i');
      emit(combining_dot_above);
    } else {
      emit(simple_lowercase(code_point));
    }
  }

  void emit(char32_t code_point) { wants_more_ = wants_more_ && sink_(code_point); }

  normalizer_options options_;
  Sink& sink_;
  std::array<mark, 1024> marks_;
  std::size_t mark_count_ = 0;
  bool wants_more_ = true;
};

/// Returns whether the sink took everything.
template <typename Sink>
bool normalize_into(const normalizer_options& options, std::string_view text, Sink& sink) {
  normalization<Sink> steps(options, sink);
  return steps.take(text) && steps.finish();
}

/// The normalized text as a whole.
[[nodiscard]] inline std::string normalize(const normalizer_options& options, std::string_view text) {
  std::string result;
  auto append = [&result](char32_t code_point) {
    append_utf8(result, code_point);
    return true;
  };
  normalize_into(options, text, append);
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
