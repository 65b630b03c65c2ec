// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/subwords/piece_trie.hpp>
#include <offramp/text/text_piece.hpp>
#include <offramp/text/token_sink.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
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
  /// The best path to a place in the text.
  struct node {
    double score;
    std::int32_t id;       ///< of its last piece
    std::uint32_t length;  ///< of its last piece; 0 where no path leads
  };
  /// Kept from text to text, and from piece to piece of one text.
  struct memory {
    std::vector<node> nodes;
    std::vector<std::uint32_t> lengths;
    double score = 0.0;           ///< of what is done of the text
    bool within_unknown = false;  ///< it ends in unknown characters that are longer than any piece

    /// Before a text that does not go on.
    void restart() {
      score = 0.0;
      within_unknown = false;
    }

    void trim() {
      text::trim(nodes);
      text::trim(lengths);
    }
  };

  /// The id of a piece is its index; of equal pieces the last one counts. A character that is no piece gets
  /// `unknown_id` and costs 10 more than the worst piece. `bytes`: what unknown characters fall back to.
  unigram(const std::vector<scored_piece>& pieces, std::int32_t unknown_id, std::optional<byte_ids> bytes)
      : trie_(entries_of(pieces)), unknown_id_(unknown_id), bytes_(bytes) {
    double lowest = std::numeric_limits<double>::infinity();
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      scores_.push_back(pieces[id].score);
      lowest = std::min(lowest, scores_.back());
      longest_ = std::max(longest_, pieces[id].piece.size());
    }
    unknown_score_ = lowest - 10.0;
  }

  /// Hands the ids of a well-formed text, or of what follows the parts of it that are done, to `tokens`. Unknown
  /// characters in a row are one token. Returns how much is done: of an open text the part up to the last place through
  /// which the best path leads whatever follows. Nothing is said where `tokens` wants no more.
  std::size_t split(std::string_view text, text_end end, memory& kept, token_sink& tokens) const {
    if (end == text_end::open && text.size() < open_size()) {
      return 0;
    }
    find_best_paths(text, kept, tokens);
    if (!tokens.wants_more()) {
      return 0;
    }
    std::size_t decided = end == text_end::open ? find_common_place(text, kept.nodes) : text.size();
    decided = hand_out(text.substr(0, decided), end, kept, tokens);
    kept.score = kept.nodes[decided].score;
    if (end == text_end::closed) {
      kept.restart();
    }
    return decided;
  }

 private:
  static constexpr std::size_t longest_character = 4;

  [[nodiscard]] static std::vector<piece_trie::entry> entries_of(const std::vector<scored_piece>& pieces) {
    std::vector<piece_trie::entry> entries;
    for (std::size_t id = 0; id < pieces.size(); ++id) {
      entries.push_back({pieces[id].piece, static_cast<std::int32_t>(id)});
    }
    return entries;
  }

  /// An open text waits until it is so long: much longer than what has to be looked at again.
  [[nodiscard]] std::size_t open_size() const noexcept { return std::max(2 * piece_size, 8 * longest_); }

  void find_best_paths(std::string_view text, memory& kept, token_sink& tokens) const {
    std::vector<node>& nodes = kept.nodes;
    nodes.assign(text.size() + 1, node{0.0, unknown_id_, 0});
    nodes[0].score = kept.score;
    const auto offer = [&nodes](std::size_t start, std::size_t length, double score, std::int32_t id) {
      node& target = nodes[start + length];
      const double total = score + nodes[start].score;
      if (target.length == 0 || total > target.score) {
        target = {total, id, static_cast<std::uint32_t>(length)};
      }
    };
    std::size_t next_check = 2 * piece_size;
    for (std::size_t start = 0; start < text.size();) {
      if (start >= next_check) {
        if (tokens.interrupted()) {
          return;
        }
        next_check += 2 * piece_size;
      }
      const std::size_t length = character_length(text[start]);
      bool known = false;
      trie_.for_each_prefix(text.substr(start), [&](std::int32_t id, std::size_t piece_length) {
        offer(start, piece_length, scores_[static_cast<std::size_t>(id)], id);
        known = known || piece_length == length;
      });
      if (!known) {
        offer(start, length, unknown_score_, unknown_id_);
      }
      start += length;
    }
  }

  /// The last place on the best paths to every place that a piece may start at which ends behind `text`.
  [[nodiscard]] std::size_t find_common_place(std::string_view text, const std::vector<node>& nodes) const {
    const std::size_t window = std::max(longest_, longest_character);
    std::size_t common = text.size();
    for (std::size_t end = text.size(); end > 0 && end + window > text.size(); --end) {
      for (std::size_t place = nodes[end].length == 0 ? common : end; place != common;) {
        std::size_t& later = place > common ? place : common;
        later -= nodes[later].length;
      }
    }
    return common;
  }

  /// Hands out the best path through `text`. Returns how much of it is done: unknown characters at the end of an open
  /// text wait for what follows, unless they are longer than any piece.
  std::size_t hand_out(std::string_view text, text_end end, memory& kept, token_sink& tokens) const {
    kept.lengths.clear();
    for (std::size_t place = text.size(); place > 0; place -= kept.nodes[place].length) {
      kept.lengths.push_back(kept.nodes[place].length);
    }
    std::size_t unknown_start = 0;  // of the characters that wait to be one token
    std::size_t place = 0;
    for (auto length = kept.lengths.rbegin(); length != kept.lengths.rend(); ++length) {
      const std::size_t start = place;
      place += *length;
      if (const std::int32_t id = kept.nodes[place].id; id != unknown_id_) {
        if (!close_unknown(text.substr(unknown_start, start - unknown_start), kept, tokens) || !tokens.push(id)) {
          return 0;
        }
        unknown_start = place;
      }
    }
    const std::string_view unknown = text.substr(unknown_start);
    if (end == text_end::closed) {
      close_unknown(unknown, kept, tokens);
    } else if (kept.within_unknown || unknown.size() > longest_) {
      push_unknown(unknown, kept, tokens);
      kept.within_unknown = true;
    } else {
      return unknown_start;
    }
    return text.size();
  }

  /// Returns whether more is wanted.
  bool close_unknown(std::string_view characters, memory& kept, token_sink& tokens) const {
    const bool wants_more = characters.empty() || push_unknown(characters, kept, tokens);
    kept.within_unknown = false;
    return wants_more;
  }

  bool push_unknown(std::string_view characters, const memory& kept, token_sink& tokens) const {
    if (const std::optional<std::int32_t> id = trie_.find(characters); id && !kept.within_unknown) {
      return tokens.push(*id);
    }
    if (!bytes_) {
      return kept.within_unknown || tokens.push(unknown_id_);
    }
    return std::all_of(characters.begin(), characters.end(),
                       [&](char byte) { return tokens.push((*bytes_)[static_cast<unsigned char>(byte)]); });
  }

  piece_trie trie_;
  std::vector<double> scores_;
  double unknown_score_ = 0.0;
  std::int32_t unknown_id_;
  std::optional<byte_ids> bytes_;
  std::size_t longest_ = 1;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
