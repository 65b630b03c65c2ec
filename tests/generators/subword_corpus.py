# SPDX-License-Identifier: Apache-2.0
"""The texts that subword_goldens.py trains on and encodes; tests/text/subwords/corpus.hpp generates the same."""

from tokenizer_goldens import Generator

SYLLABLES = ["ka", "to", "ri", "ne", "st", "ing", "er", "un", "Ka", "THE", "\u00e9", "e\u0301", "\u00c4", "\u00f1o", "\ufb01",
             "\u0130", "\uc548", "\ub155", "\ud558", "\uc138\uc694", "\uc601\ud654", "\u1100\u1161", "\u1112\u1161\u11ab",
             "\u043a\u043e", "\u0440\u043e", "\u0412\u0430", "\u03bb\u03bf", "\u03b3\u03bf\u03c2", "\u304b", "\u304c",
             "\u30bf", "\u30ac", "\uff76\uff9e", "\uff8a\uff9f", "\uff71", "\u4e2d", "\u6587\u5b57", "\uf900",
             "\u0928\u092e", "\u0938\u094d\u0924\u0947", "\u0915\u094d\u0937", "\u0645\u0631", "\u062d\u0628\u0627",
             "\u0e44\u0e17\u0e22", "12", "3", "\u00bd", "\u2460", "\u2167", "\u0663", "'s", "'ll", "'", "''", "``", ".",
             "!?", "-", "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f",
             "\U0001f1f0\U0001f1f7", "\u2122", "\uff21\uff22", "\ufdfa", "\u200b", "\u200d", "\u00ad", "\u0001",
             "\u2581", "<s>", "</s>", "<mask>", "[MASK]", "<unk>", "<pad>", "x"]
SEPARATORS = [" ", " ", " ", " ", " ", " ", "", "", "  ", "   ", "\t", "\n", "\r\n", "\r", "\u3000", "\u00a0", "\u2028",
              "\u0085", " \n ", "\u200b "]
SCRIPTS = [(0x20, 0x7E), (0x00, 0x9F), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x591, 0x6FF), (0x900, 0x97F),
           (0x980, 0xE7F), (0xF00, 0x10FF), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x20D0, 0x218F),
           (0x2460, 0x24FF), (0x2E80, 0x303F), (0x3040, 0x33FF), (0x4DF0, 0x4E7F), (0xA960, 0xA97F), (0xAC00, 0xD7FF),
           (0xF900, 0xFB4F), (0xFB50, 0xFDFF), (0xFE00, 0xFFFF), (0x10A00, 0x11FFF), (0x1D100, 0x1D7FF), (0x1F1E6, 0x1F64F),
           (0x1F900, 0x1FBFF), (0x2F800, 0x2FA2F), (0xE0000, 0xE01FF), (0x0000, 0x10FFFF)]


class SubwordGenerator(Generator):
    any_script = 4  # one word of so many is made of any characters

    def text(self):
        parts = []
        for _ in range(1 + self.below(12)):
            if self.below(self.any_script) == 0:
                first, last = SCRIPTS[self.below(len(SCRIPTS))]
                for _ in range(1 + self.below(8)):
                    code = first + self.below(last - first + 1)
                    if not 0xD800 <= code <= 0xDFFF:
                        parts.append(chr(code))
            else:
                for _ in range(1 + self.below(5)):
                    # The first syllables are the most frequent ones.
                    parts.append(SYLLABLES[self.below(1 + self.below(len(SYLLABLES)))])
            parts.append(SEPARATORS[self.below(len(SEPARATORS))])
        return "".join(parts)
