// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/text/byte_trie.hpp>
#include <offramp/text/subwords/merge_all.hpp>
#include <offramp/text/subwords/merge_table.hpp>
#include <offramp/text/subwords/unigram.hpp>
#include <offramp/text/subwords/word_cache.hpp>
#include <offramp/text/text_piece.hpp>
#include <offramp/text/token_sink.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// What to do with characters that are no piece.
struct unknown_characters {
  std::optional<std::int32_t> id;  ///< without one they are dropped
  bool fuse = false;               ///< in a row they are one token
  std::optional<byte_ids> bytes;   ///< what they become instead
};

struct byte_pair_options {
  unknown_characters unknown;
  bool whole_words = false;        ///< a word that is a piece is that piece, whatever the merges say
  std::string end_of_word_suffix;  ///< stands in pieces behind the last character of a word
};

/// Merges the characters of a word, pair by pair, in the order in which the merges were learnt (Sennrich et al., Neural
/// Machine Translation of Rare Words with Subword Units, 2016), in O(n log n). Const members are safe from several
/// threads and allocate nothing but the memory that is handed in.
///
/// A word that arrives in pieces is cut where no continuation can matter. Two neighbours are called stable when they,
/// as a word of their own, are merged into themselves. A merge across the border of two tokens, if there were one,
/// would also happen in the word of these two alone, as merges on either side keep their order there. So a list of
/// tokens is the result for a word exactly when all neighbours in it are stable, each beginning of the list is the
/// result for the beginning of the word, and so is each end. Some token of the whole word must end among the last n
/// symbols that have arrived, where n is the most that a token has. Wherever that is, if the result up to there leads
/// through one place, then the result for the whole word does.
class byte_pair {
 public:
  /// Kept from text to text, and from piece to piece of one word.
  struct memory {
    std::vector<std::int32_t> ids;      ///< of the symbols of a word before merging
    std::vector<std::uint32_t> starts;  ///< their places in the word
    std::vector<merge_table::merge> merges;
    std::vector<merge_symbol> symbols;
    std::vector<merge_symbol> probe;
    std::vector<merge_candidate> candidates;
    std::string last_character;
    word_cache words;
    bool within_word = false;

    void trim() {
      text::trim(ids);
      text::trim(starts);
      text::trim(merges);
      text::trim(symbols);
      text::trim(probe);
      text::trim(candidates);
    }
  };

  explicit byte_pair(byte_pair_options options) : options_(std::move(options)), character_ids_(0x300, no_id) {}

  void insert(std::string_view piece, std::int32_t id) {
    number_ = next_number();
    pieces_.insert(piece, id);
    longest_piece_ = std::max(longest_piece_, piece.size());
    if (const decoded first = piece.empty() ? decoded{0, 0, false} : decode(piece, 0);
        first.well_formed && first.length == piece.size() && first.code_point < character_ids_.size()) {
      character_ids_[first.code_point] = id;
    }
  }

  /// The later of two merges of the same pair counts. Ids are not negative; `merged` has `characters`, at most
  /// 2^32 - 2 of them.
  void insert_merge(std::int32_t first, std::int32_t second, std::uint32_t rank, std::int32_t merged,
                    std::size_t characters) {
    number_ = next_number();
    merges_.insert(first, second, {rank, merged});
    most_symbols_ = std::max(most_symbols_, characters);
  }

  /// Hands the ids of a well-formed word, or of what follows the parts of it that are done, to `tokens`. Returns how
  /// much is done: of an open word the part up to a place where a token ends whatever follows. Nothing is said where
  /// `tokens` wants no more.
  std::size_t split(std::string_view word, text_end end, memory& kept, token_sink& tokens) const {
    if (end == text_end::open) {
      const bool waits = !options_.end_of_word_suffix.empty() || word.size() < open_size();
      return waits ? 0 : split_beginning(word, kept, tokens);
    }
    if (std::exchange(kept.within_word, false)) {
      split_part(word, kept, tokens);
    } else if (word.size() <= word_cache::longest_word) {
      split_short(word, kept, tokens);
    } else {
      split_word(word, kept, tokens);
    }
    return word.size();
  }

 private:
  static constexpr std::int32_t no_id = -1;
  static constexpr std::size_t few = 40;  // symbols that are merged faster without a heap

  /// An open word waits until it is so long that looking for a place to cut it costs less than merging it.
  [[nodiscard]] std::size_t open_size() const noexcept {
    return std::max({4 * piece_size, 8 * most_symbols_ * most_symbols_, longest_piece_ + 1});
  }

  void split_short(std::string_view word, memory& kept, token_sink& tokens) const {
    kept.words.serve(number_);
    const word_cache::key key(word);
    word_cache::entry& known = kept.words.place_of(key);
    if (known.word == key) {
      hand_out(known.found(), tokens);
      return;
    }
    split_word(word, kept, tokens);
    known.put(key, kept.ids);
  }

  /// Leaves the ids of a short word in `kept.ids`.
  void split_word(std::string_view word, memory& kept, token_sink& tokens) const {
    const std::optional<std::int32_t> whole = options_.whole_words ? pieces_.find(word) : std::nullopt;
    if (whole) {
      kept.ids.assign(1, *whole);
      hand_out(std::span<const std::int32_t>(kept.ids), tokens);
    } else {
      split_part(word, kept, tokens);
    }
  }

  void split_part(std::string_view part, memory& kept, token_sink& tokens) const {
    read_symbols(part, kept);
    if (kept.ids.size() <= few) {
      merge_few(kept);
      hand_out(std::span<const std::int32_t>(kept.ids), tokens);
    } else {
      merge_all(merges_, kept.ids, kept.symbols, kept.candidates);
      hand_out(std::span<const merge_symbol>(kept.symbols), tokens);
    }
  }

