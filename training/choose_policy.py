# SPDX-License-Identifier: Apache-2.0
"""Chooses a confidence threshold for each exit of a model and stores them as its default policy.

How thresholds differ from exit to exit is chosen on unlabelled texts that trained nothing; how low they are, on labelled
ones: the policy with the fewest layers that keeps both the accuracy of the reference, one threshold for the exits behind the
encoder's layers, and its expected accuracy, which is how likely full depth thinks the answers (less noisy than labels, where
these are few).
"""
import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from every_exit import every_exit

GRID = [*np.arange(30, 50) / 50, 1.0]
PRICES = [0.002 * step for step in range(1, 13)]  # of a layer, in accuracy


@dataclass
class Answers:
    """What every exit says of every text."""
    confidences: np.ndarray  # [texts, exits]
    labels: np.ndarray  # [texts, exits]
    last: np.ndarray  # [texts, exits], the last exit's probability of each exit's answer
    layers: np.ndarray  # [exits]


def read_lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").rstrip("\n").split("\n")


def ask(a, texts: list[str]) -> Answers:
    exits = list(every_exit(a.offramp, a.model, texts, a.format))
    probabilities = np.array([[exit["probabilities"] for exit in text] for text in exits])
    labels = probabilities.argmax(-1)
    return Answers(probabilities.max(-1), labels, np.take_along_axis(probabilities[:, -1], labels, 1),
                   np.array([exit["layer"] for exit in exits[0]]))


def leave(answers: Answers, thresholds: list[float], deepest: int) -> np.ndarray:
    """The exit [texts] at which each text leaves."""
    leaves = answers.confidences[:, :deepest + 1] >= np.array(thresholds[:deepest + 1])
    leaves[:, deepest] = True
    return leaves.argmax(1)


def at(values: np.ndarray, exits: np.ndarray) -> np.ndarray:
    return np.take_along_axis(values, exits[:, None], 1)[:, 0]


def best_for(answers: Answers, price: float, deepest: int) -> list[float]:
    """The thresholds with the highest expected accuracy less the price of the layers, one exit after another."""
    thresholds = [0.9] * answers.confidences.shape[1]

    def gain(exit: int, threshold: float) -> float:
        tried = [*thresholds[:exit], threshold, *thresholds[exit + 1:]]
        exits = leave(answers, tried, deepest)
        return (at(answers.last, exits) - price * answers.layers[exits]).mean()

    for _ in range(3):
        for exit in range(deepest):
            thresholds[exit] = max(GRID, key=lambda threshold: gain(exit, threshold))
    return thresholds


def store(model: Path, thresholds: list[float], max_layer: int):
    path = model / "exits.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["default_policy"] = {"rule": "per_exit", "thresholds": [round(t, 4) for t in thresholds], "max_layer": max_layer}
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--offramp", required=True, help="the offramp command")
    p.add_argument("--model", required=True)
    p.add_argument("--texts", help="unlabelled texts, one a line; without, the labelled ones do both")
    p.add_argument("--data", required=True, help="labelled texts")
    p.add_argument("--labels", nargs="+", required=True, help="labels as written in the data, in label order")
    p.add_argument("--format", default="float32")
    p.add_argument("--reference", type=float, required=True, help="one threshold for all exits but that before the encoder")
    p.add_argument("--max-layer", type=int, required=True, help="of the policy and of the reference")
    p.add_argument("--allow", type=float, default=0.0, help="accuracy that may be lost against the reference")
    a = p.parse_args()
    rows = [line.split("\t") for line in read_lines(a.data)]
    labelled = ask(a, [row[1] for row in rows])
    right = labelled.labels == np.array([a.labels.index(row[0]) for row in rows])[:, None]
    shape = ask(a, read_lines(a.texts)) if a.texts else labelled
    deepest = int(np.flatnonzero(labelled.layers <= a.max_layer)[-1])

    def measure(thresholds: list[float]) -> tuple[float, float, float]:
        exits = leave(labelled, thresholds, deepest)
        return at(right, exits).mean(), at(labelled.last, exits).mean(), labelled.layers[exits].mean()

    reference = [2.0 if layer == 0 else a.reference for layer in labelled.layers]
    least, least_expected, layers = measure(reference)
    print(f"reference: accuracy {least:.4f}, expected {least_expected:.4f}, mean layer {layers:.3f}")
    chosen = None
    for price in PRICES:
        thresholds = best_for(shape, price, deepest)
        accuracy, expected, layers = measure(thresholds)
        keeps = accuracy >= least - a.allow and expected >= least_expected - a.allow
        print(f"price {price:.3f}: {[round(float(t), 2) for t in thresholds[:deepest]]} accuracy {accuracy:.4f}, expected "
              f"{expected:.4f}, mean layer {layers:.3f}{'' if keeps else ', loses too much'}", flush=True)
        if keeps and (chosen is None or layers < chosen[0]):
            chosen = layers, thresholds
    if chosen is None:
        raise SystemExit("no policy keeps the accuracy of the reference")
    store(Path(a.model), chosen[1], a.max_layer)


if __name__ == "__main__":
    main()
