# SPDX-License-Identifier: Apache-2.0
"""Writes a trained model as an offramp model directory, with golden logits, in F32 or I8; not calibrated yet."""
import argparse
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import data
from exit_model import ExitModel, multiplied_out


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--trained", required=True, help="final.pt of train.py")
    p.add_argument("--encoder", required=True, help="Hugging Face directory the training began with (tokenizer)")
    p.add_argument("--golden", help="texts, one a line, whose logits are stored for verification")
    p.add_argument("--int8", action="store_true", help="store matrices as I8 with one scale per row")
    p.add_argument("--threshold", type=float, help="confidence of the default policy (default: every layer runs)")
    p.add_argument("--max-layer", type=int, help="with --threshold: the default policy goes no deeper than this layer")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--out", required=True)
    return p.parse_args()


def quantize(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Symmetric rounding to int8 per row: weight ~ int8 * scale[row], with the scale of least squared error among some
    that cut off up to a quarter of the largest magnitude."""
    largest = weight.abs().amax(1)
    largest = torch.where(largest > 0, largest, torch.ones_like(largest))
    best, rounded, scales = None, None, None
    for part in np.linspace(1.0, 0.75, 26).tolist():
        scale = largest * part / 127
        candidate = (weight / scale[:, None]).round().clamp(-127, 127)
        error = (candidate * scale[:, None] - weight).square().sum(1)
        if best is None:
            best, rounded, scales = error, candidate, scale
        else:
            better = error < best
            best = torch.where(better, error, best)
            rounded = torch.where(better[:, None], candidate, rounded)
            scales = torch.where(better, scale, scales)
    return rounded.to(torch.int8), scales


def stored_tensors(state: dict, int8: bool, keep: tuple = ()) -> dict:
    out = {}
    for name, value in state.items():
        if int8 and value.dim() == 2 and not name.endswith(keep):
            out[name], out[name + ".scale"] = quantize(value)
        else:
            out[name] = value.contiguous().clone()
    return out


def head_tensors(model: ExitModel) -> dict:
    out = {}
    for j, head in enumerate(model.heads):
        for kind in ("weight", "bias"):
            out[f"exits.{j}.classifier.{kind}"] = getattr(head.classifier, kind).detach()
            if head.pooler is not None:
                name = f"exits.{j}.pooler.dense" if model.settings["pooler"] == "own" else "pooler.dense"
                out[f"{name}.{kind}"] = getattr(head.pooler, kind).detach()
    return out


def set_heads(model: ExitModel, tensors: dict) -> None:
    for name, value in head_tensors(model).items():
        value.copy_(tensors[name])  # detached views share the parameters' memory


def write_json(path: Path, value, **options) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(value, ensure_ascii=False, **options) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def write_tokenizer(encoder: Path, out: Path, max_tokens: int) -> None:
    tokenizer = json.loads((encoder / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["truncation"] = tokenizer["padding"] = None
    write_json(out / "tokenizer.json", tokenizer, separators=(",", ":"))
    config = json.loads((encoder / "tokenizer_config.json").read_text(encoding="utf-8"))
    keep = ("do_lower_case", "strip_accents", "tokenize_chinese_chars", "tokenizer_class",
            "cls_token", "mask_token", "pad_token", "sep_token", "unk_token")
    config = {k: config[k] for k in keep if k in config} | {"model_max_length": max_tokens}
    write_json(out / "tokenizer_config.json", config, indent=2)


def write_config(model: ExitModel, out: Path) -> None:
    labels = model.settings["labels"]
    config = {k: v for k, v in model.encoder.config.to_dict().items()
              if k in ("attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size", "initializer_range",
                       "intermediate_size", "layer_norm_eps", "max_position_embeddings", "num_attention_heads",
                       "num_hidden_layers", "pad_token_id", "relative_attention_num_buckets", "type_vocab_size",
                       "vocab_size")}
    config |= {"architectures": [type(model.encoder).__name__.replace("Model", "ForSequenceClassification")],
               "model_type": model.encoder.config.model_type,
               "id2label": {str(i): name for i, name in enumerate(labels)},
               "label2id": {name: i for i, name in enumerate(labels)}}
    write_json(out / "config.json", config, indent=2, sort_keys=True)


def golden_texts(model: ExitModel, tokenizer, path: str) -> list[dict]:
    lines = [x for x in Path(path).read_text(encoding="utf-8").split("\n") if x]
    golden = []
    for line in lines:
        text = tuple(line.split("\t")) if model.settings["input"] == "pair" else line
        logits = data.predict(model, data.encode(tokenizer, [text], [-1]))[:, 0]
        keys = {"premise": text[0], "hypothesis": text[1]} if model.settings["input"] == "pair" else {"text": text}
        golden.append(keys | {"logits": [[float(f"{x:.7g}") for x in row] for row in logits.tolist()]})
    return golden


def main():
    a = parse_arguments()
    torch.set_num_threads(a.threads)
    torch.set_grad_enabled(False)
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    model = ExitModel.load(a.trained)
    settings = model.settings

    encoder = stored_tensors(model.encoder.state_dict(), a.int8)
    heads = stored_tensors(head_tensors(model), a.int8, keep=("classifier.weight",))
    model.encoder.load_state_dict(multiplied_out(encoder))
    set_heads(model, multiplied_out(heads))
    save_file(encoder, out / "model.safetensors", metadata={"format": "pt"})
    save_file(heads, out / "exits.safetensors", metadata={"format": "pt"})
    write_config(model, out)
    write_tokenizer(Path(a.encoder), out, settings["max_tokens"])

    tokenizer = data.load_tokenizer(a.encoder, settings["max_tokens"])
    description = {
        "format": 1,
        "exits_sha256": hashlib.sha256((out / "exits.safetensors").read_bytes()).hexdigest(),
        "labels": settings["labels"], "input": settings["input"], "max_tokens": settings["max_tokens"],
        "exits": [{"layer": layer, "pooling": settings["pooling"], "pooler": settings["pooler"]}
                  for layer in settings["layers"]],
    }
    if a.threshold is not None:
        description["default_policy"] = {"rule": "confidence", "threshold": a.threshold}
        if a.max_layer is not None:
            description["default_policy"]["max_layer"] = a.max_layer
    if a.golden:
        description["golden"] = golden_texts(model, tokenizer, a.golden)
    write_json(out / "exits.json", description, indent=1)


if __name__ == "__main__":
    main()
