# SPDX-License-Identifier: Apache-2.0
"""Writes a trained model as an offramp model directory: calibrated, with golden logits, in F32 or I8."""
import argparse
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import data
import temperature
from exit_model import ExitModel

# The curve's grid; the default threshold is its lowest value within the allowed loss on the threshold half of dev.
GRID = [round(0.5 + 0.005 * i, 3) for i in range(100)]


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--trained", required=True, help="final.pt of train.py")
    p.add_argument("--encoder", required=True, help="Hugging Face directory the training began with (tokenizer)")
    p.add_argument("--dev", required=True, help="calibration data: even rows fit temperatures, odd rows the threshold")
    p.add_argument("--test", help="data to report on; chooses nothing")
    p.add_argument("--labels", nargs="+", required=True, help="labels as written in the data, in label order")
    p.add_argument("--golden", help="texts, one a line, whose logits are stored for verification")
    p.add_argument("--int8", action="store_true", help="store matrices as I8 with one scale per row")
    p.add_argument("--allowed-loss", type=float, default=0.005, help="accuracy lost at the default threshold, of full depth")
    p.add_argument("--mean-layer", type=float, help="instead: the highest default threshold within this mean layer on all of dev")
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


def multiplied_out(stored: dict) -> dict:
    return {
        name: value.float() * stored[name + ".scale"][:, None] if value.dtype == torch.int8 else value
        for name, value in stored.items() if not name.endswith(".scale")
    }


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


def early(z: np.ndarray, labels: np.ndarray, layers: list[int], threshold: float) -> tuple[float, float]:
    """Accuracy and mean layer of the first exit whose top probability reaches the threshold; z: calibrated logits."""
    p = np.exp(np.stack([temperature.log_softmax(x) for x in z]))
    reached = p.max(-1) >= threshold
    reached[-1] = True
    exit_index = reached.argmax(0)
    answer = p.argmax(-1)[exit_index, np.arange(len(labels))]
    return float((answer == labels).mean()), float(np.array(layers)[exit_index].mean())


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
                       "num_hidden_layers", "pad_token_id", "type_vocab_size", "vocab_size")}
    config |= {"architectures": ["BertForSequenceClassification"], "model_type": "bert",
               "id2label": {str(i): name for i, name in enumerate(labels)},
               "label2id": {name: i for i, name in enumerate(labels)}}
    write_json(out / "config.json", config, indent=2, sort_keys=True)


def choose_threshold(a, scaled, logits: np.ndarray, labels: np.ndarray, layers: list[int]) -> float:
    if a.mean_layer:
        return max((t for t in GRID if early(scaled(logits), labels, layers, t)[1] <= a.mean_layer), default=GRID[0])
    choosing, labels = logits[:, 1::2], labels[1::2]
    full = (choosing[-1].argmax(-1) == labels).mean()
    threshold = 1.0
    for candidate in reversed(GRID):  # downwards, stopping at the first that loses too much
        if early(scaled(choosing), labels, layers, candidate)[0] < full - a.allowed_loss - 1e-9:
            break
        threshold = candidate
    return threshold


def half_of(path: str, parity: int) -> bytes:
    lines = Path(path).read_bytes().splitlines(keepends=True)
    return b"".join(lines[parity::2])


def main():
    a = parse_arguments()
    torch.set_num_threads(a.threads)
    torch.set_grad_enabled(False)
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    model = ExitModel.load(a.trained)
    settings, layers = model.settings, model.settings["layers"]

    encoder = stored_tensors(model.encoder.state_dict(), a.int8)
    heads = stored_tensors(head_tensors(model), a.int8, keep=("classifier.weight",))
    model.encoder.load_state_dict(multiplied_out(encoder))
    set_heads(model, multiplied_out(heads))
    save_file(encoder, out / "model.safetensors", metadata={"format": "pt"})
    save_file(heads, out / "exits.safetensors", metadata={"format": "pt"})
    write_config(model, out)
    write_tokenizer(Path(a.encoder), out, settings["max_tokens"])

    tokenizer = data.load_tokenizer(a.encoder, settings["max_tokens"])
    dev = data.read_labelled(a.dev, tokenizer, settings, a.labels)
    logits, labels = data.predict(model, dev).numpy(), np.array(dev.labels)
    fitting, fitting_labels = logits[:, 0::2], labels[0::2]
    choosing, choosing_labels = logits[:, 1::2], labels[1::2]
    t = [round(float(temperature.fit(z, fitting_labels)), 6) for z in fitting]
    scaled = lambda z: z / np.array(t)[:, None, None]
    threshold = choose_threshold(a, scaled, logits, labels, layers)

    golden = []
    if a.golden:
        lines = [x for x in Path(a.golden).read_text(encoding="utf-8").split("\n") if x]
        texts = [tuple(x.split("\t")) if settings["input"] == "pair" else x for x in lines]
        for text in texts:
            one = data.predict(model, data.encode(tokenizer, [text], [-1]))[:, 0]
            keys = {"premise": text[0], "hypothesis": text[1]} if settings["input"] == "pair" else {"text": text}
            golden.append(keys | {"logits": [[float(f"{x:.7g}") for x in row] for row in one.tolist()]})
    calibration = [
        {"nll_before": temperature.nll(z, fitting_labels), "nll_after": temperature.nll(z, fitting_labels, s),
         "ece_before": temperature.ece(z, fitting_labels), "ece_after": temperature.ece(z, fitting_labels, s)}
        for z, s in zip(fitting, t)]
    write_json(out / "exits.json", {
        "format": 1,
        "exits_sha256": hashlib.sha256((out / "exits.safetensors").read_bytes()).hexdigest(),
        "labels": settings["labels"], "input": settings["input"], "pretokenizer": "bert",
        "max_tokens": settings["max_tokens"],
        "exits": [{"layer": layer, "pooling": settings["pooling"], "pooler": settings["pooler"], "mix": False,
                   "previous_logits": False, "temperature": {"float32": s}} for layer, s in zip(layers, t)],
        "default_policy": {"rule": "confidence", "threshold": threshold},
        "calibration": {"float32": {"data_sha256": hashlib.sha256(half_of(a.dev, 0)).hexdigest(), "n": len(fitting_labels),
                                    "exits": [{k: round(v, 6) for k, v in c.items()} for c in calibration]}},
        "certificates": [], "golden": golden}, indent=1)

    sets = {"dev": (logits, labels), "dev, threshold half": (choosing, choosing_labels)}
    if a.test:
        test = data.read_labelled(a.test, tokenizer, settings, a.labels)
        sets["test"] = (data.predict(model, test).numpy(), np.array(test.labels))
    for name, (z, y) in sets.items():
        print(f"{name}: n {len(y)}; accuracy per exit", *(f"{(x.argmax(-1) == y).mean():.4f}" for x in z))
        for point in sorted({0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, threshold}):
            accuracy, layer = early(scaled(z), y, layers, point)
            print(f"  threshold {point:.3f}: accuracy {accuracy:.4f} mean layer {layer:.3f}" + " *" * (point == threshold))
    print("temperatures", t)


if __name__ == "__main__":
    main()
