# SPDX-License-Identifier: Apache-2.0
"""Exports a model directory at full depth to every ONNX form that could be the fastest: the plain graph, ONNX Runtime's
fused graph, and dynamic int8 of both, per tensor and per channel."""
import argparse
import collections
import hashlib
import logging
import tempfile
from pathlib import Path

import onnx
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions

import onnx_graph
from model_directory import read_model

# name -> file; the names say format and graph
FLOAT32 = {"plain": "plain.onnx", "fused": "fused.onnx"}
INT8 = {f"{graph}-{granularity}": f"{graph}-int8-{granularity}.onnx"
        for graph in FLOAT32 for granularity in ("tensor", "channel")}


def count_nodes(path):
    return collections.Counter(node.op_type for node in onnx.load(path, load_external_data=False).graph.node)


def require_nodes(path, **expected):
    """Ends the program when a fusion or a quantization did not happen: a slower peer would be measured in its place."""
    found = count_nodes(path)
    for kind, count in expected.items():
        if found[kind] < count:
            raise SystemExit(f"{path}: {found[kind]} nodes {kind}, expected {count}; it has {dict(found)}")
    return found


def has_usual_attention(model):
    """Which the fusion of attention knows."""
    return not model.has_attention_bias and not model.has_relative_table


def fuse(plain, fused, model):
    options = FusionOptions("bert")
    options.enable_gelu_approximation = False
    optimized = optimizer.optimize_model(str(plain), model_type="bert", num_heads=model.config["num_attention_heads"],
                                         hidden_size=model.config["hidden_size"], optimization_options=options, opt_level=0)
    optimized.save_model_to_file(str(fused))
    layers = model.exits[-1]["layer"]
    if model.is_modernbert:  # of which ONNX Runtime's fusions for BERT know the norms and GELU
        require_nodes(fused, SkipLayerNormalization=2 * layers - 1, Gelu=layers)
        return
    attention = layers if has_usual_attention(model) else 0
    found = require_nodes(fused, Attention=attention, SkipLayerNormalization=2 * layers)
    in_head = 1 if model.exits[-1].get("pooler_activation") == "gelu" else 0
    if found["BiasGelu"] + found["Gelu"] != layers + in_head:
        raise SystemExit(f"{fused}: GELU was not fused; it has {dict(found)}")


def quantize(source, target, per_channel, model):
    layers = model.exits[-1]["layer"]
    with tempfile.TemporaryDirectory() as scratch:
        # Shape inference gives the quantizer the types that it asks for.
        inferred = Path(scratch) / "inferred.onnx"
        onnx.shape_inference.infer_shapes_path(str(source), str(inferred))
        # Per channel, ONNX Runtime does not run products with a constant of four dimensions.
        left = [node.name for node in onnx.load(inferred).graph.node if per_channel and node.name.endswith(onnx_graph.BY_POSITION)]
        quantize_dynamic(str(inferred), str(target), op_types_to_quantize=["MatMul", "Attention"], per_channel=per_channel,
                         weight_type=QuantType.QInt8, nodes_to_exclude=left, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
    if model.is_modernbert:
        require_nodes(target, MatMulInteger=4 * layers)
    elif source.name == FLOAT32["fused"] and has_usual_attention(model):
        require_nodes(target, QAttention=layers, MatMulInteger=3 * layers)
    else:
        require_nodes(target, MatMulInteger=6 * layers)


def digest(directory):
    """Of everything that the graphs depend on: the model's files and these scripts."""
    files = sorted(f for f in Path(directory).iterdir() if f.suffix in (".safetensors", ".json"))
    files += sorted(Path(__file__).parent.glob("*onnx*.py"))
    total = hashlib.sha256(onnxruntime.__version__.encode())
    for file in files:
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def write(path, make):
    """Calls make with another name and renames: an interrupted export leaves no half of a file."""
    unfinished = path.with_name("unfinished-" + path.name)
    make(unfinished)
    unfinished.replace(path)


def export(directory, out):
    """Writes what is not there yet, everything when it was made from something else."""
    model, out = read_model(directory), Path(out)
    out.mkdir(parents=True, exist_ok=True)
    made_from, current = out / "made-from.txt", digest(directory)
    if not made_from.exists() or made_from.read_text() != current:
        for file in (FLOAT32 | INT8).values():
            (out / file).unlink(missing_ok=True)
        made_from.write_text(current)
    logging.getLogger().setLevel(logging.ERROR)
    plain, fused = (out / FLOAT32[name] for name in ("plain", "fused"))
    if not plain.exists():
        write(plain, lambda path: onnx.save(onnx_graph.build(model), path))
    if not fused.exists():
        write(fused, lambda path: fuse(plain, path, model))
    for name, file in INT8.items():
        graph, granularity = name.split("-")
        source = out / FLOAT32[graph]
        if not (out / file).exists():
            write(out / file, lambda path: quantize(source, path, granularity == "channel", model))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model", type=Path, help="offramp model directory")
    p.add_argument("out", type=Path, help="directory for the .onnx files; those already there are kept")
    a = p.parse_args()
    export(a.model, a.out)
    for file in (FLOAT32 | INT8).values():
        print(file, dict(count_nodes(a.out / file)))


if __name__ == "__main__":
    main()
