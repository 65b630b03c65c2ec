# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/models/family-mpnet*: random MPNet models as save_pretrained writes them, and what transformers says
to some texts and token ids (golden.json, or in exits.json). Each version of transformers writes its own:

    pip install transformers==5.24.0    # family-mpnet, family-mpnet-exits; or 4.57.1: family-mpnet-v4
    python tests/generators/mpnet_models.py tests/data/models
"""
import pathlib
import sys

import torch
import transformers
from transformers import MPNetConfig, MPNetForSequenceClassification, MPNetModel, MPNetTokenizer

from family_goldens import store_weights, write_exits, write_golden
from tiny_models import PAIRS, SINGLE, VOCABULARY, exit_at, exit_logits

LABELS = ["dull", "fair", "warm"]
PIECES = ["<s>", "<pad>", "</s>", "<unk>", *dict.fromkeys(VOCABULARY[5:]), "[UNK]", "<mask>"]
STORY = "the story of a man and a dog "
TEXTS = [*SINGLE, "a <mask> film, </s> bad", "DOG \u00e9 [UNK] <s>", STORY * 20, STORY * 50, *PAIRS, (STORY * 40, STORY * 30)]
LENGTHS = [1, 2, 3, 8, 9, 16, 17, 33, 64, 91, 92, 93, 128, 129, 130, 161, 257, 300]
MODELS = {  # hidden size, heads, layers, intermediate size
    "family-mpnet": dict(version="5.24.0", size=(20, 5, 3, 36), positions=303, store="F32", seed=40),
    "family-mpnet-exits": dict(version="5.24.0", size=(24, 4, 4, 44), positions=142, store="F32", seed=41,
                               exits=[exit_at(1, "cls", "own", temperature=0.75), exit_at(2, "mean", temperature=1.25),
                                      exit_at(3, "cls", "shared", True), exit_at(4, "cls", "shared", True, True)]),
    "family-mpnet-v4": dict(version="4.57.1", size=(12, 2, 2, 28), positions=202, store="F16", seed=42, buckets=40),
}


def randomize(module, generator):
    for name, parameter in module.named_parameters():
        std = 1.5 if "relative" in name else 0.5 if "embeddings.weight" in name else 0.3 if parameter.dim() == 2 else 0.2
        parameter.data.normal_(0, std, generator=generator)
        if "norm" in name.lower() and name.endswith("weight"):
            parameter.data.add_(1)


def write_tokenizer(out, version):
    """Version 4 has a tokenizer in Python, which writes vocab.txt; version 5 writes tokenizer.json."""
    if version.startswith("4"):
        (out / "vocab.txt").write_text("".join(piece + "\n" for piece in PIECES), encoding="utf-8")
        tokenizer = MPNetTokenizer(str(out / "vocab.txt"))
    else:
        tokenizer = MPNetTokenizer({piece: i for i, piece in enumerate(PIECES)})
    tokenizer.save_pretrained(out)
    return tokenizer


def write_model(out, m):
    out.mkdir(parents=True, exist_ok=True)
    hidden, heads, layers, intermediate = m["size"]
    config = MPNetConfig(vocab_size=len(PIECES), hidden_size=hidden, num_attention_heads=heads, num_hidden_layers=layers,
                         intermediate_size=intermediate, max_position_embeddings=m["positions"], layer_norm_eps=1e-5,
                         relative_attention_num_buckets=m.get("buckets", 32), id2label=dict(enumerate(LABELS)),
                         label2id={label: i for i, label in enumerate(LABELS)})
    model = MPNetModel(config, add_pooling_layer=False) if "exits" in m else MPNetForSequenceClassification(config)
    model.eval()
    generator = torch.Generator().manual_seed(m["seed"])
    randomize(model, generator)
    store_weights(model, out, m["store"])
    tokenizer = write_tokenizer(out, m["version"])
    max_tokens = m["positions"] - 2
    states = lambda found, **more: model(input_ids=torch.tensor([found["input_ids"]]),
                                         attention_mask=torch.ones(1, len(found["input_ids"])), **more)
    if "exits" not in m:
        write_golden(out, tokenizer, max_tokens, lambda found: states(found).logits, TEXTS, LENGTHS, len(PIECES), generator)
        return
    answer_of = lambda heads: lambda found: exit_logits(
        [state[0] for state in states(found, output_hidden_states=True).hidden_states], m["exits"], heads)
    write_exits(out, tokenizer, max_tokens, answer_of, TEXTS, LABELS, m["exits"], hidden, generator)


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    names = [name for name, m in MODELS.items() if m["version"] == transformers.__version__]
    assert names, "no model is written by transformers " + transformers.__version__
    for name in names:
        write_model(pathlib.Path(sys.argv[1]) / name, MODELS[name])


if __name__ == "__main__":
    main()
