# SPDX-License-Identifier: Apache-2.0
"""Fits the temperatures of bfloat16 and int8 to what the offramp command computes in them, and compares the formats."""
import argparse
import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np

import data
import temperature
from export import early, half_of, write_json

FORMATS = ("float32", "bfloat16", "int8")


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--offramp", required=True, help="the offramp command")
    p.add_argument("--model", required=True, help="model directory; its exits.json gets the temperatures")
    p.add_argument("--dev", required=True, help="the calibration data of export.py: even rows fit temperatures")
    p.add_argument("--test", nargs="*", default=[], help="data to report on; chooses nothing")
    p.add_argument("--labels", nargs="+", required=True, help="labels as written in the data, in label order")
    p.add_argument("--thresholds", nargs="+", type=float, help="default: the model's own")
    return p.parse_args()


def read(path: str, labels: list[str], columns: int) -> tuple[list[str], np.ndarray]:
    rows = data.read_rows(path, columns)
    return ["\t".join(row[1:]) for row in rows], np.array([labels.index(row[0]) for row in rows])


def logits(a, texts: list[str], numeric_format: str) -> np.ndarray:
    """What every exit says of every text: [exits, texts, labels]."""
    command = [a.offramp, "classify", "--model", a.model, "--format", numeric_format, "--threshold", "2", "--trace", "--json",
               "--threads", "2"]
    lines = subprocess.run(command, input="\n".join(texts) + "\n", check=True, stdout=subprocess.PIPE, text=True).stdout
    answers = [json.loads(line) for line in lines.splitlines()]
    return np.array([[exit["logits"] for exit in answer["exits"]] for answer in answers]).transpose(1, 0, 2)


def main():
    a = parse_arguments()
    path = Path(a.model) / "exits.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    columns = 3 if description["input"] == "pair" else 2
    texts, labels = read(a.dev, a.labels, columns)
    for name in FORMATS[1:]:
        z, y = logits(a, texts[::2], name), labels[::2]
        fitted = [round(temperature.fit(x, y), 6) for x in z]
        for exit, value in zip(description["exits"], fitted):
            exit["temperature"][name] = value
        description["calibration"][name] = {
            "data_sha256": hashlib.sha256(half_of(a.dev, 0)).hexdigest(), "n": len(y),
            "exits": [{"nll_before": round(temperature.nll(x, y), 6), "nll_after": round(temperature.nll(x, y, t), 6),
                       "ece_before": round(temperature.ece(x, y), 6), "ece_after": round(temperature.ece(x, y, t), 6)}
                      for x, t in zip(z, fitted)]}
    write_json(path, description, indent=1)

    layers = [exit["layer"] for exit in description["exits"]]
    thresholds = a.thresholds or [description["default_policy"]["threshold"]]
    for file in [a.dev, *a.test]:
        texts, labels = read(file, a.labels, columns)
        reference = None
        for name in FORMATS:
            z = logits(a, texts, name)
            answers = z.argmax(-1)
            reference = answers if reference is None else reference
            print(f"{Path(file).parent.name}/{Path(file).name}, {name}: n {len(labels)}; accuracy per exit",
                  *(f"{(x == labels).mean():.4f}" for x in answers), "; labels as float32's",
                  *(f"{(x == r).mean():.4f}" for x, r in zip(answers, reference)))
            calibrated = np.stack([x / exit["temperature"][name] for x, exit in zip(z, description["exits"])])
            for threshold in thresholds:
                accuracy, layer = early(calibrated, labels, layers, threshold)
                print(f"  threshold {threshold:.3f}: accuracy {accuracy:.4f} mean layer {layer:.3f}")


if __name__ == "__main__":
    main()
