# SPDX-License-Identifier: Apache-2.0
"""Writes include/offramp/text/tables/unicode_tables.hpp.

Every table is read off the behaviour of the `tokenizers` package, code point by code point, so that its Unicode
version is the package's and not Python's. Only the set of combining class values comes from unicodedata.

    python tests/generators/unicode_tables.py > include/offramp/text/tables/unicode_tables.hpp
"""

import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

CODE_POINTS = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
HANGUL = range(0xAC00, 0xAC00 + 11172)

DROPPED, WHITESPACE, PUNCTUATION, NONSPACING, DECOMPOSES = 1, 2, 4, 8, 16


def bert_normalizer(**enabled):
    options = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**options, **enabled}).normalize_str


def combining_class_ranks(nfd):
    """Rank of each code point's canonical combining class among all classes; 0 for starters."""
    def swaps(first, second):
        return nfd("a" + first + second) == "a" + second + first != "a" + first + second

    lowest, highest = "\u0334", "\u0345"  # classes 1 and 240
    marks = [chr(code) for code in CODE_POINTS if nfd(chr(code)) == chr(code)]
    marks = [mark for mark in marks if swaps(highest, mark) or swaps(mark, lowest)]
    representatives = {}
    for mark in marks:
        if unicodedata.combining(mark):
            representatives.setdefault(unicodedata.combining(mark), mark)
    classes = sorted(representatives)
    ranks = {}
    for mark in marks:
        equal = [
            rank
            for rank, value in enumerate(classes, 1)
            if not swaps(representatives[value], mark) and not swaps(mark, representatives[value])
        ]
        if len(equal) != 1:
            raise SystemExit(f"U+{ord(mark):04X}: a combining class that unicodedata does not know")
        ranks[ord(mark)] = equal[0]
    return ranks


def property_words(nfd):
    clean = bert_normalizer(clean_text=True)
    strip = bert_normalizer(strip_accents=True)
    bert = pre_tokenizers.BertPreTokenizer()
    split = pre_tokenizers.WhitespaceSplit()
    ranks = combining_class_ranks(nfd)
    words = [0] * 0x110000
    for code in CODE_POINTS:
        character = chr(code)
        between = "a" + character + "b"
        cleaned = clean(between)
        word = ranks.get(code, 0) << 5
        if cleaned == "ab":
            word |= DROPPED
        if len(split.pre_tokenize_str(between)) == 2:
            word |= WHITESPACE
        if (cleaned == "a b") != (word & (DROPPED | WHITESPACE) == WHITESPACE):
            raise SystemExit(f"U+{code:04X}: the normalizer and the pre-tokenizer disagree about whitespace")
        if len(bert.pre_tokenize_str(between)) == 3:
            word |= PUNCTUATION
        if nfd(character) == character and strip("a" + character) == "a":
            word |= NONSPACING
        if nfd(character) != character and code not in HANGUL:
            word |= DECOMPOSES
        words[code] = word
    for code in CODE_POINTS:
        kept = "".join(part for part in nfd("a" + chr(code)) if not words[ord(part)] & NONSPACING)
        if strip("a" + chr(code)) != kept:
            raise SystemExit(f"U+{code:04X}: accents are not stripped as decompose and drop")
    return words


def property_ranges(words):
    ranges = []
    for code, word in enumerate(words):
        if 0xD800 <= code <= 0xDFFF:
            continue
        if not ranges or ranges[-1] & 0x7FF != word:
            ranges.append(code << 11 | word)
    return ranges


def decompositions(nfd, words):
    codes = [code for code in CODE_POINTS if words[code] & DECOMPOSES]
    offsets, pool = [0], []
    for code in codes:
        pool += [ord(part) for part in nfd(chr(code))]
        offsets.append(len(pool))
    for index, code in enumerate(HANGUL):
        leading, vowel, trailing = index // 588, index % 588 // 28, index % 28
        parts = chr(0x1100 + leading) + chr(0x1161 + vowel) + (chr(0x11A7 + trailing) if trailing else "")
        if nfd(chr(code)) != parts:
            raise SystemExit(f"U+{code:04X}: Hangul is not decomposed algorithmically")
    return codes, offsets, pool


