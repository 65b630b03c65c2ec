// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/byte_trie.hpp>
#include <offramp/text/token_sink.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// A piece and its score, the logarithm of its probability.
struct scored_piece {
  std::string piece;
  double score;
};

/// The ids of the pieces "<0x00>" to "<0xFF>".
using byte_ids = std::array<std::int32_t, 256>;

/// Splits a text into the pieces with the highest sum of scores (Kudo, Subword Regularization, 2018), in time
/// proportional to its length times that of the longest piece. Const members are safe from several threads and allocate
/// nothing but the memory that is handed in.
class unigram {
 public:
  struct node {
    double score;
    std::size_t start;  ///< where the last piece of the best path to here starts
    std::int32_t id;
  };
  /// Kept from text to text.
  struct memory {
    std::vector<node> nodes;
    std::vector<std::size_t> ends;
  };

  /// The id of a piece is its index; of equal pieces the last one counts. A character that is no piece gets
  /// `unknown_id` and costs 10 more than the worst piece. `bytes`: what unknown characters fall back to.
  unigram(const std::vector<scored_piece>& pieces, std::int32_t unknown_id, std::optional<byte_ids> bytes)
      : unknown_id_(unknown_id), bytes_(bytes) {
    double lowest = std::numeric_limits<double>::infinity();
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      trie_.insert(pieces[id].piece, static_cast<std::int32_t>(id));
      scores_.push_back(pieces[id].score);
      lowest = std::min(lowest, pieces[id].score);
    }
    unknown_score_ = lowest - 10.0;
  }

  /// Hands the ids of a well-formed text to `tokens`. Unknown characters in a row are one token. Returns whether more
  /// is wanted.
  bool split(std::string_view text, memory& kept, token_sink& tokens) const {
    find_best_path(text, kept.nodes);
    kept.ends.clear();
    for (std::size_t end = text.size(); end > 0; end = kept.nodes[end].start) {
      kept.ends.push_back(end);
    }
    std::size_t unknown_start = text.size();  // of the characters that wait to be one token
    std::size_t start = 0;
    for (auto end = kept.ends.rbegin(); end != kept.ends.rend(); ++end) {
      const std::int32_t id = kept.nodes[*end].id;
      if (id == unknown_id_) {
        unknown_start = std::min(unknown_start, start);
      } else {
        if (unknown_start < start && !push_unknown(text.substr(unknown_start, start - unknown_start), tokens)) {
          return false;
        }
        unknown_start = text.size();
        if (!tokens.push(id)) {
          return false;
        }
      }
      start = *end;
    }
    return unknown_start == text.size() || push_unknown(text.substr(unknown_start), tokens);
  }

 private:
  static constexpr std::size_t unreached = std::numeric_limits<std::size_t>::max();

  void find_best_path(std::string_view text, std::vector<node>& nodes) const {
    nodes.assign(text.size() + 1, node{0.0, unreached, unknown_id_});
    const auto offer = [&nodes](std::size_t start, std::size_t end, double score, std::int32_t id) {
      node& target = nodes[end];
      const double total = score + nodes[start].score;
      if (target.start == unreached || total > target.score) {
        target = {total, start, id};
      }
    };
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t length = decode(text, start).length;
      bool known = false;
      trie_.for_each_prefix(text.substr(start), [&](byte_trie::match found) {
        offer(start, start + found.length, scores_[static_cast<std::size_t>(found.value)], found.value);
        known = known || found.length == length;
      });
      if (!known) {
        offer(start, start + length, unknown_score_, unknown_id_);
      }
      start += length;
    }
  }

  bool push_unknown(std::string_view characters, token_sink& tokens) const {
    if (const std::optional<std::int32_t> id = trie_.find(characters)) {
      return tokens.push(*id);
    }
    if (!bytes_) {
      return tokens.push(unknown_id_);
    }
    return std::all_of(characters.begin(), characters.end(),
                       [&](char byte) { return tokens.push((*bytes_)[static_cast<unsigned char>(byte)]); });
  }

  byte_trie trie_;
  std::vector<double> scores_;
  double unknown_score_ = 0.0;
  std::int32_t unknown_id_;
  std::optional<byte_ids> bytes_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
