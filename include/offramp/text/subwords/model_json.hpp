// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/added_tokens_json.hpp>
#include <offramp/text/subwords/byte_pair.hpp>
#include <offramp/text/subwords/unigram.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/text/unsupported.hpp>
#include <offramp/text/wordpiece/wordpiece.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
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
  std::variant<unigram, byte_pair, wordpiece> model;
};

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

/// The `vocab` of a Unigram model.
[[nodiscard]] inline std::vector<scored_piece> read_scored_pieces(const model::json_place& vocab) {
  return vocab.array(1, vocabulary::max_id + 1, [](const model::json_place& entry) {
    if (!entry.value().is_array() || entry.value().size() != 2) {
      entry.refuse("an array of a piece and its score");
    }
    const auto& score = entry.element(1).value();
    if (!score.is_number() || !std::isfinite(score.get<double>())) {
      entry.element(1).refuse("a finite number");
    }
    return scored_piece{entry.element(0).text(), score.get<double>()};
  });
}

[[nodiscard]] inline vocabulary pieces_of(const std::vector<scored_piece>& scored) {
  vocabulary pieces;
  for (std::size_t id = 0; id < scored.size(); ++id) {
    pieces.insert(scored[id].piece, static_cast<std::int32_t>(id));
  }
  return pieces;
}

/// `score` as the package tokenizers reads it from the digits of a tokenizer.json: a whole number and a power of ten,
/// each rounded to a double. The last bit decides between paths that are equally good. A class of tokenizers, which is
/// made in Python, gets the exact number instead.
[[nodiscard]] inline double score_of_package(double score) {
  char digits[32];
  const auto written = std::to_chars(std::begin(digits), std::end(digits), score, std::chars_format::scientific);
  const std::string_view text(digits, written.ptr);
  const std::size_t exponent_sign = text.find('e');
  std::uint64_t significand = 0;
  int exponent = 0;
  std::from_chars(text.data() + exponent_sign + (text[exponent_sign + 1] == '+' ? 2 : 1), written.ptr, exponent);
  for (const char digit : text.substr(0, exponent_sign)) {
    significand = digit >= '0' && digit <= '9' ? 10 * significand + static_cast<unsigned>(digit - '0') : significand;
  }
  if (const std::size_t point = text.find('.'); point != std::string_view::npos) {
    exponent -= static_cast<int>(exponent_sign - point - 1);
  }
  constexpr int largest_power = 22;  // above, powers of ten are no doubles
  if (exponent > largest_power || exponent < -largest_power) {
    return score;
  }
  double power = 1.0;
  for (int left = std::abs(exponent); left > 0; --left) {
    power *= 10.0;
  }
  const double magnitude =
      exponent < 0 ? static_cast<double>(significand) / power : static_cast<double>(significand) * power;
  return score < 0.0 ? -magnitude : magnitude;
}

/// Model `Unigram`. Throws `bad_model` and `unsupported`.
[[nodiscard]] inline subword_model read_unigram(model::json_object& fields) {
  std::vector<scored_piece> scored = read_scored_pieces(fields.require("vocab"));
  for (scored_piece& piece : scored) {
    piece.score = score_of_package(piece.score);
  }
  const auto unknown = fields.find("unk_id");
  if (!unknown) {
    throw error(error_kind::unsupported, fields.place().describe() + ".unk_id is null, supported is an id");
  }
  const auto unknown_id = static_cast<std::int32_t>(unknown->integer(0, static_cast<std::int64_t>(scored.size()) - 1));
  vocabulary pieces = pieces_of(scored);
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

/// The pairs of pieces that a BPE model merges, in order.
struct merge_list {
  std::vector<std::pair<std::string, std::string>> pairs;
  std::string place;  ///< for error messages
};

[[nodiscard]] inline merge_list read_merges(const model::json_place& where) {
  merge_list result{where.array(0, vocabulary::max_id + 1,
                                [](const model::json_place& entry) {
                                  const bool is_comment =
                                      entry.value().is_string() && entry.text().starts_with("#version");
                                  return is_comment ? std::pair<std::string, std::string>() : read_merge(entry);
                                }),
                    where.describe()};
  std::erase_if(result.pairs, [](const auto& pair) { return pair.first.empty() && pair.second.empty(); });
  return result;
}

/// Each merge must make a piece of two pieces. Throws `bad_model`. `unknown.id` is that of a piece of `pieces`.
[[nodiscard]] inline subword_model make_byte_pair(const merge_list& merges, vocabulary pieces,
                                                  byte_pair_options options) {
  byte_pair model(std::move(options));
  for (const auto& [piece, id] : pieces.ids()) {
    model.insert(piece, id);
  }
  for (std::uint32_t rank = 0; rank < merges.pairs.size(); ++rank) {
    const auto id_of = [&](const std::string& piece) {
      if (const std::optional<std::int32_t> id = pieces.find(piece)) {
        return *id;
      }
      throw error(error_kind::bad_model,
                  merges.place + "[" + std::to_string(rank) + "]: \"" + piece + "\" is not in the vocabulary");
    };
    const auto& [first, second] = merges.pairs[rank];
    const std::string merged = first + second;
    const std::int32_t first_id = id_of(first);
    const std::int32_t second_id = id_of(second);
    model.insert_merge(first_id, second_id, rank, id_of(merged), count_characters(merged));
  }
  const std::size_t size = pieces.ids().size();
  return {std::move(pieces), size, std::move(model)};
}

/// Model `BPE`. Throws `bad_model` and `unsupported`.
[[nodiscard]] inline subword_model read_byte_pair(model::json_object& fields) {
  if (const auto dropout = fields.find("dropout");
      dropout && !(dropout->value().is_number() && dropout->value().get<double>() == 0.0)) {
    refuse_unsupported(*dropout, "null");
  }
  if (const auto prefix = fields.find("continuing_subword_prefix"); prefix && !prefix->text().empty()) {
    refuse_unsupported(*prefix, "null");
  }
  const model::json_place vocab = fields.require("vocab");
  vocabulary pieces = read_vocabulary(vocab);
  byte_pair_options options;
  if (const auto token = fields.find("unk_token")) {
    options.unknown.id = require_piece(pieces, token->text(), vocab);
  }
  options.unknown.fuse = is_set(fields, "fuse_unk");
  options.unknown.bytes = find_byte_pieces(pieces, fields);
  options.whole_words = is_set(fields, "ignore_merges");
  if (const auto suffix = fields.find("end_of_word_suffix")) {
    options.end_of_word_suffix = suffix->text();
  }
  return make_byte_pair(read_merges(fields.require("merges")), std::move(pieces), std::move(options));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
