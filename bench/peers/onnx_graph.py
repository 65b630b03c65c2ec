# SPDX-License-Identifier: Apache-2.0
"""Builds the ONNX graph of a model at full depth: the nodes that an export from PyTorch would have, without a mask.

Every text of a call has the same length, so that no peer pays for padding or for a mask over it.
"""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

import deberta
import modernbert


# What the names of DeBERTa's products with positions end with.
BY_POSITION = ("c2p_rows_node", "p2c_rows_node")


class GraphBuilder:
    def __init__(self):
        self.nodes, self.initializers = [], []

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    @staticmethod
    def make_node(kind, inputs, outputs, **attributes):
        return helper.make_node(kind, inputs, outputs, name=outputs[0] + "_node", **attributes)

    def node(self, kind, inputs, name, **attributes):
        self.nodes.append(self.make_node(kind, inputs, [name], **attributes))
        return name

    def linear(self, x, name, weights):
        product = self.node("MatMul", [x, self.constant(name + ".weight", weights[name + ".weight"].T)], name + ".product")
        if name + ".bias" not in weights:
            return product
        return self.node("Add", [product, self.constant(name + ".bias", weights[name + ".bias"])], name + ".sum")

    def layer_norm(self, x, name, weights, epsilon):
        scale = weights[name + ".weight"]
        shift = weights.get(name + ".bias", np.zeros_like(scale))  # ONNX Runtime fuses no norm without
        parameters = [self.constant(name + ".weight", scale), self.constant(name + ".bias", shift)]
        return self.node("LayerNormalization", [x, *parameters], name + ".out", axis=-1, epsilon=epsilon)

    def gelu(self, x, name):
        ratio = self.node("Div", [x, "sqrt_2"], name + ".ratio")
        erf = self.node("Erf", [ratio], name + ".erf")
        shifted = self.node("Add", [erf, "one"], name + ".shifted")
        product = self.node("Mul", [x, shifted], name + ".doubled")
        return self.node("Mul", [product, "half"], name + ".gelu")


def add_embeddings(g, model):
    weights = model.encoder
    rows = g.node("Gather", [g.constant("words", weights["embeddings.word_embeddings.weight"]), "input_ids"], "word_rows")
    if "token_type_ids" in model.inputs:
        types = g.node("Gather", [g.constant("types", weights["embeddings.token_type_embeddings.weight"]), "token_type_ids"],
                       "type_rows")
        rows = g.node("Add", [rows, types], "word_type_rows")
    length = g.node("Shape", ["input_ids"], "length", start=1, end=2)
    if not model.has_positions:
        return g.layer_norm(rows, "embeddings.LayerNorm", weights, model.config["layer_norm_eps"])
    places = weights["embeddings.position_embeddings.weight"][model.first_position:]
    positions = g.node("Slice", [g.constant("positions", places), "zeros", length, "axis_0"], "position_rows")
    rows = g.node("Add", [rows, positions], "embedding_rows")
    return g.layer_norm(rows, "embeddings.LayerNorm", weights, model.config["layer_norm_eps"])


def add_bias(g, model):
    """Cut from a constant, which is less work than an export's, which looks up each distance in each call."""
    if not model.has_attention_bias:
        return None
    axes = [g.constant(f"axis_{axis}", np.array([axis])) for axis in (2, 3)]
    rows = g.node("Slice", [g.constant("bias", model.attention_bias()), "zeros", "length", axes[0]], "bias_rows")
    return g.node("Slice", [rows, "zeros", "length", axes[1]], "bias_of_text")


def add_pairs(g, model):
    """For every head, query and key the row of DeBERTa's table, cut from a constant."""
    axes = g.constant("axes_of_pairs", np.array([2, 3]))
    both = g.node("Concat", ["length", "length"], "lengths", axis=0)
    rows = g.constant("rows_of_pairs", deberta.rows_of_pairs(model.config)[None, None])
    cut = g.node("Slice", [rows, g.constant("two_zeros", np.array([0, 0])), both, axes], "pairs_of_text")
    batch = g.node("Shape", ["input_ids"], "batch_size", start=0, end=1)
    heads = g.constant("head_count", np.array([model.config["num_attention_heads"]]))
    shape = g.node("Concat", [batch, heads, "length", "length"], "shape_of_scores", axis=0)
    return g.node("Expand", [cut, shape], "pairs")


