// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/text/tokenizer.hpp>
#include <offramp/text/tokenizer_files.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The tokenizer that a model trained so saw text through. Throws `unsupported`.
[[nodiscard]] inline tokenizer_description adapt(tokenizer_description description, pretokenizer kind) {
  if (kind == pretokenizer::bert) {
    return description;
  }
  if (!std::holds_alternative<std::monostate>(description.subwords)) {
    throw error(error_kind::unsupported, "pretokenizer \"whitespace\" is supported with WordPiece only");
  }
  description.normalizer = {false, false, false, description.normalizer.lowercase};
  description.splitting = word_splitting::whitespace;
  for (added_token& token : description.added_tokens) {
    token.boundary = token_boundary::whitespace;
    token.lstrip = token.rstrip = token.normalized = false;
  }
  return description;
}

OFFRAMP_INLINE tokenizer tokenizer::load(const model::file_set& files, pretokenizer kind) {
  const tokenizer_config config = read_tokenizer_config(files);
  return {adapt(read_tokenizer_files(files, config), kind), config};
}

OFFRAMP_INLINE tokenizer::tokenizer(tokenizer_description description, const tokenizer_config& config)
    : pipeline_(make_pipeline(description)),
      raw_tokens_(select_raw(description.added_tokens)),
      normalized_tokens_(select_normalized(description.added_tokens)),
      single_(std::move(description.single)),
      pair_(std::move(description.pair)),
      model_max_length_(config.model_max_length),
      gives_type_ids_(config.gives_type_ids) {
  for (const added_token& token : description.added_tokens) {
    description.pieces.insert(token.content, token.id);
  }
  pieces_ = description.pieces.pieces();
  check_template(single_);
  check_template(pair_);
}

OFFRAMP_INLINE tokenizer::pipeline tokenizer::make_pipeline(tokenizer_description& description) {
  if (auto* subwords = std::get_if<subword_pipeline>(&description.subwords)) {
    return std::move(*subwords);
  }
  if (auto* sentencepiece = std::get_if<sentencepiece_pipeline>(&description.subwords)) {
    return std::move(*sentencepiece);
  }
  return wordpiece_pipeline(description);
}

OFFRAMP_INLINE std::vector<added_token> tokenizer::select_raw(std::vector<added_token> tokens) {
  std::erase_if(tokens, [](const added_token& token) { return token.normalized; });
  return tokens;
}

OFFRAMP_INLINE std::vector<added_token> tokenizer::select_normalized(std::vector<added_token> tokens) const {
  std::erase_if(tokens, [](const added_token& token) { return !token.normalized; });
  for (added_token& token : tokens) {
    std::string normalized = std::visit([&](const auto& way) { return way.normalize(token.content); }, pipeline_);
    if (normalized.empty()) {
      throw error(error_kind::unsupported, "added token \"" + token.content + "\" is empty once normalized");
    }
    token.content = std::move(normalized);
  }
  return tokens;
}

OFFRAMP_INLINE void tokenizer::check_template(const std::vector<template_part>& parts) const {
  if (std::all_of(parts.begin(), parts.end(), [](const template_part& part) { return part.ids.empty(); })) {
    throw error(error_kind::unsupported,
                "the post-processor puts no special token around texts, and an empty text would have no token");
  }
  for (const template_part& part : parts) {
    for (const std::int32_t id : part.ids) {
      if (static_cast<std::size_t>(id) >= pieces_.size()) {
        throw error(error_kind::bad_model, "the post-processor's token id " + std::to_string(id) +
                                               " is not in the vocabulary, which has " +
                                               std::to_string(pieces_.size()) + " ids");
      }
    }
  }
}

OFFRAMP_INLINE const encoding& tokenizer::encode(std::string_view text, std::size_t max_tokens, encode_memory& memory,
                                                 const detail::interruption* stop, std::size_t cut_ids) const {
  const std::size_t room = room_for_text(single_, max_tokens);
  token_sink tokens(memory.first, room + cut_ids, room + cut_ids, stop);
  read(text, tokens, memory.subwords);
  memory.trim();
  const std::size_t length = std::min(tokens.count(), room);
  assemble(single_, {&tokens, nullptr}, {length, 0}, memory.result);
  memory.result.cut_ids.assign(tokens.ids().begin() + static_cast<std::ptrdiff_t>(length), tokens.ids().end());
  return memory.result;
}

