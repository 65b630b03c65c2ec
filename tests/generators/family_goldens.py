# SPDX-License-Identifier: Apache-2.0
"""What the generators of families' models share: weights in the type they are stored in, and what transformers says."""
import hashlib

import torch
from safetensors.torch import load_file, save_file

from tiny_models import loaded, make_heads, stored, write_json


def store_weights(model, out, kind):
    """As save_pretrained does, but in this type; the model goes on with what was stored."""
    model.save_pretrained(out)
    tensors = stored(load_file(out / "model.safetensors"), kind)
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    missing, unexpected = model.load_state_dict(loaded(tensors), strict=False)
    assert not missing and not unexpected, (missing, unexpected)


def rounded(logits):
    return [[round(v, 6) for v in row.tolist()] for row in logits]


def golden_entry(tokenizer, text, max_tokens, answer):
    """`answer`: from a tokenizer's output to logits."""
    texts = [text] if isinstance(text, str) else text
    found = tokenizer(*texts, truncation=True, max_length=max_tokens)
    entry = {"text": text} if isinstance(text, str) else dict(zip(("premise", "hypothesis"), text))
    return entry | {"ids": found["input_ids"], "logits": rounded(answer(found))}


def write_golden(out, tokenizer, max_tokens, answer, texts, lengths, num_ids, generator):
    """golden.json: the answers to texts, and to random ids below `num_ids`, padding among them."""
    golden = [golden_entry(tokenizer, text, max_tokens, answer) for text in texts]
    encodings = []
    for length in [length for length in lengths if length <= max_tokens]:
        ids = torch.randint(num_ids, (length,), generator=generator).tolist()
        encodings.append({"ids": ids, "logits": rounded(answer({"input_ids": ids, "token_type_ids": [0] * length}))})
    write_json(out / "golden.json", {"max_tokens": max_tokens, "golden": golden, "encodings": encodings})


def write_exits(out, tokenizer, max_tokens, answer_of, texts, labels, exits, hidden, generator):
    """exits.safetensors and exits.json, with single texts as its golden ones; `answer_of`: from heads to an answer."""
    heads = make_heads(exits, hidden, len(labels), generator)
    save_file(heads, out / "exits.safetensors", metadata={"format": "pt"})
    golden = [golden_entry(tokenizer, text, max_tokens, answer_of(heads)) for text in texts if isinstance(text, str)]
    for entry in golden:
        del entry["ids"]
    write_json(out / "exits.json", {
        "format": 1, "exits_sha256": hashlib.sha256((out / "exits.safetensors").read_bytes()).hexdigest(), "labels": labels,
        "input": "single", "max_tokens": max_tokens, "exits": exits, "golden": golden})
