# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/text: a synthetic vocabulary, a tokenizer with added tokens, and what `tokenizers` makes of
generated texts, as digests. tests/text/corpus.hpp generates the same texts.

    python tests/generators/tokenizer_goldens.py tests/data/text
"""

import json
import pathlib
import sys

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

BLOCK = 4096
TEXTS_PER_DIGEST = 512
DIGESTS = 100  # 51,200 texts
LITERALS = ["[SEP]", "[CLS]", " [MASK] ", "[UNK]", "[sep]", "[PAD]a", "<l>", " <r> ", "<w>", " <n>", "\u00c9T\u00d6ILE",
            "e\u0301to\u0308ile", "<n><l>", "##a"]
# First and last code point of what the texts are made of.
SCRIPTS = [(0x20, 0x7E), (0x61, 0x66), (0x09, 0x0D), (0x00, 0x9F), (0xA0, 0x17F), (0x300, 0x36F), (0x370, 0x52F),
           (0x591, 0x6FF), (0x900, 0xE7F), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x302A, 0x30FF), (0x4DF0, 0x4E0F),
           (0xAC00, 0xD7A3), (0xF8F0, 0xFB4F), (0xFE00, 0xFFFF), (0x1D150, 0x1D1AF), (0x1F600, 0x1F64F), (0x2A6C0, 0x2B940),
           (0x2F7F0, 0x2FA2F), (0x0000, 0x10FFFF)]
VARIANTS = {  # clean_text, handle_chinese_chars, strip_accents, lowercase
    "uncased": (True, True, None, True),
    "cased": (True, True, None, False),
    "lowercase": (True, True, False, True),
    "strip": (True, False, True, False),
    "raw": (False, True, True, True),
}


class Generator:
    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def text(self):
        parts, script = [], 0
        for _ in range(1 + self.below(60)):
            if self.below(4) == 0:
                script = self.below(len(SCRIPTS))
            if self.below(16) == 0:
                parts.append(LITERALS[self.below(len(LITERALS))])
            if self.below(6) == 0:
                parts.append(" ")
            first, last = SCRIPTS[script]
            code = first + self.below(last - first + 1)
            if not 0xD800 <= code <= 0xDFFF:
                parts.append(chr(code))
        return "".join(parts)

    def byte_string(self):
        """Mostly ill-formed: lead bytes, continuation bytes and letters in no order."""
        classes = [(0x61, 0x66), (0x80, 0xBF), (0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xFF), (0x20, 0x20)]
        result = []
        for _ in range(1 + self.below(30)):
            first, last = classes[self.below(len(classes))]
            result.append(first + self.below(last - first + 1))
        return bytes(result)


class Digest:
    """FNV-1a, 64 bits, over the little-endian bytes of each id and of an end mark."""

    def __init__(self):
        self.value = 0xCBF29CE484222325

    def add(self, ids):
        for byte in b"".join(number.to_bytes(4, "little") for number in [*ids, 0xFFFFFFFF]):
            self.value = (self.value ^ byte) * 0x100000001B3 % 2**64


def synthetic_vocabulary():
    """Every character that lowercasing or decomposing can make, so that a wrong one has a wrong id."""
    lower = normalizers.Lowercase().normalize_str
    nfd = normalizers.NFD().normalize_str
    characters = set(map(chr, range(0x21, 0x17F)))
    for code in [*range(0xD800), *range(0xE000, 0x30000)]:
        character = chr(code)
        if 0x4E00 <= ord(nfd(character)[0]) <= 0x9FFF or ord(nfd(character)[0]) >= 0x20000:
            if code % 64 == 0:
                characters.add(nfd(character))
            continue
        if lower(character) != character:
            characters.update(character + lower(character))
        if nfd(character) != character:
            characters.update(nfd(character))
        if 0x2000 <= code < 0x2070 or code in (0x302E, 0x302F, 0x1D165, 0x1D166, 0x1D16D, 0x1D16E, 0x93F, 0x94D):
            characters.add(character)
    characters = sorted(c for c in characters if not c.isspace() and c.isprintable())
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += characters + ["##" + character for character in characters]
    pieces += ["ab", "abc", "##bc", "##cde", "defa", "##fa", "##eé", "étoile", "etoile", "##bcd"]
    assert len(set(pieces)) == len(pieces)
    return pieces


def bert(pieces, variant):
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    clean, chinese, strip, lowercase = VARIANTS[variant]
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(clean, chinese, strip, lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return tokenizer


def with_added_tokens():
    """A tokenizer.json with one added token of every kind."""
    tokenizer = bert(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(chr, range(0x21, 0x7F)),
                      *("##" + chr(code) for code in range(0x61, 0x7B)), "\u00e9", "##\u00e9", "ab", "##bc"], "uncased")
    document = json.loads(tokenizer.to_str())
    document["truncation"] = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    document["padding"] = {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                           "pad_type_id": 0, "pad_token": "[PAD]"}
    next_id = len(document["model"]["vocab"])
    kinds = [("<l>", dict(lstrip=True)), ("<r>", dict(rstrip=True)), ("<w>", dict(single_word=True)),
             ("<n>", dict(lstrip=True, rstrip=True, special=False)), ("\u00c9toile", dict(normalized=True, special=False)),
             ("abc", dict(normalized=True, single_word=True, special=False)), ("<n><l>x", dict())]
    for content, flags in kinds:
        token = dict(id=next_id, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
        document["added_tokens"].append({**token, **flags})
        next_id += 1
    return document


class Goldens:
    def __init__(self):
        self.lines = []

    def write(self, name, texts, encode):
        digest = Digest()
        for text in texts:
            digest.add(encode(text))
        self.lines.append(f"{name} {digest.value:016x}")

    def code_points(self, variant, tokenizer):
        for context in ("alone", "inside"):
            for start in range(0, 0x110000, BLOCK):
                codes = [code for code in range(start, start + BLOCK) if not 0xD800 <= code <= 0xDFFF]
                texts = [chr(code) if context == "alone" else "a" + chr(code) + "b" for code in codes]
                if texts:
                    ids = iter(tokenizer.encode_batch(texts))
                    self.write(f"code_points/{variant}/{context}/{start:06x}", texts, lambda _: next(ids).ids)

    def corpus(self, name, tokenizer):
        generator = Generator(2004)
        for index in range(DIGESTS):
            texts = [generator.text() for _ in range(TEXTS_PER_DIGEST)]
            self.write(f"corpus/{name}/{index:02}", texts, lambda text: tokenizer.encode(text).ids)

    def ill_formed(self, tokenizer):
        generator = Generator(7453)
        for index in range(DIGESTS):
            texts = [generator.byte_string().decode("utf-8", errors="replace") for _ in range(TEXTS_PER_DIGEST)]
            self.write(f"ill_formed/{index:02}", texts, lambda text: tokenizer.encode(text).ids)

    def long_words(self, variant, tokenizer):
        texts = [letter * count for letter in ("a", "\u00e9", "e\u0301", "\uac00", "\u0130", "\U0001f600") for count in
                 range(30, 205)]
        self.write(f"long_words/{variant}", texts, lambda text: tokenizer.encode(text).ids)

    def truncation(self, tokenizer):
        def words(count, letter):
            return " ".join([letter] * count)

        def encode(texts):
            whole = tokenizer_without_truncation.encode(*texts)
            cut = tokenizer.encode(*texts)
            return [*cut.ids, *cut.type_ids, int(len(cut.ids) < len(whole.ids))]

        tokenizer_without_truncation = Tokenizer.from_str(tokenizer.to_str())
        for max_tokens in range(3, 40):
            tokenizer.enable_truncation(max_tokens)
            singles = [(words(count, "ab"),) for count in range(50)]
            pairs = [(words(a, "ab"), words(b, "xyz")) for a in range(24) for b in range(1, 15)]
            self.write(f"truncation/single/{max_tokens:02}", singles, encode)
            self.write(f"truncation/pair/{max_tokens:02}", pairs, encode)
        tokenizer.no_truncation()


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    pieces = synthetic_vocabulary()
    (directory / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8", newline="\n")
    added = with_added_tokens()
    (directory / "added_tokens.json").write_text(json.dumps(added, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    added_tokenizer = Tokenizer.from_str(json.dumps(added))
    added_tokenizer.no_truncation()
    added_tokenizer.no_padding()

    goldens = Goldens()
    for variant in VARIANTS:
        tokenizer = bert(pieces, variant)
        goldens.code_points(variant, tokenizer)
        goldens.corpus(variant, tokenizer)
        goldens.long_words(variant, tokenizer)
    split = bert(pieces, "uncased")
    split.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    goldens.corpus("whitespace_split", split)
    goldens.corpus("added_tokens", added_tokenizer)
    uncased = bert(pieces, "uncased")
    goldens.ill_formed(uncased)
    goldens.truncation(uncased)
    (directory / "goldens.txt").write_text("\n".join(goldens.lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