OFFRAMP_INLINE const encoding& tokenizer::encode(std::string_view first, std::string_view second,
                                                 std::size_t max_tokens, encode_memory& memory,
                                                 const detail::interruption* stop) const {
  if (second.empty()) {
    return encode(first, max_tokens, memory, stop);
  }
  const std::size_t room = room_for_text(pair_, max_tokens);
  token_sink first_tokens(memory.first, room, room, stop);
  token_sink second_tokens(memory.second, room, room, stop);
  read(first, first_tokens, memory.subwords);
  read(second, second_tokens, memory.subwords);
  const auto lengths =
      longest_first({first, second}, {first_tokens.count(), second_tokens.count()}, room, memory.subwords, stop);
  memory.trim();
  assemble(pair_, {&first_tokens, &second_tokens}, lengths, memory.result);
  return memory.result;
}

OFFRAMP_INLINE std::string_view tokenizer::piece(std::int32_t id) const {
  const auto index = static_cast<std::size_t>(id);
  if (id < 0 || index >= pieces_.size() || !pieces_[index]) {
    throw error(error_kind::invalid_argument, "token id " + std::to_string(id) +
                                                  " is not in the vocabulary, which has " +
                                                  std::to_string(pieces_.size()) + " ids");
  }
  return *pieces_[index];
}

OFFRAMP_INLINE std::int32_t tokenizer::highest_type_id(input_texts texts) const {
  std::int32_t highest = 0;
  for (const template_part& part : texts == input_texts::single ? single_ : pair_) {
    highest = std::max(highest, part.type_id);
  }
  return highest;
}

OFFRAMP_INLINE std::size_t tokenizer::room_for_text(const std::vector<template_part>& parts, std::size_t max_tokens) {
  std::size_t specials = 0;
  for (const template_part& part : parts) {
    specials += part.ids.size();
  }
  if (max_tokens < specials) {
    throw error(error_kind::invalid_argument, "max_tokens is " + std::to_string(max_tokens) +
                                                  ", expected at least the " + std::to_string(specials) +
                                                  " special tokens");
  }
  return max_tokens - specials;
}

OFFRAMP_INLINE void tokenizer::read(std::string_view text, token_sink& tokens, subword_memory& memory) const {
  const auto read_with = [&](const auto& way) {
    typename std::decay_t<decltype(way)>::reading pieces(way, normalized_tokens_, memory, tokens);
    raw_tokens_.split(text, [&](std::string_view piece, std::optional<std::int32_t> id, text_end end) {
      return id ? tokens.push(*id) : !tokens.interrupted() && pieces.take(piece, end);
    });
  };
  std::visit(read_with, pipeline_);
}

OFFRAMP_INLINE std::size_t tokenizer::count_tokens(std::string_view text, std::size_t limit, subword_memory& memory,
                                                   const detail::interruption* stop) const {
  std::vector<std::int32_t> none;
  token_sink tokens(none, 0, limit, stop);
  read(text, tokens, memory);
  return tokens.count();
}

OFFRAMP_INLINE tokenizer::text_lengths tokenizer::longest_first(text_pair texts, text_lengths counted, std::size_t room,
                                                                subword_memory& memory,
                                                                const detail::interruption* stop) const {
  if (counted.first + counted.second <= room) {
    return counted;
  }
  bool first_is_longer = counted.first > counted.second;
  if (counted.first > room && counted.second > room && room % 2 == 1) {
    const std::size_t whole_second =
        count_tokens(texts.second, std::numeric_limits<std::size_t>::max() - 1, memory, stop);
    first_is_longer = count_tokens(texts.first, whole_second, memory, stop) > whole_second;
  }
  const std::size_t half = room / 2;
  const std::size_t shorter = std::min({counted.first, counted.second, half});
  const std::size_t longer = room - shorter;
  return first_is_longer ? text_lengths{longer, shorter} : text_lengths{shorter, longer};
}

OFFRAMP_INLINE void tokenizer::assemble(const std::vector<template_part>& parts, sink_pair texts, text_lengths lengths,
                                        encoding& result) {
  result.ids.clear();
  result.type_ids.clear();
  result.cut_ids.clear();
  const auto append = [&](const std::vector<std::int32_t>& ids, std::size_t count, std::int32_t type_id) {
    result.ids.insert(result.ids.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
    result.type_ids.insert(result.type_ids.end(), count, type_id);
  };
  for (const template_part& part : parts) {
    if (part.what == template_part::kind::special) {
      append(part.ids, part.ids.size(), part.type_id);
    } else if (part.what == template_part::kind::first) {
      append(texts.first->ids(), lengths.first, part.type_id);
    } else {
      append(texts.second->ids(), lengths.second, part.type_id);
    }
  }
  if (std::all_of(result.type_ids.begin(), result.type_ids.end(), [](std::int32_t id) { return id == 0; })) {
    result.type_ids.clear();
  }
  const auto is_cut = [](const token_sink& tokens, std::size_t length) {
    return length < tokens.count() || tokens.was_interrupted();
  };
  result.truncated =
      is_cut(*texts.first, lengths.first) || (texts.second != nullptr && is_cut(*texts.second, lengths.second));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