def add_position_scores(g, scores, query, key, prefix, index, model):
    """As an export has it: all rows of the table, whatever the text's length, then those of the pairs. `key`: [..., size,
    tokens]."""
    keys, queries = deberta.project_table(model.config, model.encoder, index)
    by_query = g.node("MatMul", [query, g.constant(prefix + ".keys", keys.transpose(0, 1, 3, 2))], prefix + ".c2p_rows")
    by_query = g.node("GatherElements", [by_query, "pairs"], prefix + ".c2p", axis=3)
    by_key = g.node("Transpose", [key], prefix + ".key_rows", perm=[0, 1, 3, 2])
    by_key = g.node("MatMul", [by_key, g.constant(prefix + ".queries", queries.transpose(0, 1, 3, 2))], prefix + ".p2c_rows")
    by_key = g.node("Transpose", [by_key], prefix + ".p2c_columns", perm=[0, 1, 3, 2])
    by_key = g.node("GatherElements", [by_key, "pairs"], prefix + ".p2c", axis=2)
    return g.node("Add", [scores, g.node("Add", [by_query, by_key], prefix + ".positions")], prefix + ".sum")


def add_attention(g, x, prefix, index, model, bias):
    weights = model.encoder

    def split(part, order):
        rows = g.linear(x, f"{prefix}.self.{part}", weights)
        heads = g.node("Reshape", [rows, "split_shape"], f"{prefix}.{part}.split")
        return g.node("Transpose", [heads], f"{prefix}.{part}.heads", perm=order)

    query, key, value = split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]), split("value", [0, 2, 1, 3])
    scores = g.node("MatMul", [query, key], prefix + ".scores")
    if model.has_relative_table:
        scores = add_position_scores(g, scores, query, key, prefix, index, model)
    scaled = g.node("Div", [scores, "sqrt_head"], prefix + ".scaled")
    if bias:
        scaled = g.node("Add", [scaled, bias], prefix + ".biased")
    weights_of_rows = g.node("Softmax", [scaled], prefix + ".softmax", axis=-1)
    context = g.node("MatMul", [weights_of_rows, value], prefix + ".context")
    context = g.node("Transpose", [context], prefix + ".rows", perm=[0, 2, 1, 3])
    context = g.node("Reshape", [context, "merge_shape"], prefix + ".merged")
    return g.linear(context, prefix + ".output.dense", weights)


def add_layer(g, x, index, model, bias):
    name, weights, epsilon = f"encoder.layer.{index}", model.encoder, model.config["layer_norm_eps"]
    attended = add_attention(g, x, name + ".attention", index, model, bias)
    x = g.layer_norm(g.node("Add", [attended, x], name + ".residual"), name + ".attention.output.LayerNorm", weights, epsilon)
    inner = g.gelu(g.linear(x, name + ".intermediate.dense", weights), name)
    outer = g.linear(inner, name + ".output.dense", weights)
    return g.layer_norm(g.node("Add", [outer, x], name + ".residual_2"), name + ".output.LayerNorm", weights, epsilon)


def add_head(g, x, model):
    """The last exit."""
    j, e = len(model.exits) - 1, model.exits[-1]
    if e.get("mix") or e.get("previous_logits"):
        raise SystemExit("an exit with a mix or with the earlier exits' logits has no ONNX peer")
    if e.get("pooling", "cls") == "cls":
        pooled = g.node("Gather", [x, "first"], "cls_row", axis=1)
    else:
        pooled = g.node("ReduceMean", [x], "mean_row", axes=[1], keepdims=0)
    pooler = {"own": f"exits.{j}.pooler.dense", "shared": "pooler.dense"}.get(e.get("pooler", "none"))
    if pooler:
        dense = g.linear(pooled, pooler, model.heads)
        pooled = g.gelu(dense, "pooled") if e.get("pooler_activation") == "gelu" else g.node("Tanh", [dense], "pooled")
    if e.get("pooler_norm"):
        pooled = g.layer_norm(pooled, f"exits.{j}.pooler.norm", model.heads, model.config["norm_eps"])
    return g.linear(pooled, f"exits.{j}.classifier", model.heads)


def build(model):
    config, g = model.config, GraphBuilder()
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    terms = 3 if model.has_relative_table else 1
    for name, value in (("sqrt_2", np.sqrt(2)), ("one", 1), ("half", 0.5), ("sqrt_head", np.sqrt(terms * hidden / heads))):
        g.constant(name, np.array(value, np.float32))
    for name, value in (("zeros", [0]), ("axis_0", [0]), ("split_shape", [0, 0, heads, hidden // heads]),
                        ("merge_shape", [0, 0, hidden])):
        g.constant(name, np.array(value, np.int64))
    g.constant("first", np.array(0, np.int64))
    layers = model.exits[-1]["layer"]
    if model.is_modernbert:
        x = modernbert.Encoder(g, model).rows(layers)
    else:
        x, bias = add_embeddings(g, model), add_bias(g, model)
        if model.has_relative_table:
            add_pairs(g, model)
        for index in range(layers):
            x = add_layer(g, x, index, model, bias)
    g.node("Identity", [add_head(g, x, model)], "logits")
    ids = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
           for name in model.inputs]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "labels"])
    graph = helper.make_graph(g.nodes, "bert", ids, [logits], g.initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
