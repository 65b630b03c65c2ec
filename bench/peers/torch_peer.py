# SPDX-License-Identifier: Apache-2.0
"""BERT with exits in PyTorch's eager mode: at full depth, and as the early-exit loop that a reader of the papers runs.

Written with torch.nn.functional alone: the module classes of other packages would only add time.
"""
import math

import torch
import torch.nn.functional as F

import deberta

class EarlyExitBert:
    def __init__(self, model, temperatures=None):
        torch.set_grad_enabled(False)
        self.config, self.exits = model.config, model.exits
        self.heads = {name: torch.from_numpy(array) for name, array in model.heads.items()}
        weights = {name: torch.from_numpy(array) for name, array in model.encoder.items()}
        self.embeddings = {name.removeprefix("embeddings."): w for name, w in weights.items() if name.startswith("embeddings.")}
        self.inputs, self.first_position = model.inputs, model.first_position
        self.bias = torch.from_numpy(model.attention_bias()) if model.has_attention_bias else None
        self.layers = [self.layer_weights(weights, i) for i in range(model.layers)]
        if model.has_relative_table:
            self.pairs = torch.from_numpy(deberta.rows_of_pairs(self.config))[None, None]
            for i, w in enumerate(self.layers):
                w["positions"] = [torch.from_numpy(rows) for rows in deberta.project_table(self.config, model.encoder, i)]
        self.exit_at = {e["layer"]: j for j, e in enumerate(self.exits)}
        self.temperatures = temperatures or [e.get("temperature", {}).get("float32", 1.0) for e in self.exits]
        # A mix runs over the layers so far; the reader guarantees that all mixes see the same pooled states.
        self.mixing = next((j for j, e in enumerate(self.exits) if e.get("mix")), None)

    @staticmethod
    def layer_weights(weights, index):
        prefix = f"encoder.layer.{index}."
        w = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        for kind in ("weight", "bias"):
            w["qkv." + kind] = torch.cat([w.pop(f"attention.self.{part}.{kind}") for part in ("query", "key", "value")])
        return w

    def norm(self, x, weights, name):
        return F.layer_norm(x, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], self.config["layer_norm_eps"])

    def embed(self, ids, type_ids):
        e = self.embeddings
        rows = F.embedding(ids, e["word_embeddings.weight"])
        if "token_type_ids" in self.inputs:
            rows = rows + F.embedding(type_ids, e["token_type_embeddings.weight"])
        if "position_embeddings.weight" not in e:
            return self.norm(rows, e, "LayerNorm")
        return self.norm(rows + e["position_embeddings.weight"][self.first_position:][: ids.shape[1]], e, "LayerNorm")

    def encode(self, x, w):
        batch, tokens, hidden = x.shape
        heads = self.config["num_attention_heads"]
        qkv = F.linear(x, w["qkv.weight"], w["qkv.bias"]).view(batch, tokens, 3, heads, hidden // heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        bias = None if self.bias is None else self.bias[:, :, :tokens, :tokens]
        if "positions" in w:
            q, bias = self.with_positions(q, k, *w["positions"])
        context = F.scaled_dot_product_attention(q, k, v, bias).transpose(1, 2).reshape(batch, tokens, hidden)
        attended = F.linear(context, w["attention.output.dense.weight"], w["attention.output.dense.bias"])
        x = self.norm(attended + x, w, "attention.output.LayerNorm")
        inner = F.gelu(F.linear(x, w["intermediate.dense.weight"], w["intermediate.dense.bias"]))
        return self.norm(F.linear(inner, w["output.dense.weight"], w["output.dense.bias"]) + x, w, "output.LayerNorm")

    def with_positions(self, q, k, keys, queries):
        """DeBERTa's queries, scaled for three terms instead of one, and what positions add to the scaled scores."""
        tokens = q.shape[2]
        pairs = self.pairs[:, :, :tokens, :tokens].expand(*q.shape[:2], -1, -1)
        scale = 1 / math.sqrt(3 * q.shape[-1])
        by_query = (q @ keys.transpose(2, 3)).gather(3, pairs)
        by_key = (k @ queries.transpose(2, 3)).transpose(2, 3).gather(2, pairs)
        return q / math.sqrt(3), (by_query + by_key) * scale

    def pool(self, x, j):
        """What exit j's classifier sees of one layer: [batch, hidden]."""
        e = self.exits[j]
        p = x[:, 0] if e.get("pooling", "cls") == "cls" else x.mean(1)
        name = {"own": f"exits.{j}.pooler.dense", "shared": "pooler.dense"}.get(e.get("pooler", "none"))
        if not name:
            return p
        dense = F.linear(p, self.heads[name + ".weight"], self.heads[name + ".bias"])
        return F.gelu(dense) if e.get("pooler_activation") == "gelu" else torch.tanh(dense)

    def head(self, x, j, pooled_layers, previous):
        """Logits before the temperature; `previous` are the earlier exits', after theirs."""
        e = self.exits[j]
        if e.get("mix"):
            m = torch.einsum("l,lbh->bh", self.heads[f"exits.{j}.mix"], torch.stack(pooled_layers))
        else:
            m = self.pool(x, j)
        if e.get("previous_logits"):
            m = torch.cat([m, *previous], -1)
        return F.linear(m, self.heads[f"exits.{j}.classifier.weight"], self.heads[f"exits.{j}.classifier.bias"])

    def visit(self, ids, type_ids):
        """Yields (exit, logits) from layer to layer; the layers above run when the next one is asked for."""
        x, pooled_layers, previous = self.embed(ids, type_ids), [], []
        for layer in range(1, self.exits[-1]["layer"] + 1):
            x = self.encode(x, self.layers[layer - 1])
            if self.mixing is not None:
                pooled_layers.append(self.pool(x, self.mixing))
            if layer in self.exit_at:
                j = self.exit_at[layer]
                logits = self.head(x, j, pooled_layers, previous)
                previous.append(logits / self.temperatures[j])
                yield j, logits

    def full_depth(self, ids, type_ids):
        """Logits of the last exit. Earlier heads run only where it needs them."""
        if self.mixing is None and not self.exits[-1].get("previous_logits"):
            x = self.embed(ids, type_ids)
            for w in self.layers[: self.exits[-1]["layer"]]:
                x = self.encode(x, w)
            return self.head(x, len(self.exits) - 1, [], [])
        *_, (_, logits) = self.visit(ids, type_ids)
        return logits

    def early_exit(self, ids, type_ids, threshold, max_layer):
        """(layer, label, confidences of the exits visited) of one text, which leaves at `max_layer`, an exit's, at the latest."""
        confidences = []
        for j, logits in self.visit(ids, type_ids):
            probabilities = torch.softmax(logits[0] / self.temperatures[j], -1)
            confidence, label = probabilities.max(-1)
            confidences.append(float(confidence))
            if confidences[-1] >= threshold or self.exits[j]["layer"] == max_layer:
                return self.exits[j]["layer"], int(label), confidences
