# SPDX-License-Identifier: Apache-2.0
"""Writes include/offramp/text/tables/subword_tables.hpp: what tokenizers other than WordPiece need to know about characters.

Every table is read off the behaviour of the `tokenizers` package, as unicode_tables.py does it; only what lower-casing a
capital sigma looks at is read off Python's, whose rule it is.

    python tests/generators/subword_tables.py > include/offramp/text/tables/subword_tables.hpp
"""

import sys

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

from charsmap import compile_rules
from unicode_tables import CODE_POINTS, HANGUL, array

(LETTER, NUMBER, SPACE, MARK, EXTENDS, PREPENDS, CONTROL, PICTOGRAPHIC, SKIPPED, CONSONANT, LINKER,
 CONJUNCT, DIGIT, CASED, IGNORABLE) = (1 << bit for bit in range(15))
ACUTE, ZWJ, VIRAMA, KA = "\u0301", "\u200d", "\u094d", "\u0915"
LEADING, VOWEL, TRAILING = "\u1100", "\u1161", "\u11a8"


def matches(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str
    return lambda character: not split(character)


def keeps_accent(before, character):
    """Whether a cluster goes on from `before` to `character`. A cluster of up to five bytes becomes the replacement of
    its start as a whole, which loses the accent; a longer one is replaced character by character."""
    normalize = normalizers.Precompiled(compile_rules({character.encode(): b"x"})).normalize_str
    return normalize(before + character + ACUTE).endswith(ACUTE)


def loses_last(character, last):
    normalize = normalizers.Precompiled(compile_rules({character.encode(): b"x"})).normalize_str
    return not normalize(character + last).endswith(last)


def class_words():
    letter, number, space, digit = matches(r"\p{L}"), matches(r"\p{N}"), matches(r"\s"), matches(r"\p{Nd}")
    strip = normalizers.StripAccents().normalize_str
    after_a = normalizers.Precompiled(compile_rules({b"a": b"x"})).normalize_str
    sign = normalizers.Precompiled(compile_rules({"\u00a9".encode(): b"x"})).normalize_str
    ka = normalizers.Precompiled(compile_rules({KA.encode(): b"x"})).normalize_str
    words = [0] * 0x110000
    for code in CODE_POINTS:
        c = chr(code)
        word = LETTER * letter(c) | NUMBER * number(c) | SPACE * space(c) | MARK * (strip("a" + c) == "a")
        word |= EXTENDS * (after_a("a" + c) == "x")
        word |= PICTOGRAPHIC * (sign(c + ZWJ + "\u00a9" + ACUTE).endswith("x" + ACUTE))
        word |= SKIPPED * (sign("\u00a9" + c + ZWJ + "\u00a9" + ACUTE).endswith("x" + ACUTE))
        word |= CONSONANT * ka(c + VIRAMA + KA + ACUTE).endswith("x" + ACUTE)
        word |= LINKER * ka(KA + c + KA + ACUTE).endswith("x" + ACUTE)
        word |= CONJUNCT * ka(KA + c + VIRAMA + KA + ACUTE).endswith("x" + ACUTE)
        word |= DIGIT * digit(c)
        if (c + "\u03a3").lower().endswith("\u03c2"):
            word |= CASED
        elif ("a" + c + "\u03a3").lower().endswith("\u03c2"):
            word |= IGNORABLE
        # A rule cannot start with NUL. What prepends stands in the first two planes, and a control character of four
        # bytes makes no cluster of up to five, whatever follows.
        if 0 < code < 0x20000 and loses_last(c, "b" if c == "a" else "a"):
            word |= PREPENDS
        if code == 0 or (code < 0x10000 and not loses_last(c, ACUTE)):
            word |= CONTROL
        words[code] = word
    check_hangul()
    return words


def check_hangul():
    """Which characters continue a syllable: ranges of fixed code points, as the header's code says."""
    def hangul(code):
        if 0xAC00 <= code < 0xAC00 + len(HANGUL):
            return "LV" if (code - 0xAC00) % 28 == 0 else "LVT"
        kinds = {"L": [(0x1100, 0x115F), (0xA960, 0xA97C)], "V": [(0x1160, 0x11A7), (0xD7B0, 0xD7C6)],
                 "T": [(0x11A8, 0x11FF), (0xD7CB, 0xD7FB)]}
        return next((kind for kind, ranges in kinds.items() if any(a <= code <= b for a, b in ranges)), "")

    goes_on = {LEADING: ("L", "V", "LV", "LVT"), VOWEL: ("V", "T"), TRAILING: ("T",)}
    for code in range(0x800, 0x10000):
        if 0xD800 <= code <= 0xDFFF or loses_last("a", chr(code)) or not loses_last(chr(code), ACUTE):
            continue
        for before, kinds in goes_on.items():
            if keeps_accent(before, chr(code)) != (hangul(code) in kinds):
                raise SystemExit(f"U+{code:04X}: {before!r} does not go on as expected")


def ranges_of(words):
    """Each first code point << 8 | number of the class, and the classes."""
    classes, ranges = [], []
    for code in CODE_POINTS:
        if words[code] not in classes:
            classes.append(words[code])
        index = classes.index(words[code])
        if not ranges or ranges[-1] & 0xFF != index:
            ranges.append(code << 8 | index)
    assert len(classes) <= 256
    return ranges, classes


def compatibility(nfd, nfkd):
    codes = [code for code in CODE_POINTS if nfkd(chr(code)) != nfd(chr(code))]
    offsets, pool = [0], []
    for code in codes:
        pool += [ord(part) for part in nfkd(chr(code))]
        offsets.append(len(pool))
    return codes, offsets, pool


def compositions(nfd, nfc):
    """[first, second, composite] of each pair that becomes one character, ascending; Hangul aside."""
    pairs = []
    for code in CODE_POINTS:
        parts = nfd(chr(code))
        if code in HANGUL or parts == chr(code) or nfc(parts) != chr(code):
            continue
        first, second = nfc(parts[:-1]), parts[-1]
        if len(first) != 1 or nfc(first + second) != chr(code):
            raise SystemExit(f"U+{code:04X}: is not composed of two characters")
        pairs.append((ord(first), ord(second), code))
    return sorted(pairs)


def main():
    nfd, nfkd = normalizers.NFD().normalize_str, normalizers.NFKD().normalize_str
    ranges, classes = ranges_of(class_words())
    codes, offsets, pool = compatibility(nfd, nfkd)
    print(f"""\
// SPDX-License-Identifier: Apache-2.0
// Written by tests/generators/subword_tables.py from tokenizers {tokenizers.__version__}; do not edit.
#pragma once

#include <offramp/version.hpp>

#include <array>
#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text::unicode {{

/// Two code points that canonical composition makes one.
struct composition {{
  char32_t first;
  char32_t second;
  char32_t composite;
}};""")
    array("std::uint32_t", "class_ranges", [f"0x{value:x}U" for value in ranges],
          "/// First code point << 8 | index into character_classes, ascending; each entry holds up to the next one.")
    array("std::uint16_t", "character_classes", [f"0x{value:x}" for value in classes],
          "/// Letter, number, space, mark, extends a cluster, prepends, control, pictographic, skipped between pictographic\n"
          "/// and joiner, consonant of a conjunct, linker of one, skipped within one, decimal digit, cased, ignored between\n"
          "/// cased letters: bits from 0.")
    array("char32_t", "compatible", [f"0x{value:x}" for value in codes],
          "/// Code points whose compatibility decomposition differs from their canonical one, ascending.")
    array("std::uint16_t", "compatible_offsets", offsets,
          "/// compatible[i] becomes compatible_pool[compatible_offsets[i] .. compatible_offsets[i + 1]).")
    array("char32_t", "compatible_pool", [f"0x{value:x}" for value in pool],
          "/// Full compatibility decompositions, in canonical order.")
    array("composition", "compositions", ["{0x%x, 0x%x, 0x%x}" % pair for pair in compositions(nfd, normalizers.NFC().normalize_str)],
          "/// Hangul syllables aside, ascending.")
    print("\n}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text::unicode")


if __name__ == "__main__":
    sys.exit(main())
