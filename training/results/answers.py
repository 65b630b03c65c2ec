# SPDX-License-Identifier: Apache-2.0
"""What a model answers under a policy, from the logits of every exit that `offramp curve --texts-out` wrote."""
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class ExitLogits:
    labels: np.ndarray  # of the data, [texts]
    logits: np.ndarray  # [texts, exits, labels]
    temperatures: np.ndarray  # [exits]

    @classmethod
    def read(cls, path: Path) -> "ExitLogits":
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        exits = next(line["exits"] for line in lines if line["kind"] == "model")
        texts = [line for line in lines if line["kind"] == "text"]
        return cls(np.array([line["label"] for line in texts]), np.array([line["logits"] for line in texts]),
                   np.array([exit["temperature"] for exit in exits]))

    def exits_left_by(self, thresholds: list[float]) -> np.ndarray:
        """The exit, from 0, at which each text leaves, [texts]: the first whose confidence reaches that exit's threshold, at last the
        last exit, which has none."""
        scaled = self.logits / self.temperatures[:, None]
        exponentials = np.exp(scaled - scaled.max(-1, keepdims=True))
        confidences = (exponentials.max(-1) / exponentials.sum(-1)).astype(np.float32)
        leaves = np.ones(confidences.shape, dtype=bool)
        leaves[:, :-1] = confidences[:, :-1] >= np.array(thresholds, dtype=np.float32)
        return leaves.argmax(1)

    def answers(self, exits: np.ndarray) -> np.ndarray:
        """The label that each text's exit gives, [texts]."""
        return self.logits[np.arange(len(exits)), exits].argmax(-1)

    def right(self, thresholds: list[float]) -> np.ndarray:
        """Whether each text is answered right, [texts], under a threshold for each exit."""
        return self.answers(self.exits_left_by(thresholds)) == self.labels

    def left_by(self, thresholds: list[float]) -> list[dict]:
        """For each exit the texts that have left there or before, and how many of them the last exit answers otherwise."""
        exits = self.exits_left_by(thresholds)
        disagree = self.answers(exits) != self.logits[:, -1].argmax(-1)
        return [{"texts": int((exits <= exit).sum()), "disagreeing": int((disagree & (exits <= exit)).sum())}
                for exit in range(len(self.temperatures))]


def thresholds_by_exit(conditional: dict) -> list[float]:
    """Of a certificate for every exit; the last exit has none, and infinity where an exit is closed."""
    return [np.inf if depth["threshold"] is None else depth["threshold"] for depth in conditional["depths"][:-1]]


def add_losses_to_separate(found: dict, own: ExitLogits, separate: ExitLogits, decline: float):
    """Adds to what measure.py found on some texts how many of them a separate model, which has one exit, alone answers right, and
    how many it alone answers wrong."""
    right, early_exits = separate.right([]), range(len(own.temperatures) - 1)

    def add(row: dict, thresholds: list[float]):
        ours = own.right(thresholds)
        row |= {"separate_lost": int((right & ~ours).sum()), "separate_gained": int((ours & ~right).sum())}

    def falling_from(threshold: float) -> list[float]:
        return [threshold - decline * exit for exit in early_exits]

    add(found["full_depth"], [np.inf for _ in early_exits])
    for pick in found["picks"]:
        add(pick, falling_from(pick["threshold"]))
    for certificate in found["certificates"]:
        if certificate["test"] is not None:
            add(certificate["test"], falling_from(certificate["certified"]["threshold"]))
    conditional = found["conditional"]
    if conditional["test"] is not None:
        add(conditional["test"], thresholds_by_exit(conditional))
