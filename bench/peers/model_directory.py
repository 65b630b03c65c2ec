# SPDX-License-Identifier: Apache-2.0
"""Reads an offramp model directory into float32 arrays."""
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.torch import load_file


@dataclass
class ModelDirectory:
    path: Path
    config: dict
    exits: list  # as in exits.json
    encoder: dict  # name without a leading "bert." -> array
    heads: dict  # name as in exits.safetensors -> array

    @property
    def layers(self):
        return self.config["num_hidden_layers"]

    @property
    def linear_parameters(self):
        """Weights of the encoder's linear layers, up to the last exit."""
        hidden, intermediate = self.config["hidden_size"], self.config["intermediate_size"]
        return self.exits[-1]["layer"] * (4 * hidden * hidden + 2 * hidden * intermediate)

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


def old_norm_names(name):
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def read_model(path):
    path = Path(path)
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    if config["hidden_act"] != "gelu":
        raise SystemExit(f"{path}: hidden_act is {config['hidden_act']}, only gelu has peers")
    index = path / "model.safetensors.index.json"
    names = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else ["model.safetensors"]
    weights = {old_norm_names(n).removeprefix("bert."): a for n, a in read_arrays(path / n for n in names).items()}
    if (path / "exits.json").exists():
        exits = json.loads((path / "exits.json").read_text(encoding="utf-8"))["exits"]
        heads = read_arrays([path / "exits.safetensors"])
    else:
        exits = [{"layer": config["num_hidden_layers"], "pooler": "own"}]
        heads = {"exits.0." + n: a for n, a in weights.items() if n.startswith(("pooler.", "classifier."))}
    return ModelDirectory(path, config, exits, weights, heads)
