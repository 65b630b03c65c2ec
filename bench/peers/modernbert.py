# SPDX-License-Identifier: Apache-2.0
"""ModernBERT for the peers: its encoder as ONNX nodes, as an export would have them without padding, and in PyTorch."""
import numpy as np
import torch
import torch.nn.functional as F

import torch_peer

TOKENS = 1024  # the longest text that the graph's constants serve


def layer_kinds(config):
    """Of each layer: (whether it sees a window only, the base of its rotations)."""
    types = config.get("layer_types") or ["full_attention" if i % config.get("global_attn_every_n_layers", 3) == 0 else
                                          "sliding_attention" for i in range(config["num_hidden_layers"])]
    bases = {"full_attention": config.get("global_rope_theta", 160000.0), "sliding_attention": config.get("local_rope_theta", 10000.0)}
    bases |= {kind: fields["rope_theta"] for kind, fields in (config.get("rope_parameters") or {}).items()}
    return [(kind == "sliding_attention", float(bases[kind])) for kind in types]


def rotations(base, size, tokens):
    """Cosines and sines, [tokens, size] each."""
    frequencies = 1 / np.float32(base) ** (np.arange(0, size, 2, dtype=np.float32) / np.float32(size))
    angles = np.arange(tokens, dtype=np.float32)[:, None] * np.concatenate([frequencies, frequencies])
    return np.cos(angles), np.sin(angles)