  std::size_t split_beginning(std::string_view word, memory& kept, token_sink& tokens) const {
    read_symbols(word, kept);
    merge_all(merges_, kept.ids, kept.symbols, kept.candidates);
    for (std::size_t margin = 4 * most_symbols_; margin < kept.ids.size(); margin *= 2) {
      std::size_t place = kept.ids.size() - margin;
      // Not between the bytes of a character either, all of which start where it does.
      while (place > 0 && (kept.symbols[place].is_merged_away() || kept.starts[place] == kept.starts[place - 1])) {
        --place;
      }
      if (place > 0 && leads_through(place, kept)) {
        hand_out(std::span<const merge_symbol>(kept.symbols).first(place), tokens);
        kept.within_word = true;
        return kept.starts[place];
      }
    }
    return 0;
  }

  /// Whether the result up to each of the last symbols, as far back as a token may reach, has a token that ends at
  /// `place`, where one ends in the result for all of them.
  [[nodiscard]] bool leads_through(std::size_t place, memory& kept) const {
    const std::span<const std::int32_t> ids = kept.ids;
    const std::size_t before = kept.symbols[place].previous;
    std::size_t stable = 0;  // symbols of a token with which the one before `place` is stable
    for (std::size_t end = ids.size() - most_symbols_ + 1; end <= ids.size(); ++end) {
      merge_all(merges_, ids.subspan(place, end - place), kept.probe, kept.candidates);
      const std::size_t first = std::min<std::size_t>(kept.probe.front().next, end - place);
      if (first != stable) {
        merge_all(merges_, ids.subspan(before, place + first - before), kept.probe, kept.candidates);
        if (kept.probe.front().next != place - before || kept.probe[place - before].next != merge_symbol::none) {
          return false;
        }
        stable = first;
      }
    }
    return true;
  }

  static void hand_out(std::span<const std::int32_t> ids, token_sink& tokens) {
    std::all_of(ids.begin(), ids.end(), [&tokens](std::int32_t id) { return tokens.push(id); });
  }

  static void hand_out(std::span<const merge_symbol> symbols, token_sink& tokens) {
    std::all_of(symbols.begin(), symbols.end(),
                [&tokens](const merge_symbol& part) { return part.is_merged_away() || tokens.push(part.id); });
  }

  [[nodiscard]] std::optional<std::int32_t> find_character(char32_t code_point, std::string_view character) const {
    if (code_point < character_ids_.size()) {
      const std::int32_t id = character_ids_[code_point];
      return id == no_id ? std::nullopt : std::optional(id);
    }
    return pieces_.find(character);
  }

  void read_symbols(std::string_view word, memory& kept) const {
    kept.ids.clear();
    kept.starts.clear();
    const unknown_characters& unknown = options_.unknown;
    bool unknown_before = false;
    for (std::size_t position = 0; position < word.size();) {
      const decoded next = decode(word, position);
      std::string_view character = word.substr(position, next.length);
      const auto start = static_cast<std::uint32_t>(position);
      position += next.length;
      const bool has_suffix = position == word.size() && !options_.end_of_word_suffix.empty();
      if (has_suffix) {
        kept.last_character = character;
        kept.last_character += options_.end_of_word_suffix;
        character = kept.last_character;
      }
      if (const auto id = has_suffix ? pieces_.find(character) : find_character(next.code_point, character)) {
        kept.ids.push_back(*id);
        kept.starts.push_back(start);
        unknown_before = false;
      } else if (unknown.bytes) {
        for (const char byte : character) {
          kept.ids.push_back((*unknown.bytes)[static_cast<unsigned char>(byte)]);
          kept.starts.push_back(start);
        }
      } else if (unknown.id && !(unknown.fuse && unknown_before)) {
        kept.ids.push_back(*unknown.id);
        kept.starts.push_back(start);
        unknown_before = true;
      }
    }
  }

  /// Merges `kept.ids`, few of them, in place.
  void merge_few(memory& kept) const {
    std::vector<std::int32_t>& ids = kept.ids;
    std::vector<merge_table::merge>& merges = kept.merges;  // of each symbol and the next one
    merges.clear();
    for (std::size_t right = 1; right < ids.size(); ++right) {
      merges.push_back(merges_.find(ids[right - 1], ids[right]));
    }
    while (!merges.empty()) {
      const auto best =
          std::min_element(merges.begin(), merges.end(), [](const auto& a, const auto& b) { return a.rank < b.rank; });
      if (best->rank == merge_table::no_rank) {
        break;
      }
      const auto left = static_cast<std::size_t>(best - merges.begin());
      ids[left] = best->id;
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(left + 1));
      merges.erase(best);
      if (left < merges.size()) {
        merges[left] = merges_.find(ids[left], ids[left + 1]);
      }
      if (left > 0) {
        merges[left - 1] = merges_.find(ids[left - 1], ids[left]);
      }
    }
  }

  /// Another one at each call, so that what was kept for one model is not taken for another's.
  [[nodiscard]] static std::uint64_t next_number() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  byte_trie pieces_;
  merge_table merges_;
  std::uint64_t number_ = next_number();  // of these pieces and merges
  byte_pair_options options_;
  std::vector<std::int32_t> character_ids_;  // of the characters below U+0300, by code point
  std::size_t longest_piece_ = 1;            // bytes
  std::size_t most_symbols_ = 1;             // of one token
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
