# SPDX-License-Identifier: Apache-2.0
"""Turns PyTorch pickles (.bin, .th, .pt, a sharded index) into safetensors, which offramp reads.

    python convert.py bert-sst2/pytorch_model.bin --out bert-sst2    # one file
    python convert.py bert-sst2 --out bert-sst2-safetensors          # a directory: its other files are copied

Pickles are loaded as weights only, in the zip container as in the older one: a file that holds anything else, such as code to
run, is refused. Tensors that share memory are written once for each name; float64 becomes float32.
"""
import argparse
import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

INDEX = "pytorch_model.bin.index.json"
WEIGHTS = ("pytorch_model.bin", "weights.th", "model.pt")
COPIED = ("*.json", "*.txt", "*.model", "vocabulary/*.txt")
WRAPPERS = ("state_dict", "model_state_dict", "model")


class Refused(Exception):
    """The input is not what this script converts; the message says why."""


def is_state(value) -> bool:
    return isinstance(value, dict) and bool(value) and all(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items())


def unwrap(content, path: Path) -> dict[str, torch.Tensor]:
    """The tensors by name: the pickle itself, or what training loops keep beside the optimizer's state."""
    found = [content] if is_state(content) else [
        content[k] for k in WRAPPERS if isinstance(content, dict) and is_state(content.get(k))]
    if len(found) != 1:
        keys = sorted(map(str, content))[:8] if isinstance(content, dict) else type(content).__name__
        raise Refused(f"{path}: found {keys}, expected tensors by name, or those in one of {', '.join(WRAPPERS)}")
    state = found[0]
    if all(name.startswith("module.") for name in state):  # torch.nn.DataParallel
        state = {name.removeprefix("module."): value for name, value in state.items()}
    return state


def read_pickle(path: Path) -> dict[str, torch.Tensor]:
    """Each tensor in memory of its own, as safetensors wants it."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as failure:
        raise Refused(f"{path}: {failure.strerror}") from None
    except Exception as failure:  # what an unpickler throws at bytes that are no pickle is anything
        reason = (str(failure) or type(failure).__name__).splitlines()[0]
        raise Refused(f"{path}: is no pickle of weights alone: {reason}") from None
    tensors = {}
    for name, value in unwrap(content, path).items():
        if value.layout != torch.strided or value.is_quantized or value.is_complex():
            raise Refused(f"{path}: tensor {name} is sparse, quantized or complex, expected a dense one of real numbers")
        value = value.detach().to(torch.float32 if value.dtype == torch.float64 else value.dtype)
        tensors[name] = value.clone(memory_format=torch.contiguous_format)
    return tensors


def write_safetensors(tensors: dict[str, torch.Tensor], path: Path):
    """Renamed when it is whole, so that an interrupted run leaves no half file under that name."""
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, metadata={"format": "pt"})
    part.rename(path)


def read_weight_map(index: Path) -> dict[str, str]:
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    except (ValueError, KeyError, TypeError):
        weight_map = None
    if not isinstance(weight_map, dict) or not weight_map:
        raise Refused(f"{index}: expected a JSON object with a weight_map of tensors to files")
    return weight_map


def plain_name(name, index: Path) -> str:
    if not isinstance(name, str) or Path(name).name != name or not name.endswith(".bin"):
        raise Refused(f"{index}: shard {name!r}, expected the plain name of a .bin file in the same directory")
    return name


def convert_shards(index: Path, out: Path):
    """Shard by shard, so that one of them is in memory at a time."""
    weight_map = read_weight_map(index)
    names, written = {}, {}
    for shard in sorted({plain_name(name, index) for name in weight_map.values()}):
        tensors = read_pickle(index.parent / shard)
        missing = {name for name, file in weight_map.items() if file == shard} - tensors.keys()
        twice = tensors.keys() & written.keys()
        if missing or twice:
            raise Refused(f"{index.parent / shard}: tensor {min(missing or twice)} "
                          + ("is missing, expected by the index" if missing else f"stands in {written[min(twice)]} too"))
        written |= dict.fromkeys(tensors, shard)
        target = shard.removeprefix("pytorch_").removesuffix(".bin") + ".safetensors"
        write_safetensors(tensors, out / target)
        names |= dict.fromkeys(tensors, target)
    content = json.dumps({"metadata": {}, "weight_map": names}, indent=1) + "\n"
    (out / "model.safetensors.index.json").write_text(content, encoding="utf-8")


def copy_others(source: Path, out: Path):
    for pattern in COPIED:
        for path in source.glob(pattern):
            target = out / path.relative_to(source)
            if path.name != INDEX and not target.exists():
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, target)


def convert(source: Path, out: Path):
    for name in ("model.safetensors", "model.safetensors.index.json"):
        if (out / name).exists() or (source / name).exists():
            raise Refused(f"{(source if (source / name).exists() else out) / name}: exists already")
    index = source / INDEX if source.is_dir() else source
    out.mkdir(parents=True, exist_ok=True)
    if index.name.endswith(".index.json") and index.exists():
        convert_shards(index, out)
    else:
        found = [source / name for name in WEIGHTS if (source / name).exists()] if source.is_dir() else [source]
        if len(found) != 1:
            raise Refused(f"{source}: {len(found)} of {', '.join(WEIGHTS)}, expected one of them or {INDEX}")
        write_safetensors(read_pickle(found[0]), out / "model.safetensors")
    if source.is_dir():
        copy_others(source, out)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("source", type=Path, help="a pickle, an index of shards, or a directory that holds one of them")
    p.add_argument("--out", type=Path, required=True, help="directory for model.safetensors")
    a = p.parse_args()
    try:
        convert(a.source, a.out)
    except Refused as refusal:
        sys.exit(f"convert.py: {refusal}")


if __name__ == "__main__":
    main()
