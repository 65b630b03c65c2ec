# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/text/deberta_directories.jsonl: small directories with a tokenizer of DeBERTa, made up and encoded as in
tokenizer_directories.py.

    pip install transformers==5.24.0 tokenizers==0.23.3 sentencepiece==0.2.3 protobuf
    python tests/generators/deberta_directories.py tests/data/text
"""
import json
import pathlib
import sys

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from encoded_directories import make_lines
from tokenizer_directories import BERT_ROLES, CONTROL, NORMAL, UNKNOWN, USER_DEFINED, WORDS, Directory

DIRECTORIES = 40


def make_deberta(directory):
    """A tokenizer.json, of which the class takes the vocabulary alone, or a sentencepiece model."""
    specials = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    kinds = [CONTROL, CONTROL, CONTROL, UNKNOWN]
    scored = [[piece, 0.0 if directory.chance(0.95) else -1.0, kind] for piece, kind in zip(specials, kinds)]
    scored += [["[E1]", 0.0, directory.random.choice([CONTROL, USER_DEFINED])]] if directory.chance(0.3) else []
    scored += [[word, -1.0 - 19 * i / 64, NORMAL] for i, word in enumerate(directory.random.sample(WORDS, len(WORDS)))]
    scored += [["[MASK]", 0.0, USER_DEFINED]] if directory.chance(0.3) else []
    directory.maybe("tokenizer_class", ["DebertaV2Tokenizer", "DebertaV2TokenizerFast", "PreTrainedTokenizerFast"], 0.6)
    directory.maybe("do_lower_case", [True, False], 0.4)
    directory.maybe("unk_id", [3, 2], 0.3)
    directory.maybe("split_by_punct", [False], 0.3)
    directory.maybe("add_prefix_space", [True], 0.2)
    directory.maybe("vocab_type", ["spm"], 0.5)
    if directory.chance(0.5):
        if directory.settings.get("tokenizer_class") == "PreTrainedTokenizerFast":
            del directory.settings["tokenizer_class"]
        directory.write("tokenizer.model" if directory.chance(0.1) else "spm.model",
                   {"charsmap": directory.chance(0.3), "pieces": scored, "unk_id": directory.random.choice([3, 3, 0])})
    else:
        tokenizer = Tokenizer(models.Unigram([(piece, score) for piece, score, kind in scored], unk_id=3))
        tokenizer.normalizer = directory.random.choice([
            normalizers.Sequence([normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " "), normalizers.NFC(),
                                  normalizers.Strip(left=False, right=True)]),
            normalizers.Sequence([normalizers.Strip(), normalizers.Precompiled(directory.charsmap),
                                  normalizers.Replace(Regex(" {2,}"), " ")])])
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace()])
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
        directory.add_tokens(tokenizer)
        directory.write("tokenizer.json", json.loads(tokenizer.to_str()))
    directory.draw_tokens(BERT_ROLES)
    directory.finish("deberta-v2", len(scored) + 2)


def main():
    out = pathlib.Path(sys.argv[1])
    charsmap = (out / "charsmap.bin").read_bytes()
    lines = make_lines(DIRECTORIES, lambda seed: Directory(seed, charsmap, make_deberta), charsmap)
    (out / "deberta_directories.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
