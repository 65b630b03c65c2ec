# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/text/unigram_ties.json: texts that a Unigram model can split in several ways of nearly equal score, where the
last bit of its scores decides, and what AutoTokenizer makes of them. A class of tokenizers is built in Python and has the scores
as they are; a tokenizer.json that is taken as it stands is read by the package tokenizers, which rounds them otherwise.

    pip install transformers==5.24.0 tokenizers==0.23.3
    python tests/generators/unigram_tie_goldens.py tests/data/text
"""

import json
import pathlib
import random
import struct
import sys
import tempfile

import transformers
from transformers import AutoTokenizer

LETTERS = "abc"
CLASSES = ("XLMRobertaTokenizer", "PreTrainedTokenizerFast")  # which makes the model itself, which does not


def as_float32(score):
    return struct.unpack("f", struct.pack("f", score))[0]


def vocabulary(draw, rounded):
    pieces = ["\u2581", *LETTERS, *(a + b for a in LETTERS for b in LETTERS)]
    pieces += [piece for piece in (a + b + c for a in LETTERS for b in LETTERS for c in LETTERS) if draw.random() < 0.5]
    scores = [-draw.uniform(2, 5) - 2 * len(piece) for piece in pieces]
    return [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0],
            *([piece, as_float32(score) if rounded else score] for piece, score in zip(pieces, scores))]


def tokenizer_json(vocab):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "WhitespaceSplit"},
                {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}]},
            "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}, "decoder": None,
            "model": {"type": "Unigram", "unk_id": 3, "vocab": vocab}}


def encode(name, vocab, texts):
    with tempfile.TemporaryDirectory() as folder:
        for file, content in (("tokenizer.json", tokenizer_json(vocab)), ("config.json", {"model_type": "xlm-roberta"}),
                              ("tokenizer_config.json", {"tokenizer_class": name})):
            (pathlib.Path(folder) / file).write_text(json.dumps(content), encoding="utf-8")
        tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer(text)["input_ids"] for text in texts]


def main():
    if transformers.__version__ != "5.24.0":
        raise SystemExit(f"transformers {transformers.__version__} is installed, the file is made with 5.24.0")
    draw = random.Random(5)
    cases = []
    for rounded in (True, False):
        vocab = vocabulary(draw, rounded)
        words = sorted({"".join(draw.choice(LETTERS) for _ in range(2)) * draw.randint(3, 20) for _ in range(2000)})
        ids = {name: encode(name, vocab, words) for name in CLASSES}
        differing = [i for i in range(len(words)) if ids[CLASSES[0]][i] != ids[CLASSES[1]][i]]
        kept = sorted({*differing, *range(0, len(words), 20)})
        print(f"{len(words)} words, {len(differing)} of them split differently, {len(kept)} kept")
        cases.append({"vocab": vocab, "texts": [words[i] for i in kept],
                      "ids": {name: [ids[name][i] for i in kept] for name in CLASSES}})
    path = pathlib.Path(sys.argv[1]) / "unigram_ties.json"
    path.write_text("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
