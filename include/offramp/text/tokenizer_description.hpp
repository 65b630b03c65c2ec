// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/added_tokens.hpp>
#include <offramp/text/normalizers/bert_normalizer.hpp>
#include <offramp/text/sentencepiece/pipeline.hpp>
#include <offramp/text/subwords/pipeline.hpp>
#include <offramp/text/vocabulary.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// How normalized text is cut into words.
enum class word_splitting {
  whitespace_and_punctuation,  ///< every punctuation character is a word of its own
  whitespace,
};

/// One part of what a model sees: the first text, the second one, or special tokens around them.
struct template_part {
  enum class kind { first, second, special };
  kind what;
  std::int32_t type_id = 0;
  std::vector<std::int32_t> ids;  ///< of special tokens
};

/// Everything that the files of a model say about its tokenizer.
struct tokenizer_description {
  vocabulary pieces;  ///< of the model, without added tokens
  std::int32_t unknown_id = 0;
  std::string continuation_prefix = "##";
  std::size_t max_word_characters = 100;
  normalizer_options normalizer;
  word_splitting splitting = word_splitting::whitespace_and_punctuation;
  /// Another model than WordPiece, of which the five fields above speak.
  std::variant<std::monostate, subword_pipeline, sentencepiece_pipeline> subwords;
  std::vector<added_token> added_tokens;
  std::vector<template_part> single;
  std::vector<template_part> pair;
};

/// The special ids of both, each once.
[[nodiscard]] inline std::vector<std::int32_t> special_ids_of(const std::vector<template_part>& single,
                                                              const std::vector<template_part>& pair) {
  std::vector<std::int32_t> ids;
  for (const auto* parts : {&single, &pair}) {
    for (const template_part& part : *parts) {
      std::copy_if(part.ids.begin(), part.ids.end(), std::back_inserter(ids),
                   [&](std::int32_t id) { return std::find(ids.begin(), ids.end(), id) == ids.end(); });
    }
  }
  return ids;
}

/// The special id behind the first text; -1 where none is.
[[nodiscard]] inline std::int32_t separator_of(const std::vector<template_part>& parts) noexcept {
  const auto first = std::find_if(parts.begin(), parts.end(),
                                  [](const template_part& part) { return part.what == template_part::kind::first; });
  const bool is_followed = first != parts.end() && first + 1 != parts.end() && !(first + 1)->ids.empty();
  return is_followed ? (first + 1)->ids.front() : -1;
}

/// `[CLS] first [SEP]`, or `[CLS] first [SEP] second [SEP]` with the second text and its end in segment 1.
[[nodiscard]] inline std::vector<template_part> bert_template(std::int32_t cls_id, std::int32_t sep_id,
                                                              std::size_t texts) {
  using enum template_part::kind;
  std::vector<template_part> parts{{special, 0, {cls_id}}, {first, 0, {}}, {special, 0, {sep_id}}};
  if (texts == 2) {
    parts.push_back({second, 1, {}});
    parts.push_back({special, 1, {sep_id}});
  }
  return parts;
}

/// `<s> first </s>`, or `<s> first </s> </s> second </s>`, all in segment 0.
[[nodiscard]] inline std::vector<template_part> roberta_template(std::int32_t cls_id, std::int32_t sep_id,
                                                                 std::size_t texts) {
  using enum template_part::kind;
  std::vector<template_part> parts{{special, 0, {cls_id}}, {first, 0, {}}, {special, 0, {sep_id}}};
  if (texts == 2) {
    parts.push_back({special, 0, {sep_id}});
    parts.push_back({second, 0, {}});
    parts.push_back({special, 0, {sep_id}});
  }
  return parts;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
