# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/text/modernbert_directories.jsonl: small directories of a modernbert with the tokenizers that such models
have, ModernBERT's byte-level one and Gemma's of mmBERT, with settings made up and encoded as in tokenizer_directories.py.

    pip install transformers==5.24.0 tokenizers==0.23.3 sentencepiece==0.2.3 protobuf
    python tests/generators/modernbert_directories.py tests/data/text

Whatever class such a directory names, transformers takes its tokenizer.json as it stands.
"""
import json
import pathlib
import sys

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

import encoded_directories
from tokenizer_directories import Directory

DIRECTORIES = 10  # of each kind
CORPUS = ["the dog hello world cats going go covid 19 hello dog e1 mask the cat a e \u00e9"] * 3
TEXTS = ["two  spaces,   three    four\n\n\n and\ttabs ", "\u00e9 e\u0301 \u2126 \ufb01 \U0001f600\u200d\U0001f469", " leading\u2581sign <0x0A>",
         "the dog[MASK] <mask> hello <bos><eos>", "hello\u00a0world\u3000\u4e2d\u6587\ufeff", "<unk> [UNK] <|padding|>|||IP_ADDRESS|||"]
MODERNBERT_ROLES = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
GEMMA_ROLES = {"unk_token": "<unk>", "sep_token": "<eos>", "pad_token": "<pad>", "cls_token": "<bos>", "mask_token": "<mask>",
               "bos_token": "<bos>", "eos_token": "<eos>"}
CLASSES = ["PreTrainedTokenizerFast", "TokenizersBackend", "GemmaTokenizerFast", "GemmaTokenizer", "LlamaTokenizerFast"]


def template(tokenizer, start, end, second_type):
    return processors.TemplateProcessing(
        single=f"{start}:0 $A:0 {end}:0", pair=f"{start}:0 $A:0 {end}:0 $B:{second_type} {end}:{second_type}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (start, end)])


def finish(directory, tokenizer, roles):
    directory.add_tokens(tokenizer)
    directory.write("tokenizer.json", json.loads(tokenizer.to_str()))
    directory.maybe("tokenizer_class", CLASSES, 0.8)
    directory.maybe("model_input_names", [["input_ids", "attention_mask"]], 0.7)
    for key in ("add_bos_token", "add_eos_token"):
        directory.maybe(key, [True, False, None], 0.3)  # counts only without a tokenizer.json
    directory.draw_tokens(roles)
    directory.finish("modernbert", tokenizer.get_vocab_size() + 8, 0.9)


def make_byte_level(directory):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=290, show_progress=False, special_tokens=["|||IP_ADDRESS|||", "<|padding|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True, special=False) for n in (4, 3, 2)])
    tokenizer.add_special_tokens(["<|endoftext|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", AddedToken("[MASK]", lstrip=True), "[unused0]"])
    tokenizer.post_processor = template(tokenizer, "[CLS]", "[SEP]", directory.random.choice([0, 1]))
    finish(directory, tokenizer, MODERNBERT_ROLES)


def make_gemma(directory):
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "[multimodal]", "<unused0>"]
    normalizer = normalizers.Replace(" ", "\u2581")
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizer
    learner.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=60, show_progress=False, max_token_length=6))
    learned = json.loads(learner.to_str())["model"]
    blanks = ["\n", "\n\n", "\t", "\u2581\u2581", "\u2581\u2581\u2581"]
    pieces = [*special, *blanks, *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces += [piece for piece in learned["vocab"] if piece not in pieces]
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, [tuple(merge) for merge in learned["merges"]],
                                     unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if directory.chance(0.8):
        tokenizer.normalizer = normalizer  # else the words are cut behind spaces
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in blanks])
    tokenizer.post_processor = template(tokenizer, "<bos>", "<eos>", directory.random.choice([0, 1]))
    finish(directory, tokenizer, GEMMA_ROLES)


def main():
    out = pathlib.Path(sys.argv[1])
    charsmap = (out / "charsmap.bin").read_bytes()
    encoded_directories.TEXTS += TEXTS
    lines = "".join(encoded_directories.make_lines(DIRECTORIES, lambda seed, make=make: Directory(seed, charsmap, make), charsmap)
                    for make in (make_byte_level, make_gemma))
    (out / "modernbert_directories.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
