# SPDX-License-Identifier: Apache-2.0
"""Reads an offramp model directory into float32 arrays."""
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

import deberta

MPNET_NAMES = {"attention.attn.q.": "attention.self.query.", "attention.attn.k.": "attention.self.key.",
               "attention.attn.v.": "attention.self.value.", "attention.attn.o.": "attention.output.dense.",
               "attention.LayerNorm.": "attention.output.LayerNorm."}


@dataclass
class ModelDirectory:
    path: Path
    config: dict
    exits: list  # as in exits.json
    encoder: dict  # BERT's name without a leading "bert.", ModernBERT's own without "model." -> array
    heads: dict  # name as in exits.safetensors -> array

    @property
    def layers(self):
        return self.config["num_hidden_layers"]

    @property
    def is_modernbert(self):
        return self.config["model_type"] == "modernbert"

    @property
    def inputs(self):
        types = "embeddings.token_type_embeddings.weight" in self.encoder
        return ["input_ids", "token_type_ids"] if types else ["input_ids"]

    @property
    def first_position(self):
        return 2 if self.config["model_type"] == "mpnet" else 0

    @property
    def has_positions(self):
        return "embeddings.position_embeddings.weight" in self.encoder

    @property
    def has_relative_table(self):
        """DeBERTa's."""
        return "encoder.rel_embeddings.weight" in self.encoder

    @property
    def has_attention_bias(self):
        return "encoder.relative_attention_bias.weight" in self.encoder

    def attention_bias(self):
        """MPNet's, for a text of the most tokens: [1, heads, tokens, tokens]."""
        tokens = np.arange(self.config["max_position_embeddings"] - self.first_position)
        distance = tokens[None] - tokens[:, None]
        length = np.abs(distance)
        logarithmic = 8 + np.floor(np.log2(np.maximum(length, 8) ** 2 // 64)).astype(int)
        buckets = np.where(length < 8, length, np.minimum(logarithmic, 15)) + 16 * (distance > 0)
        return self.encoder["encoder.relative_attention_bias.weight"][buckets].transpose(2, 0, 1)[None]

    @property
    def linear_parameters(self):
        """Weights of the encoder's linear layers, up to the last exit."""
        hidden, intermediate = self.config["hidden_size"], self.config["intermediate_size"]
        products = 3 if self.is_modernbert else 2
        return self.exits[-1]["layer"] * (4 * hidden * hidden + products * hidden * intermediate)

    def operations(self, batch, tokens):
        """Additions and multiplications of a pass over every row of every layer up to the last exit."""
        attention = self.exits[-1]["layer"] * 4 * tokens * tokens * self.config["hidden_size"]
        return batch * (2 * tokens * self.linear_parameters + attention)


def read_arrays(files):
    stored = {}
    for file in files:
        stored |= load_file(file)
    arrays = {}
    for name, value in stored.items():
        if name.endswith(".scale"):
            continue
        array = value.float().numpy()
        if name + ".scale" in stored:
            array = array * stored[name + ".scale"].numpy()[:, None]
        arrays[name] = np.ascontiguousarray(array)
    return arrays


def name_in_bert(name):
    name = name.removeprefix("bert.").removeprefix("mpnet.").removeprefix("deberta.").removeprefix("model.")
    name = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
    for own, berts in (MPNET_NAMES | deberta.NAMES).items():
        name = name.replace(own, berts)
    return name


def own_exit(config, weights):
    """Of a sequence classifier, as exits.json and exits.safetensors would have it."""
    exit, names = {"layer": config["num_hidden_layers"], "pooler": "own"}, {"pooler.": "pooler.", "classifier.": "classifier."}
    if config["model_type"] == "deberta-v2":
        exit["pooler_activation"] = "gelu"
    if config["model_type"] == "modernbert":
        exit |= {"pooling": config["classifier_pooling"], "pooler_activation": config["classifier_activation"], "pooler_norm": True}
        names = {"head.": "pooler.", "classifier.": "classifier."}
    heads = {"exits.0." + own + n.removeprefix(name): a for name, own in names.items() for n, a in weights.items() if n.startswith(name)}
    return [exit], heads


def read_model(path):
    path = Path(path)
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    if config["model_type"] not in ("bert", "mpnet", "deberta-v2", "modernbert"):
        raise SystemExit(f"{path}: model_type is {config['model_type']}, only bert, mpnet, deberta-v2 and modernbert have peers")
    for key in ("hidden_activation", "classifier_activation") if config["model_type"] == "modernbert" else ("hidden_act",):
        if config[key] != "gelu":
            raise SystemExit(f"{path}: {key} is {config[key]}, only gelu has peers")
    index = path / "model.safetensors.index.json"
    names = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else ["model.safetensors"]
    if config["model_type"] == "deberta-v2":
        deberta.require_released(path, config)
    weights = {name_in_bert(n): a for n, a in read_arrays(path / n for n in names).items()}
    if (path / "exits.json").exists():
        exits = json.loads((path / "exits.json").read_text(encoding="utf-8"))["exits"]
        heads = read_arrays([path / "exits.safetensors"])
    else:
        exits, heads = own_exit(config, weights)
    return ModelDirectory(path, config, exits, weights, heads)
