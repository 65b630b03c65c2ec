# SPDX-License-Identifier: Apache-2.0
"""Writes an offramp model directory with random weights: the shape of a real model for timing, without its training."""
import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

SHAPES = {"base": dict(layers=12, hidden=768, intermediate=3072, heads=12),
          "minilm": dict(layers=6, hidden=384, intermediate=1536, heads=12),
          "deberta-small": dict(layers=6, hidden=768, intermediate=3072, heads=12, family="deberta"),
          "deberta-xsmall": dict(layers=12, hidden=384, intermediate=1536, heads=6, family="deberta"),
          "modernbert": dict(layers=22, hidden=768, intermediate=1152, heads=12, family="modernbert"),
          "ettin-17m": dict(layers=7, hidden=256, intermediate=384, heads=4, family="modernbert")}
VOCABULARY, POSITIONS, BUCKETS, LABELS = 30522, 512, 256, ["negative", "positive"]


def is_modernbert(shape):
    return shape.get("family") == "modernbert"


def encoder_tensors(shape, random):
    hidden, intermediate = shape["hidden"], shape["intermediate"]
    normal = lambda *size: random.standard_normal(size, dtype=np.float32) * np.float32(0.02)
    tensors = {}

    def add_linear(name, outputs, inputs):
        tensors[name + ".weight"], tensors[name + ".bias"] = normal(outputs, inputs), normal(outputs)

    def add_norm(name):
        tensors[name + ".weight"], tensors[name + ".bias"] = 1 + normal(hidden), normal(hidden)

    family = shape.get("family", "bert")
    is_deberta = family == "deberta"
    tables = [("word", VOCABULARY), ("position", POSITIONS), ("token_type", 2)][: 1 if is_deberta else 3]
    for name, rows in tables:
        tensors[f"{family}.embeddings.{name}_embeddings.weight"] = normal(rows, hidden)
    add_norm(f"{family}.embeddings.LayerNorm")
    if is_deberta:
        tensors["deberta.encoder.rel_embeddings.weight"] = normal(2 * BUCKETS, hidden)
        add_norm("deberta.encoder.LayerNorm")
    for i in range(shape["layers"]):
        layer = f"{family}.encoder.layer.{i}."
        for part in ("query", "key", "value"):
            add_linear(layer + "attention.self." + part + ("_proj" if is_deberta else ""), hidden, hidden)
        add_linear(layer + "attention.output.dense", hidden, hidden)
        add_norm(layer + "attention.output.LayerNorm")
        add_linear(layer + "intermediate.dense", intermediate, hidden)
        add_linear(layer + "output.dense", hidden, intermediate)
        add_norm(layer + "output.LayerNorm")
    return tensors


def modernbert_tensors(shape, random):
    """Without biases, as the released ones."""
    hidden, intermediate = shape["hidden"], shape["intermediate"]
    normal = lambda *size: random.standard_normal(size, dtype=np.float32) * np.float32(0.02)
    tensors = {"model.embeddings.tok_embeddings.weight": normal(VOCABULARY, hidden),
               "model.embeddings.norm.weight": 1 + normal(hidden), "model.final_norm.weight": 1 + normal(hidden)}
    for i in range(shape["layers"]):
        layer = f"model.layers.{i}."
        if i > 0:
            tensors[layer + "attn_norm.weight"] = 1 + normal(hidden)
        tensors[layer + "attn.Wqkv.weight"], tensors[layer + "attn.Wo.weight"] = normal(3 * hidden, hidden), normal(hidden, hidden)
        tensors[layer + "mlp_norm.weight"] = 1 + normal(hidden)
        tensors[layer + "mlp.Wi.weight"], tensors[layer + "mlp.Wo.weight"] = normal(2 * intermediate, hidden), normal(hidden, intermediate)
    return tensors


def exit_tensors(count, hidden, random):
    tensors = {}
    for j in range(count):
        tensors[f"exits.{j}.pooler.dense.weight"] = random.standard_normal((hidden, hidden), dtype=np.float32) * np.float32(0.05)
        tensors[f"exits.{j}.pooler.dense.bias"] = np.zeros(hidden, np.float32)
        tensors[f"exits.{j}.classifier.weight"] = random.standard_normal((len(LABELS), hidden), dtype=np.float32) * np.float32(0.1)
        tensors[f"exits.{j}.classifier.bias"] = np.zeros(len(LABELS), np.float32)
    return tensors


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def write_config(out, shape):
    if is_modernbert(shape):
        write_json(out / "config.json", {
            "model_type": "modernbert", "hidden_activation": "gelu", "hidden_size": shape["hidden"],
            "num_hidden_layers": shape["layers"], "num_attention_heads": shape["heads"], "intermediate_size": shape["intermediate"],
            "norm_eps": 1e-5, "max_position_embeddings": POSITIONS, "vocab_size": VOCABULARY, "local_attention": 128,
            "global_attn_every_n_layers": 3, "global_rope_theta": 160000.0, "local_rope_theta": 10000.0,
            "classifier_pooling": "cls", "classifier_activation": "gelu", "id2label": dict(enumerate(LABELS))})
        return
    deberta = {"model_type": "deberta-v2", "layer_norm_eps": 1e-7, "type_vocab_size": 0, "relative_attention": True,
               "position_buckets": BUCKETS, "max_relative_positions": -1, "pos_att_type": ["p2c", "c2p"], "share_att_key": True,
               "norm_rel_ebd": "layer_norm", "position_biased_input": False}
    write_json(out / "config.json", {
        "model_type": "bert", "hidden_act": "gelu",
        "hidden_size": shape["hidden"], "num_hidden_layers": shape["layers"], "num_attention_heads": shape["heads"],
        "intermediate_size": shape["intermediate"], "layer_norm_eps": 1e-12, "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2, "vocab_size": VOCABULARY, "pad_token_id": 0,
        "id2label": dict(enumerate(LABELS)), "label2id": {name: i for i, name in enumerate(LABELS)},
        **(deberta if "family" in shape else {})})


def write_exits(out, layers, hidden, random):
    save_file(exit_tensors(len(layers), hidden, random), out / "exits.safetensors", metadata={"format": "pt"})
    write_json(out / "exits.json", {
        "format": 1, "exits_sha256": hashlib.sha256((out / "exits.safetensors").read_bytes()).hexdigest(),
        "labels": LABELS, "input": "single", "max_tokens": POSITIONS,
        "exits": [{"layer": layer, "pooling": "cls", "pooler": "own", "temperature": {"float32": 1.0}} for layer in layers]})


def write_model(out, shape, exits, tokenizer, seed):
    out.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    make_tensors = modernbert_tensors if is_modernbert(shape) else encoder_tensors
    save_file(make_tensors(shape, random), out / "model.safetensors", metadata={"format": "pt"})
    write_config(out, shape)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        if (tokenizer / name).exists():
            shutil.copyfile(tokenizer / name, out / name)
    last = shape["layers"]
    write_exits(out, list(range(1, last + 1)) if exits == "every" else [last], shape["hidden"], random)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("out", type=Path)
    p.add_argument("--shape", choices=SHAPES, default="base")
    p.add_argument("--exits", choices=("every", "last"), default="every", help="layers that carry an exit")
    p.add_argument("--tokenizer", type=Path, required=True, help="directory with the tokenizer of a 30,522-word BERT")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    write_model(a.out, SHAPES[a.shape], a.exits, a.tokenizer, a.seed)


if __name__ == "__main__":
    main()
