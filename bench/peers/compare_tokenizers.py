# SPDX-License-Identifier: Apache-2.0
"""Time from text to token ids, one thread and one text at a time, against the packages `tokenizers` and `sentencepiece`
on the same files, taking turns; the ids must be equal. The bundled models have WordPiece and Unigram; vocabularies for
BPE, byte-level BPE and a sentencepiece file are trained on the texts themselves.

python bench/peers/compare_tokenizers.py build/dev/bench/tokenize_benchmark sst2/test.tsv nsmc/test.tsv
"""
import argparse
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import sentencepiece
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

ROOT = Path(__file__).resolve().parents[2]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def read_texts(path):
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    return [line.rsplit(b"\t", 1)[-1].decode(errors="replace") for line in lines[: -1 if not lines[-1] else None]]


def train(kind, texts, directory, size):
    """A directory with the tokenizer of this kind."""
    directory.mkdir()
    if kind == "sentencepiece":
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_prefix=str(directory / "spiece"), vocab_size=size // 2,
            hard_vocab_limit=False, minloglevel=2)
        settings = {"tokenizer_class": "XLMRobertaTokenizer"}
        (directory / "tokenizer_config.json").write_text(json.dumps(settings))
        return directory
    if kind == "bpe":
        tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIALS, show_progress=False)
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIALS, show_progress=False,
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory


class Peer:
    """What encodes the same texts in Python's packages."""

    def __init__(self, directory, max_tokens):
        self.max_tokens = max_tokens
        if (directory / "spiece.model").exists():
            self.model = sentencepiece.SentencePieceProcessor(model_file=str(directory / "spiece.model"))
            self.encode = self.encode_sentencepiece
        else:
            self.tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
            self.tokenizer.enable_truncation(max_tokens)
            self.tokenizer.no_padding()
            self.encode = lambda text: self.tokenizer.encode(text).ids

    def encode_sentencepiece(self, text):
        # XLM-R's numbers: 0 <s>, 1 <pad>, 2 </s>, 3 <unk>, then the model's own from 3 on and one more.
        ids = [3 if i == 0 else i + 1 for i in self.model.encode(text)]
        return [0, *ids[: self.max_tokens - 2], 2]

    def microseconds(self, texts):
        start = time.perf_counter()
        for text in texts:
            self.encode(text)
        return (time.perf_counter() - start) * 1e6 / len(texts)


def run(program, directory, path, max_tokens, ids=None):
    """(microseconds a text, MB/s) of one round."""
    command = [program, "--rounds", "1", "--max-tokens", str(max_tokens), str(directory), path]
    output = subprocess.run(command + (["--ids", ids] if ids else []), check=True, capture_output=True, text=True).stdout
    return tuple(float(number) for number in re.search(r": (\S+) us a text, (\S+) MB/s", output).groups())


def compare(name, directory, arguments, path, texts):
    peer = Peer(directory, arguments.max_tokens)
    with tempfile.NamedTemporaryFile("r") as file:
        run(arguments.program, directory, path, arguments.max_tokens, file.name)
        ours = [[int(i) for i in line.split()] for line in file.read().splitlines()]
    different = sum(ids != peer.encode(text) for ids, text in zip(ours, texts, strict=True))
    rounds = [(run(arguments.program, directory, path, arguments.max_tokens), peer.microseconds(texts))
              for _ in range(arguments.rounds)]
    own, speed = min(own for own, _ in rounds)
    other = min(other for _, other in rounds)
    print(f"| {Path(path).parent.name} | {name} | {own:.2f} | {speed:.1f} | {other:.2f} | {other / own:.1f}x | {different} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the built tokenize_benchmark")
    parser.add_argument("files", nargs="+", help="a text a line, after its last tab")
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=20000, help="texts to train vocabularies on")
    parser.add_argument("--vocabulary", type=int, default=16000, help="pieces of trained vocabularies")
    parser.add_argument("--kinds", default="wordpiece,unigram,bpe,byte-level,sentencepiece")
    arguments = parser.parse_args()
    print("| file | tokenizer | us a text | MB/s | the package, us a text | ratio | different ids |")
    print("|---|---|---|---|---|---|---|")
    for path in arguments.files:
        texts = read_texts(path)
        with tempfile.TemporaryDirectory() as folder:
            for kind in arguments.kinds.split(","):
                bundled = {"wordpiece": "sentiment-en", "unigram": "sentiment-ko"}.get(kind)
                directory = (ROOT / "models" / bundled if bundled else
                             train(kind, texts[: arguments.texts], Path(folder) / kind, arguments.vocabulary))
                compare(kind, directory, arguments, path, texts)


if __name__ == "__main__":
    main()
