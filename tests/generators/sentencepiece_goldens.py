# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/text/sentencepiece_goldens.txt: what AutoTokenizer makes of the texts of subword_corpus.py with models of
ALBERT and XLM-RoBERTa, and the sentencepiece package and KoBERT's Python tokenizer around it with KoBERT's. Their pieces and
rules are those that subword_goldens.py has written; tests/text/sentencepiece/models.hpp builds the same models of them.
Scores are multiples of 1/64, so that sums are exact and no version of sentencepiece rounds them differently.

What Python's unicodedata knows is taken in the Unicode version of the `tokenizers` package, which our tables have.

    pip install transformers==5.24.0 tokenizers==0.23.3 sentencepiece==0.2.3 protobuf
    python tests/generators/sentencepiece_goldens.py tests/data/text
"""

import json
import pathlib
import re
import sys
import tempfile

import sentencepiece
import transformers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import normalizers
from transformers import AutoTokenizer

from subword_corpus import SubwordGenerator
from tokenizer_goldens import Digest
from unicode_tables import combining_class_ranks

NFKD = normalizers.NFKD().normalize_str
COMBINING = {chr(code) for code in combining_class_ranks(normalizers.NFD().normalize_str)}
TEXTS_PER_DIGEST = 512
DIGESTS = {"xlm_roberta": 100, "albert": 100, "albert_cased": 6, "kobert": 100, "kobert_lower": 100, "kobert_cased": 6,
           "kobert_bpe": 6}
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, _, BYTE = range(1, 7)


def build_model(name, pieces, charsmap):
    model = sentencepiece_model_pb2.ModelProto()
    specials = {
        "xlm_roberta": [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)],
        "albert": [("<pad>", CONTROL), ("<unk>", UNKNOWN), ("[CLS]", CONTROL), ("[SEP]", CONTROL),
                   ("[MASK]", USER_DEFINED)],
        "kobert": [("[UNK]", UNKNOWN), ("[PAD]", CONTROL), ("[CLS]", CONTROL), ("[SEP]", CONTROL), ("[MASK]", CONTROL)],
    }
    for text, kind in specials["xlm_roberta" if name == "xlm_roberta" else name.split("_")[0]]:
        model.pieces.add(piece=text, score=0.0, type=kind)
    if name == "kobert_bpe":
        for byte in range(256):
            model.pieces.add(piece=f"<0x{byte:02X}>", score=0.0, type=BYTE)
    for piece, score in pieces:
        model.pieces.add(piece=piece, score=round(score * 64) / 64, type=NORMAL)
    model.normalizer_spec.precompiled_charsmap = charsmap
    model.trainer_spec.model_type = 1
    if name == "kobert_bpe":
        model.trainer_spec.model_type = 2
        model.trainer_spec.byte_fallback = True
        model.normalizer_spec.remove_extra_whitespaces = False
    if name.endswith("_cased"):
        model.normalizer_spec.add_dummy_prefix = False
        model.normalizer_spec.precompiled_charsmap = b""
    return model.SerializeToString()


class ClassTokenizer:
    """What AutoTokenizer makes of a directory that holds nothing but a model and its settings."""

    def __init__(self, name, model):
        cased = {"tokenizer_class": "AlbertTokenizer", "do_lower_case": False, "keep_accents": True}
        files = {
            "xlm_roberta": {"sentencepiece.bpe.model": model, "config.json": b'{"model_type": "xlm-roberta"}'},
            "albert": {"spiece.model": model, "config.json": b'{"model_type": "albert"}'},
            "albert_cased": {"spiece.model": model, "tokenizer_config.json": json.dumps(cased).encode()},
        }
        with tempfile.TemporaryDirectory() as folder:
            for file, content in files[name].items():
                (pathlib.Path(folder) / file).write_bytes(content)
            self.tokenizer = AutoTokenizer.from_pretrained(folder)

    def encode(self, text):
        return self.tokenizer(text)["input_ids"]


class KobertTokenizer:
    """The steps of the tokenizer that is written in Python, in their order."""

    def __init__(self, name, model):
        self.processor = sentencepiece.SentencePieceProcessor()
        self.processor.LoadFromSerializedProto(model)
        self.lower_case = name == "kobert_lower"
        self.keep_accents = self.keep_space = name == "kobert_cased"
        self.special = {text: self.processor.piece_to_id(text) for text in ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"]}
        self.cls, self.sep, self.mask = self.special["[CLS]"], self.special["[SEP]"], "[MASK]"

    def encode(self, text):
        parts = re.split("(" + "|".join(map(re.escape, sorted(self.special, key=len, reverse=True))) + ")", text)
        ids = []
        for index, part in enumerate(parts):
            if index % 2 == 1:
                ids.append(self.special[part])
                continue
            if index + 1 < len(parts) and parts[index + 1] == self.mask:
                part = part.rstrip()
            if part:
                ids += map(self.processor.piece_to_id, self.pieces(part))
        return [self.cls, *ids, self.sep]

    def pieces(self, text):
        pieces = []
        for piece in self.processor.encode(self.prepare(text), out_type=str):
            if len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit():
                parts = self.processor.encode(piece[:-1].replace("\u2581", ""), out_type=str)
                if piece[0] != "\u2581" and parts[0][0] == "\u2581":
                    parts = parts[1:] if len(parts[0]) == 1 else [parts[0][1:], *parts[1:]]
                pieces += [*parts, ","]
            else:
                pieces.append(piece)
        return pieces

    def prepare(self, text):
        if not self.keep_space:
            text = " ".join(text.strip().split())
        text = text.replace("``", '"').replace("''", '"')
        if not self.keep_accents:
            text = "".join(character for character in NFKD(text) if character not in COMBINING)
        return text.lower() if self.lower_case else text


def main():
    if sentencepiece.__version__ != "0.2.3":
        raise SystemExit(f"sentencepiece {sentencepiece.__version__} is installed, the file is made with 0.2.3")
    if transformers.__version__ != "5.24.0":
        raise SystemExit(f"transformers {transformers.__version__} is installed, the file is made with 5.24.0")
    directory = pathlib.Path(sys.argv[1])
    pieces = json.loads((directory / "subwords.json").read_text(encoding="utf-8"))["unigram"][4:-1]
    pieces += [["3,", -5.0], ["\u258112,", -5.5]]
    charsmap = (directory / "charsmap.bin").read_bytes()
    lines = []

    def write(key, sequences):
        digest = Digest()
        for ids in sequences:
            digest.add(ids)
        lines.append(f"{key} {digest.value:016x}")

    for name, digests in DIGESTS.items():
        tokenizer = (KobertTokenizer if name.startswith("kobert") else ClassTokenizer)(name, build_model(name, pieces, charsmap))
        generator = SubwordGenerator(2027)
        for index in range(digests):
            write(f"corpus/{name}/{index:03}", [tokenizer.encode(generator.text()) for _ in range(TEXTS_PER_DIGEST)])
        generator = SubwordGenerator(7453)
        write(f"ill_formed/{name}", [tokenizer.encode(generator.byte_string().decode("utf-8", errors="replace"))
                                     for _ in range(TEXTS_PER_DIGEST)])
        texts = ["3,3 12,5 3, 12,", "\u03a3\u0391\u03a3 \u03a3 \u0391\u03a3\u0301.\u03a3", "a [MASK] b <mask>  c", "<PAD> <pad>",
                 "\x1c a\x1fb ", "", "   ", "\u1112\u1161\u11ab"]
        write(f"texts/{name}", map(tokenizer.encode, texts))
    (directory / "sentencepiece_goldens.txt").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
