// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/byte_trie.hpp>
#include <offramp/text/subwords/unigram.hpp>
#include <offramp/text/token_sink.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// What to do with characters that are no piece.
struct unknown_characters {
  std::optional<std::int32_t> id;  ///< without one they are dropped
  bool fuse = false;               ///< in a row they are one token
  std::optional<byte_ids> bytes;   ///< what they become instead
};

/// Merges the characters of a word, pair by pair, in the order in which the merges were learnt (Sennrich et al., Neural
/// Machine Translation of Rare Words with Subword Units, 2016), in O(n log n). Const members are safe from several
/// threads and allocate nothing but the memory that is handed in.
class byte_pair {
 public:
  /// Neighbours that are one symbol later; of equal ranks the leftmost pair merges first.
  struct candidate {
    std::size_t rank;
    std::size_t position;
    std::int32_t id;
  };
  struct symbol {
    std::int32_t id;
    std::size_t previous;
    std::size_t next;
    bool merged_away = false;
  };
  /// Kept from text to text.
  struct memory {
    std::vector<symbol> symbols;
    std::vector<candidate> candidates;
  };

  /// `whole_words`: a word that is a piece is that piece, whatever the merges say.
  enum class word_lookup { merges_only, whole_words };

  byte_pair(unknown_characters unknown, word_lookup lookup) : unknown_(std::move(unknown)), lookup_(lookup) {}

  void insert(std::string_view piece, std::int32_t id) { pieces_.insert(piece, id); }

  /// The later of two merges of the same pair counts. Ids are not negative.
  void insert_merge(std::int32_t first, std::int32_t second, std::size_t rank, std::int32_t merged) {
    merges_[key_of(first, second)] = {rank, merged};
  }

  /// Hands the ids of a well-formed word, not empty, to `tokens`. Returns whether more is wanted.
  bool split(std::string_view word, memory& kept, token_sink& tokens) const {
    if (lookup_ == word_lookup::whole_words) {
      if (const std::optional<std::int32_t> id = pieces_.find(word)) {
        return tokens.push(*id);
      }
    }
    read_symbols(word, kept.symbols);
    merge_all(kept);
    return std::all_of(kept.symbols.begin(), kept.symbols.end(),
                       [&tokens](const symbol& part) { return part.merged_away || tokens.push(part.id); });
  }

 private:
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  struct merge {
    std::size_t rank;
    std::int32_t id;
  };

  [[nodiscard]] static std::uint64_t key_of(std::int32_t first, std::int32_t second) noexcept {
    return std::uint64_t{static_cast<std::uint32_t>(first)} << 32 | static_cast<std::uint32_t>(second);
  }

  [[nodiscard]] const merge* find_merge(std::int32_t first, std::int32_t second) const {
    const auto found = merges_.find(key_of(first, second));
    return found == merges_.end() ? nullptr : &found->second;
  }

  void read_symbols(std::string_view word, std::vector<symbol>& symbols) const {
    symbols.clear();
    const auto append = [&symbols](std::int32_t id) {
      const std::size_t index = symbols.size();
      if (index > 0) {
        symbols.back().next = index;
      }
      symbols.push_back({id, index == 0 ? none : index - 1, none});
    };
    bool unknown_before = false;
    for (std::size_t position = 0; position < word.size();) {
      const std::string_view character = word.substr(position, decode(word, position).length);
      position += character.size();
      if (const std::optional<std::int32_t> id = pieces_.find(character)) {
        append(*id);
        unknown_before = false;
      } else if (unknown_.bytes) {
        for (const char byte : character) {
          append((*unknown_.bytes)[static_cast<unsigned char>(byte)]);
        }
      } else if (unknown_.id && !(unknown_.fuse && unknown_before)) {
        append(*unknown_.id);
        unknown_before = true;
      }
    }
  }

  void merge_all(memory& kept) const {
    std::vector<symbol>& symbols = kept.symbols;
    std::vector<candidate>& candidates = kept.candidates;
    const auto worse = [](const candidate& a, const candidate& b) {
      return std::tie(a.rank, a.position) > std::tie(b.rank, b.position);
    };
    const auto offer = [&](std::size_t left, std::size_t right) {
      if (const merge* found = find_merge(symbols[left].id, symbols[right].id)) {
        candidates.push_back({found->rank, left, found->id});
        std::push_heap(candidates.begin(), candidates.end(), worse);
      }
    };
    candidates.clear();
    for (std::size_t right = 1; right < symbols.size(); ++right) {
      offer(right - 1, right);
    }
    while (!candidates.empty()) {
      std::pop_heap(candidates.begin(), candidates.end(), worse);
      const candidate best = candidates.back();
      candidates.pop_back();
      symbol& left = symbols[best.position];
      if (left.merged_away || left.next == none) {
        continue;
      }
      symbol& right = symbols[left.next];
      const merge* current = find_merge(left.id, right.id);
      if (current == nullptr || current->id != best.id) {
        continue;  // a neighbour has changed since
      }
      left.id = best.id;
      right.merged_away = true;
      left.next = right.next;
      if (left.next != none) {
        symbols[left.next].previous = best.position;
        offer(best.position, left.next);
      }
      if (left.previous != none) {
        offer(left.previous, best.position);
      }
    }
  }

  byte_trie pieces_;
  std::unordered_map<std::uint64_t, merge> merges_;
  unknown_characters unknown_;
  word_lookup lookup_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
