// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/subwords/byte_pair.hpp>
#include <offramp/text/subwords/unigram.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/unsupported.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

struct subword_model {
  vocabulary pieces;
  std::size_t size;  ///< pieces, equal ones counted
  std::variant<unigram, byte_pair> model;
};

[[nodiscard]] inline bool is_set(model::json_object& fields, const std::string& key) {
  const auto found = fields.find(key);
  return found && found->boolean();
}

/// An object of pieces and their ids, each id once.
[[nodiscard]] inline vocabulary read_vocabulary(const model::json_place& vocab) {
  const model::json_object checked(vocab);
  vocabulary result;
  std::set<std::int32_t> seen;
  for (const auto& [piece, value] : vocab.value().items()) {
    const auto id = static_cast<std::int32_t>(vocab.member(piece).integer(0, vocabulary::max_id));
    if (!seen.insert(id).second) {
      throw error(error_kind::bad_model, vocab.describe() + ": id " + std::to_string(id) +
                                             " stands for two pieces, one of them \"" + piece + "\"");
    }
    result.insert(piece, id);
  }
  return result;
}

/// The id of a piece that `vocab` must hold. Throws `bad_model`.
[[nodiscard]] inline std::int32_t require_piece(const vocabulary& pieces, const std::string& piece,
                                                const model::json_place& vocab) {
  if (const std::optional<std::int32_t> id = pieces.find(piece)) {
    return *id;
  }
  throw error(error_kind::bad_model, vocab.describe() + " has no token \"" + piece + "\"");
}

/// What `byte_fallback` needs: pieces for all 256 bytes. A vocabulary without any is as one without byte_fallback.
[[nodiscard]] inline std::optional<byte_ids> find_byte_pieces(const vocabulary& pieces, model::json_object& fields) {
  if (!is_set(fields, "byte_fallback")) {
    return std::nullopt;
  }
  byte_ids result{};
  std::size_t found = 0;
  for (unsigned byte = 0; byte < result.size(); ++byte) {
    char name[8];
    std::snprintf(name, sizeof(name), "<0x%02X>", byte);
    if (const std::optional<std::int32_t> id = pieces.find(name)) {
      result[byte] = *id;
      ++found;
    }
  }
  if (found != 0 && found != result.size()) {
    throw error(error_kind::unsupported, fields.place().describe() + ".byte_fallback is true and " +
                                             std::to_string(found) + " bytes are pieces, supported is 0 or 256");
  }
  return found == 0 ? std::nullopt : std::optional(result);
}

/// Model `Unigram`. Throws `bad_model` and `unsupported`.
[[nodiscard]] inline subword_model read_unigram(model::json_object& fields) {
  const model::json_place vocab = fields.require("vocab");
  const auto scored = vocab.array(1, vocabulary::max_id + 1, [](const model::json_place& entry) {
    if (!entry.value().is_array() || entry.value().size() != 2) {
      entry.refuse("an array of a piece and its score");
    }
    const auto& score = entry.element(1).value();
    if (!score.is_number() || !std::isfinite(score.get<double>())) {
      entry.element(1).refuse("a finite number");
    }
    return scored_piece{entry.element(0).text(), score.get<double>()};
  });
  const auto unknown = fields.find("unk_id");
  if (!unknown) {
    throw error(error_kind::unsupported, fields.place().describe() + ".unk_id is null, supported is an id");
  }
  const auto unknown_id = static_cast<std::int32_t>(unknown->integer(0, static_cast<std::int64_t>(scored.size()) - 1));
  vocabulary pieces;
  for (std::size_t id = 0; id < scored.size(); ++id) {
    pieces.insert(scored[id].piece, static_cast<std::int32_t>(id));
  }
  unigram model(scored, unknown_id, find_byte_pieces(pieces, fields));
  return {std::move(pieces), scored.size(), std::move(model)};
}

/// `"a b"` or `["a", "b"]`
[[nodiscard]] inline std::pair<std::string, std::string> read_merge(const model::json_place& where) {
  if (where.value().is_array()) {
    auto parts = where.array(2, 2, [](const model::json_place& part) { return part.text(); });
    return {std::move(parts[0]), std::move(parts[1])};
  }
  const std::string& text = where.text();
  const std::size_t space = text.find(' ');
  if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
    where.refuse("two pieces with a space between them");
  }
  return {text.substr(0, space), text.substr(space + 1)};
}

/// Each merge must make a piece of two pieces.
inline void read_merges(const model::json_place& merges, const vocabulary& pieces, byte_pair& model) {
  std::uint32_t rank = 0;
  for (const model::json_place& entry :
       merges.array(0, vocabulary::max_id + 1, [](const model::json_place& element) { return element; })) {
    if (entry.value().is_string() && entry.text().starts_with("#version")) {
      continue;
    }
    const auto [first, second] = read_merge(entry);
    const auto id_of = [&](const std::string& piece) {
      if (const std::optional<std::int32_t> id = pieces.find(piece)) {
        return *id;
      }
      throw error(error_kind::bad_model, entry.describe() + ": \"" + piece + "\" is not in the vocabulary");
    };
    const std::int32_t left = id_of(first);
    const std::int32_t right = id_of(second);
    const std::string merged = first + second;
    model.insert_merge(left, right, rank++, id_of(merged), count_characters(merged));
  }
}

inline void refuse_byte_pair_options(model::json_object& fields) {
  if (const auto dropout = fields.find("dropout");
      dropout && !(dropout->value().is_number() && dropout->value().get<double>() == 0.0)) {
    refuse_unsupported(*dropout, "null");
  }
  for (const std::string key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (const auto found = fields.find(key); found && !found->text().empty()) {
      refuse_unsupported(*found, "null");
    }
  }
}

/// Model `BPE`. Throws `bad_model` and `unsupported`.
[[nodiscard]] inline subword_model read_byte_pair(model::json_object& fields) {
  refuse_byte_pair_options(fields);
  const model::json_place vocab = fields.require("vocab");
  vocabulary pieces = read_vocabulary(vocab);
  unknown_characters unknown;
  if (const auto token = fields.find("unk_token")) {
    unknown.id = require_piece(pieces, token->text(), vocab);
  }
  unknown.fuse = is_set(fields, "fuse_unk");
  unknown.bytes = find_byte_pieces(pieces, fields);
  using enum byte_pair::word_lookup;
  byte_pair model(std::move(unknown), is_set(fields, "ignore_merges") ? whole_words : merges_only);
  for (const auto& [piece, id] : pieces.ids()) {
    model.insert(piece, id);
  }
  read_merges(fields.require("merges"), pieces, model);
  const std::size_t size = pieces.ids().size();
  return {std::move(pieces), size, std::move(model)};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
