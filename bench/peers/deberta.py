# SPDX-License-Identifier: Apache-2.0
"""What DeBERTa-v3's attention adds to BERT's: scores by relative position. The released shape alone: c2p and p2c through the
layer's own projections, buckets, a normalized table, neither absolute positions nor token types."""
import numpy as np

RELEASED = {"relative_attention": True, "share_att_key": True, "norm_rel_ebd": "layer_norm", "position_biased_input": False,
            "type_vocab_size": 0}
NAMES = {"query_proj.": "query.", "key_proj.": "key.", "value_proj.": "value."}


def require_released(path, config):
    kinds = config["pos_att_type"]
    if sorted(kinds.split("|") if isinstance(kinds, str) else kinds) != ["c2p", "p2c"] or config["position_buckets"] < 1:
        raise SystemExit(f"{path}: only c2p and p2c with buckets have peers")
    for key, value in RELEASED.items():
        if config.get(key) != value:
            raise SystemExit(f"{path}: {key} is {config.get(key)}, only {value} has peers")


def rows_of_pairs(config):
    """The row of the table for a query (first axis) and a key, in texts of the most tokens."""
    tokens, buckets = config["max_position_embeddings"], config["position_buckets"]
    longest = config["max_relative_positions"] if config["max_relative_positions"] > 0 else tokens
    middle = buckets // 2
    distance = np.arange(tokens)[:, None] - np.arange(tokens)
    length = np.maximum(np.abs(distance), middle).astype(np.float32)
    logarithm = np.log(length / np.float32(middle)) / np.log(np.float32((longest - 1) / middle)) * np.float32(middle - 1)
    far = np.sign(distance) * (np.ceil(logarithm).astype(np.int64) + middle)
    return np.clip(np.where(np.abs(distance) <= middle, distance, far) + buckets, 0, 2 * buckets - 1)


def project_table(config, weights, index):
    """The table as layer `index` projects it: keys and queries, each [1, heads, rows, size]."""
    table = weights["encoder.rel_embeddings.weight"]
    table = (table - table.mean(1, keepdims=True)) / np.sqrt(table.var(1, keepdims=True) + config["layer_norm_eps"])
    table = table * weights["encoder.LayerNorm.weight"] + weights["encoder.LayerNorm.bias"]

    def project(part):
        name = f"encoder.layer.{index}.attention.self.{part}"
        rows = table @ weights[name + ".weight"].T + weights[name + ".bias"]
        heads = rows.reshape(len(rows), config["num_attention_heads"], -1)
        return np.ascontiguousarray(heads.transpose(1, 0, 2)[None]).astype(np.float32)

    return project("key"), project("query")
