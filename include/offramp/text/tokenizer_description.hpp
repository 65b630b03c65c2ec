// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/text/added_tokens.hpp>
#include <offramp/text/normalizer.hpp>
#include <offramp/text/subword_pipeline.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
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

/// The pieces of a vocabulary. Ids may have holes.
class vocabulary {
 public:
  /// Highest id that a vocabulary may hold; the largest BERT vocabularies have half a million pieces.
  static constexpr std::int32_t max_id = (1 << 20) - 1;

  /// `id` is within [0, max_id]. A piece inserted twice keeps its latest id, an id inserted twice its latest piece.
  void insert(const std::string& piece, std::int32_t id) {
    const auto index = static_cast<std::size_t>(id);
    if (pieces_.size() <= index) {
      pieces_.resize(index + 1);
    }
    pieces_[index] = piece;
    ids_[piece] = id;
  }

  [[nodiscard]] std::optional<std::int32_t> find(const std::string& piece) const {
    const auto found = ids_.find(piece);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }

  [[nodiscard]] const std::unordered_map<std::string, std::int32_t>& ids() const noexcept { return ids_; }

  /// Pieces by id; nothing where an id is not used.
  [[nodiscard]] const std::vector<std::optional<std::string>>& pieces() const noexcept { return pieces_; }

 private:
  std::unordered_map<std::string, std::int32_t> ids_;
  std::vector<std::optional<std::string>> pieces_;
};

/// Everything that the files of a model say about its tokenizer.
struct tokenizer_description {
  vocabulary pieces;  ///< of the model, without added tokens
  std::int32_t unknown_id = 0;
  std::string continuation_prefix = "##";
  std::size_t max_word_characters = 100;
  normalizer_options normalizer;
  word_splitting splitting = word_splitting::whitespace_and_punctuation;
  std::optional<subword_pipeline> subwords;  ///< instead of WordPiece, of which the five fields above speak
  std::vector<added_token> added_tokens;
  std::vector<template_part> single;
  std::vector<template_part> pair;
};

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