def window(config, tokens):
    """What is added to the scores: [tokens, tokens]."""
    distance = np.abs(np.arange(tokens)[:, None] - np.arange(tokens))
    return np.where(distance <= config.get("local_attention", 128) // 2, 0, np.finfo(np.float32).min).astype(np.float32)


class Encoder:
    """Adds the nodes to a graph under construction."""

    def __init__(self, graph, model):
        self.g, self.config, self.weights = graph, model.config, model.encoder
        self.size = self.config["hidden_size"] // self.config["num_attention_heads"]

    def rows(self, layers):
        """The rows of the last of them, as exits read them."""
        g = self.g
        x = g.node("Gather", [g.constant("words", self.weights["embeddings.tok_embeddings.weight"]), "input_ids"], "word_rows")
        x = self.norm(x, "embeddings.norm")
        g.node("Shape", ["input_ids"], "length", start=1, end=2)
        kinds = layer_kinds(self.config)[:layers]
        turns = {base: [self.beginning(g.constant(f"{name}_{base}", table.astype(np.float32)), 0) for name, table in
                        zip(("cosines", "sines"), rotations(base, self.size, TOKENS))] for base in sorted({b for _, b in kinds})}
        seen = self.beginning(self.beginning(g.constant("window", window(self.config, TOKENS)), 0), 1)
        for i, (is_local, base) in enumerate(kinds):
            name = f"layers.{i}."
            attended = self.attention(self.norm(x, name + "attn_norm") if i else x, name + "attn", turns[base], seen if is_local else None)
            x = g.node("Add", [x, attended], name + "attended")
            inner, gate = (f"{name}mlp.{part}" for part in ("inner", "gate"))
            g.nodes.append(g.make_node("Split", [g.linear(self.norm(x, name + "mlp_norm"), name + "mlp.Wi", self.weights)],
                                       [inner, gate], axis=-1))
            gated = g.node("Mul", [g.gelu(inner, name + "mlp"), gate], name + "mlp.gated")
            x = g.node("Add", [x, g.linear(gated, name + "mlp.Wo", self.weights)], name + "out")
        return self.norm(x, "final_norm")

    def norm(self, x, name):
        return self.g.layer_norm(x, name, self.weights, self.config["norm_eps"])

    def beginning(self, table, axis):
        name = self.g.constant(f"{table}.axis", np.array([axis])) if axis else "axis_0"
        return self.g.node("Slice", [table, "zeros", "length", name], f"{table}.cut")

    def turned(self, x, turns):
        """[..., tokens, size]"""
        halves = [f"{x}.low", f"{x}.high"]
        self.g.nodes.append(self.g.make_node("Split", [x], halves, axis=-1))
        rotated = self.g.node("Concat", [self.g.node("Neg", [halves[1]], f"{x}.negative"), halves[0]], f"{x}.rotated", axis=-1)
        return self.g.node("Add", [self.g.node("Mul", [x, turns[0]], f"{x}.by_cosines"),
                                   self.g.node("Mul", [rotated, turns[1]], f"{x}.by_sines")], f"{x}.turned")

    def attention(self, x, name, turns, seen):
        g = self.g
        parts = [f"{name}.{part}" for part in ("q", "k", "v")]
        g.nodes.append(g.make_node("Split", [g.linear(x, name + ".Wqkv", self.weights)], parts, axis=-1))
        q, k, v = (g.node("Transpose", [g.node("Reshape", [part, "split_shape"], part + ".split")], part + ".heads", perm=[0, 2, 1, 3])
                   for part in parts)
        k = g.node("Transpose", [self.turned(k, turns)], name + ".k.columns", perm=[0, 1, 3, 2])
        scores = g.node("Div", [g.node("MatMul", [self.turned(q, turns), k], name + ".scores"), "sqrt_head"], name + ".scaled")
        if seen:
            scores = g.node("Add", [scores, seen], name + ".within")
        context = g.node("MatMul", [g.node("Softmax", [scores], name + ".softmax", axis=-1), v], name + ".context")
        context = g.node("Transpose", [context], name + ".rows", perm=[0, 2, 1, 3])
        return g.linear(g.node("Reshape", [context, "merge_shape"], name + ".merged"), name + ".Wo", self.weights)


class ModernBert(torch_peer.EarlyExitBert):
    """At full depth."""

    def __init__(self, model):
        super().__init__(model)
        self.weights = {name: torch.from_numpy(array) for name, array in model.encoder.items()}
        self.kinds = layer_kinds(self.config)
        size = self.config["hidden_size"] // self.config["num_attention_heads"]
        self.turns = {base: [torch.from_numpy(table.astype(np.float32)) for table in rotations(base, size, TOKENS)]
                      for base in {b for _, b in self.kinds}}
        self.window = torch.from_numpy(window(self.config, TOKENS))

    @staticmethod
    def layer_weights(weights, index):
        return {}

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.weights[name + ".weight"], self.weights.get(name + ".bias"), self.config["norm_eps"])

    def linear(self, x, name):
        return F.linear(x, self.weights[name + ".weight"], self.weights.get(name + ".bias"))

    def attention(self, x, name, base, is_local):
        batch, tokens, hidden = x.shape
        heads = self.config["num_attention_heads"]
        q, k, v = self.linear(x, name + ".Wqkv").view(batch, tokens, 3, heads, hidden // heads).permute(2, 0, 3, 1, 4)
        cosines, sines = (table[:tokens] for table in self.turns[base])
        turned = lambda y: y * cosines + torch.cat(torch.chunk(y, 2, -1)[::-1], -1) * torch.cat(
            [-sines[:, : sines.shape[1] // 2], sines[:, sines.shape[1] // 2 :]], -1)
        seen = self.window[:tokens, :tokens] if is_local else None
        context = F.scaled_dot_product_attention(turned(q), turned(k), v, seen)
        return self.linear(context.transpose(1, 2).reshape(batch, tokens, hidden), name + ".Wo")

    def full_depth(self, ids, type_ids):
        x = self.norm(F.embedding(ids, self.weights["embeddings.tok_embeddings.weight"]), "embeddings.norm")
        for i, (is_local, base) in enumerate(self.kinds[: self.exits[-1]["layer"]]):
            x = x + self.attention(self.norm(x, f"layers.{i}.attn_norm") if i else x, f"layers.{i}.attn", base, is_local)
            inner, gate = self.linear(self.norm(x, f"layers.{i}.mlp_norm"), f"layers.{i}.mlp.Wi").chunk(2, -1)
            x = x + self.linear(F.gelu(inner) * gate, f"layers.{i}.mlp.Wo")
        x = self.norm(x, "final_norm")
        e, j = self.exits[-1], len(self.exits) - 1
        p = x[:, 0] if e.get("pooling", "cls") == "cls" else x.mean(1)
        if e.get("pooler", "none") == "own":
            p = F.linear(p, self.heads[f"exits.{j}.pooler.dense.weight"], self.heads.get(f"exits.{j}.pooler.dense.bias"))
            p = torch.tanh(p) if e.get("pooler_activation", "tanh") == "tanh" else F.gelu(p)
            if e.get("pooler_norm"):
                p = F.layer_norm(p, p.shape[-1:], self.heads[f"exits.{j}.pooler.norm.weight"],
                                 self.heads.get(f"exits.{j}.pooler.norm.bias"), self.config["norm_eps"])
        return F.linear(p, self.heads[f"exits.{j}.classifier.weight"], self.heads[f"exits.{j}.classifier.bias"])
