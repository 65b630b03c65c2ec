# SPDX-License-Identifier: Apache-2.0
"""Reading `label<TAB>text` or `label<TAB>premise<TAB>hypothesis`, tokenizing it, and cutting it into batches."""
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

TYPE_SEPARATOR = 1


@dataclass
class Texts:
    """Token ids of every text; `first[i]` is the length of its first segment; labels are indices, or -1."""

    ids: list[list[int]]
    first: list[int]
    labels: list[int]
    padding: int

    def __len__(self):
        return len(self.ids)


def read_numbered_rows(path: str, columns: int) -> list[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of its line."""
    rows = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), 1):
        if not line:
            continue
        fields = line.split("\t")
        if len(fields) != columns:
            raise SystemExit(f"{path}:{number}: {len(fields)} columns, expected {columns}")
        rows.append((number, fields))
    if not rows:
        raise SystemExit(f"{path}: no rows")
    return rows


def read_rows(path: str, columns: int) -> list[list[str]]:
    return [fields for _, fields in read_numbered_rows(path, columns)]


def load_tokenizer(directory: str, max_tokens: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(Path(directory) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def encode(tokenizer: Tokenizer, texts: list, labels: list[int]) -> Texts:
    """`texts`: strings, or (premise, hypothesis) tuples."""
    encodings = tokenizer.encode_batch(texts)
    first = [len(e.type_ids) - sum(e.type_ids) for e in encodings]
    padding = next(i for i in map(tokenizer.token_to_id, ("[PAD]", "<pad>")) if i is not None)
    return Texts([e.ids for e in encodings], first, labels, padding)


def read_labelled(paths: list[str], settings: dict, data_labels: list[str]) -> tuple[list, list[int]]:
    """Texts, or (premise, hypothesis) tuples, and label indices of the rows of all files, one file after the other."""
    pair = settings["input"] == "pair"
    index = {name: i for i, name in enumerate(data_labels)}
    texts, labels = [], []
    for path in paths:
        for number, row in read_numbered_rows(path, 3 if pair else 2):
            if row[0] not in index:
                raise SystemExit(f"{path}:{number}: unknown label {row[0]!r}, expected one of {data_labels}")
            texts.append(tuple(row[1:]) if pair else row[1])
            labels.append(index[row[0]])
    return texts, labels


def read_unlabelled(path: str, settings: dict) -> list:
    lines = [line for line in Path(path).read_text(encoding="utf-8").split("\n") if line]
    return [tuple(line.split("\t")) for line in lines] if settings["input"] == "pair" else lines


def cut_batches(lengths: list[int], tokens: int, seed: int | None) -> list[list[int]]:
    """Batches of at most `tokens` padded tokens, each of texts of nearly equal length; shuffled unless seed is None."""
    order = list(range(len(lengths)))
    shuffler = random.Random(seed)
    if seed is not None:
        shuffler.shuffle(order)
    order.sort(key=lambda i: lengths[i])
    batches, current = [], []
    for i in order:
        if current and (len(current) + 1) * lengths[i] > tokens:
            batches.append(current)
            current = []
        current.append(i)
    batches.append(current)
    if seed is not None:
        shuffler.shuffle(batches)
    return batches


def collate(texts: Texts, batch: list[int]) -> dict:
    width = max(len(texts.ids[i]) for i in batch)
    ids = torch.full((len(batch), width), texts.padding)
    types = torch.zeros_like(ids)
    mask = torch.zeros_like(ids)
    for row, i in enumerate(batch):
        n = len(texts.ids[i])
        ids[row, :n] = torch.tensor(texts.ids[i])
        types[row, texts.first[i] : n] = TYPE_SEPARATOR
        mask[row, :n] = 1
    return {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}


@torch.no_grad()
def predict(model, texts: Texts, tokens: int = 8192, autocast: bool = False, progress=lambda x: x) -> torch.Tensor:
    """Logits of every exit for every text, in the texts' order: [exits, texts, labels]."""
    model.eval()
    out = None
    for batch in progress(cut_batches([len(i) for i in texts.ids], tokens, None)):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            logits = model(collate(texts, batch))
        if out is None:
            out = torch.empty(logits.shape[0], len(texts), logits.shape[2])
        out[:, batch] = logits
    return out