def lowercase_runs():
    """[first, last, stride, difference] of every run of equally spaced code points that move by the same amount."""
    lower = bert_normalizer(lowercase=True)
    runs = []
    for code in CODE_POINTS:
        lowered = lower(chr(code))
        if len(lowered) != 1:
            if (code, lowered) != (0x130, "i\u0307"):
                raise SystemExit(f"U+{code:04X}: an unexpected expanding lowercase")
            continue
        difference = ord(lowered) - code
        if difference == 0:
            continue
        if runs and runs[-1][3] == difference:
            first, last, stride, _ = runs[-1]
            if code - last <= 2 and (first == last or code - last == stride):
                runs[-1] = [first, code, code - last, difference]
                continue
        runs.append([code, code, 1, difference])
    return runs


def word_boundaries():
    """Code points at which "is a word character" changes, as `single_word` added tokens see it."""
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.add_tokens([AddedToken("<t>", single_word=True, normalized=False)])
    boundaries, inside = [], False
    for code in CODE_POINTS:
        is_word = 1 not in tokenizer.encode(chr(code) + "<t>").ids
        if is_word == (1 in tokenizer.encode("<t>" + chr(code)).ids):
            raise SystemExit(f"U+{code:04X}: a word character on one side only")
        if is_word != inside:
            boundaries.append(code)
            inside = is_word
    return boundaries


def array(kind, name, values, comment):
    print(f"\n{comment}\ninline constexpr std::array<{kind}, {len(values)}> {name} = {{{{")
    line = "   "
    for value in values:
        item = f" {value},"
        if len(line) + len(item) > 110:
            print(line)
            line = "   "
        line += item
    print(line + "\n}};")


def main():
    nfd = normalizers.NFD().normalize_str
    words = property_words(nfd)
    codes, offsets, pool = decompositions(nfd, words)
    print(f"""\
// SPDX-License-Identifier: Apache-2.0
// Written by tests/generators/unicode_tables.py from tokenizers {tokenizers.__version__}; do not edit.
#pragma once

#include <offramp/version.hpp>

#include <array>
#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text::unicode {{

struct lowercase_run {{
  char32_t first;
  char32_t last;
  std::int32_t stride;
  std::int32_t difference;
}};""")
    array("std::uint32_t", "property_ranges", [f"0x{value:x}U" for value in property_ranges(words)],
          "/// First code point << 11 | rank of the canonical combining class << 5 | decomposes << 4 | nonspacing mark << 3 |\n"
          "/// punctuation << 2 | whitespace << 1 | dropped by clean_text, ascending; each entry holds up to the next one.")
    array("char32_t", "decomposable", [f"0x{value:x}" for value in codes],
          "/// Code points with a canonical decomposition, Hangul syllables aside, ascending.")
    array("std::uint16_t", "decomposition_offsets", offsets,
          "/// decomposable[i] becomes decomposition_pool[decomposition_offsets[i] .. decomposition_offsets[i + 1]).")
    array("char32_t", "decomposition_pool", [f"0x{value:x}" for value in pool],
          "/// Full canonical decompositions, in canonical order.")
    array("lowercase_run", "lowercase_runs",
          ["{0x%x, 0x%x, %d, %d}" % tuple(run) for run in lowercase_runs()],
          "/// Every `stride`-th code point from first to last has the lower case code point + difference. Ascending.\n"
          "/// U+0130 alone becomes two code points, U+0069 U+0307, and is not listed.")
    array("char32_t", "word_boundaries", [f"0x{value:x}" for value in word_boundaries()],
          "/// Code points at which \"is a word character\" (regex \\w) changes, starting from false.")
    print("\n}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text::unicode")


if __name__ == "__main__":
    sys.exit(main())
