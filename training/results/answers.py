# SPDX-License-Identifier: Apache-2.0
"""What a model answers under a policy, and how well its exits are calibrated, from the logits of every exit that
`offramp curve --texts-out` wrote."""
import base64
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DRAWS = 1000  # of right and wrong answers


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

    def probabilities(self, temperatures: np.ndarray) -> np.ndarray:
        """softmax(logits / temperature of the exit), [texts, exits, labels]."""
        scaled = self.logits / temperatures[:, None]
        exponentials = np.exp(scaled - scaled.max(-1, keepdims=True))
        return exponentials / exponentials.sum(-1, keepdims=True)

    def exits_left_by(self, thresholds: list[float]) -> np.ndarray:
        """The exit, from 0, at which each text leaves, [texts]: the first whose confidence reaches that exit's threshold, at last the
        last exit, which has none."""
        confidences = self.probabilities(self.temperatures).max(-1).astype(np.float32)
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

    def calibration(self) -> list[dict]:
        """For each exit its expected calibration error at temperature 1 and at its own, and at its own what that is on average where
        each answer is right with the probability that the exit gives it."""
        rng, found = np.random.default_rng(1), []
        before, after = self.probabilities(np.ones_like(self.temperatures)), self.probabilities(self.temperatures)
        for exit in range(len(self.temperatures)):
            right = self.logits[:, exit].argmax(-1) == self.labels
            confidences = after[:, exit].max(-1)
            draws = (expected_calibration_error(confidences, rng.random(len(right)) < confidences) for _ in range(DRAWS))
            found.append({"before": {"ece": expected_calibration_error(before[:, exit].max(-1), right)},
                          "after": {"ece": expected_calibration_error(confidences, right), "ece_of_draws": float(np.mean(list(draws)))}})
        return found


def expected_calibration_error(confidences: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Mean over the texts of the gap between accuracy and mean confidence in their bin, of bins of equal width (Guo et al., 2017)."""
    bin_of = np.minimum((confidences * bins).astype(int), bins - 1)
    return float(np.abs(np.bincount(bin_of, right - confidences, bins)).sum() / len(right))


def packed(right: np.ndarray) -> str:
    """A bit for each text, the first text's the highest of the first byte, deflated, in base64."""
    return base64.b64encode(zlib.compress(np.packbits(right).tobytes(), 9)).decode("ascii")


def unpacked(right: str, texts: int) -> np.ndarray:
    """What `packed` was given, [texts]."""
    return np.unpackbits(np.frombuffer(zlib.decompress(base64.b64decode(right)), np.uint8), count=texts).astype(bool)


def thresholds_by_exit(conditional: dict) -> list[float]:
    """Of a certificate for every exit; the last exit has none, and infinity where an exit is closed."""
    return [np.inf if depth["threshold"] is None else depth["threshold"] for depth in conditional["depths"][:-1]]


def add_right(found: dict, own: ExitLogits, decline: float = 0):
    """Adds to each row on test.tsv which texts are answered right, so that models can be compared text by text."""
    early_exits = range(len(own.temperatures) - 1)

    def add(row: dict, thresholds: list[float]):
        right = own.right(thresholds)
        if right.sum() != row["correct"]:
            raise ValueError(f"{right.sum()} texts are answered right at the thresholds {thresholds}, expected {row['correct']}")
        row["right"] = packed(right)

    def falling_from(threshold: float) -> list[float]:
        return [threshold - decline * exit for exit in early_exits]

    add(found["full_depth"], [np.inf for _ in early_exits])
    for pick in found.get("picks", ()):
        add(pick, falling_from(pick["threshold"]))
    for certificate in found.get("certificates", ()):
        if certificate["test"] is not None:
            add(certificate["test"], falling_from(certificate["certified"]["threshold"]))
    conditional = found.get("conditional")
    if conditional and conditional["test"] is not None:
        add(conditional["test"], thresholds_by_exit(conditional))


def alone_right(row: dict, other: dict) -> tuple[int, int] | None:
    """How many texts of test.tsv one row alone answers right, and how many the other alone; none where one does not say which."""
    if "right" not in row or "right" not in other:
        return None
    ours, theirs = (unpacked(r["right"], r["texts"]) for r in (row, other))
    return int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
