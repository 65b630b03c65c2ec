# SPDX-License-Identifier: Apache-2.0
"""What measure.py found, read and put in words and tables."""
import json
import math
from pathlib import Path

import numpy as np
from scipy.stats import beta

from answers import alone_right


def percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def times(value: float | None) -> str:
    """Empty where no layer runs, which is faster without end. Never rounded up, but for what a double cannot hold."""
    return "" if value is None else f"{math.floor(value * 100 + 1e-9) / 100:.2f}x"


def lower_bound(losses: int, texts: int, looks: int = 1) -> float:
    """One-sided 95 % Clopper-Pearson, of so many bounds together."""
    return 0.0 if losses == 0 else float(beta.ppf(0.05 / looks, losses, texts - losses + 1))


def lost_points(row: dict, full: dict) -> str:
    """With Tango's paired interval where the row has it."""
    lost = f"{100 * (full['accuracy'] - row['accuracy']):.2f}"
    return lost if row is full or "loss_lower" not in row else f"{lost} ({100 * row['loss_lower']:.2f} to {100 * row['loss_upper']:.2f})"


def lost_against(row: dict, other: dict | None) -> str:
    """The points that it loses to the row of another model, with the paired bootstrap's percentiles, of 100,000 draws; empty where
    they cannot be paired."""
    if "separate_lost" in row:  # of a run that kept the counts alone
        gained, lost = row["separate_gained"], row["separate_lost"]
    elif (alone := alone_right(row, other) if other else None) is not None:
        gained, lost = alone
    else:
        return ""
    texts = row["texts"]
    shares = [lost / texts, gained / texts, (texts - lost - gained) / texts]
    drawn = np.random.default_rng(1).multinomial(texts, shares, 100_000)
    lower, upper = np.percentile((drawn[:, 0] - drawn[:, 1]) / texts, (2.5, 97.5))
    return f"{100 * (lost - gained) / texts:.2f} ({100 * lower:.2f} to {100 * upper:.2f})"


def time_ratio(row: dict, full: dict, kind: str) -> str:
    mean = f"{kind}_mean_ms"
    if f"{kind}_speedup" in row:
        return times(row[f"{kind}_speedup"])
    return times(full[mean] / row[mean]) if row.get(mean) else ""


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Without the columns that are empty in every row."""
    kept = [i for i in range(len(head)) if any(row[i] for row in rows) or not rows]
    lines = [[line[i] for i in kept] for line in (head, ["---"] * len(head), *rows)]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


def measured(folder: Path, model: str) -> dict | None:
    path = folder / f"{model}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
