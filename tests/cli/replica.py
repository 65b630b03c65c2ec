# SPDX-License-Identifier: Apache-2.0
"""Computes again, from the logits that --texts-out writes and by nothing of offramp's, what `curve` and `evaluate` print.

    python3 replica.py OFFRAMP MODEL

runs both on made-up texts for a copy of MODEL, one with two labels that exclude each other, and compares all digits.
"""
import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import NormalDist

Z = NormalDist().inv_cdf(0.975)


def bisect(low: float, high: float, is_high) -> float:
    """Where is_high becomes true between the two."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if is_high(middle) else (middle, high)
    return (low + high) / 2


def wilson(k: int, n: int) -> tuple[float, float]:
    centre = (k + Z * Z / 2) / (n + Z * Z)
    half = Z / (n + Z * Z) * math.sqrt(k * (n - k) / n + Z * Z / 4)
    return centre - half, centre + half


def at_most(k: int, n: int, p: float) -> float:
    """The probability of at most k of n."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def clopper_pearson(k: int, n: int) -> tuple[float, float]:
    lower = 0.0 if k == 0 else bisect(0, 1, lambda p: 1 - at_most(k - 1, n, p) >= 0.025)
    upper = 1.0 if k == n else bisect(0, 1, lambda p: at_most(k, n, p) <= 0.025)
    return lower, upper


def tango(lost: int, gained: int, n: int) -> tuple[float, float]:
    """Tango (1998): the differences whose score test does not reject."""
    def score(difference: float) -> float:
        a = 2 * n
        b = -lost - gained + (2 * n - lost + gained) * difference
        c = -gained * difference * (1 - difference)
        likeliest = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
        variance = n * (2 * likeliest + difference * (1 - difference))
        distance = lost - gained - n * difference
        return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)
    estimate = (lost - gained) / n
    return bisect(-1, estimate, lambda d: score(d) <= Z), bisect(estimate, 1, lambda d: score(d) <= -Z)


def mcnemar(lost: int, gained: int) -> float:
    return min(1.0, 2 * at_most(min(lost, gained), lost + gained, 0.5)) if lost + gained else 1.0


class Texts:
    """What every exit says of every text."""

    def __init__(self, path: Path):
        model, *texts = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
        self.labels, self.exits, self.texts = model["labels"], model["exits"], texts

    def answers(self, text: dict) -> list[tuple[int, float]]:
        """The label and the confidence of each exit."""
        found = []
        for exit_, logits in zip(self.exits, text["logits"]):
            scaled = [logit / exit_["temperature"] for logit in logits]
            total = math.fsum(math.exp(value - max(scaled)) for value in scaled)
            found.append((scaled.index(max(scaled)), 1 / total))
        return found

    def at(self, threshold: float) -> dict:
        """All counts at one threshold of the confidence."""
        n, last = len(self.texts), len(self.exits) - 1
        lost = gained = other = layers = flops = 0
        right = [0] * len(self.labels)
        mentions = [0] * len(self.labels)
        by_exit = [0] * len(self.exits)
        for text in self.texts:
            answers = self.answers(text)
            exit_ = next((e for e in range(last) if answers[e][1] >= threshold), last)
            given, full, label = answers[exit_][0], answers[last][0], text["label"]
            lost += given != label == full
            gained += given == label != full
            other += given != full
            layers += self.exits[exit_]["layer"]
            flops += text["flops"][exit_]
            by_exit[exit_] += 1
            right[label] += given == label
            mentions[given] += 1
            mentions[label] += 1
        scores = [2 * r / m for r, m in zip(right, mentions) if m]
        loss_lower, loss_upper = tango(lost, gained, n)
        lower, upper = wilson(sum(right), n)
        return {"texts": n, "correct": sum(right), "accuracy": sum(right) / n, "accuracy_lower": lower, "accuracy_upper": upper,
                "lost": lost, "gained": gained, "loss": (lost - gained) / n, "loss_lower": loss_lower, "loss_upper": loss_upper,
                "mcnemar_p": mcnemar(lost, gained), "macro_f1": sum(scores) / len(scores), "mean_layer": layers / n,
                "disagreeing": other, "disagreement": other / n, "mean_flops": flops / n,
                **{f"layer_{e['layer']}_texts": count for e, count in zip(self.exits, by_exit)}}


def made_up_data(path: Path, labels: list[str]):
    draw = random.Random(7)
    words = "a the film dog plot good bad never dull lovely long odd".split()
    lines = (f"{draw.choice(labels)}\t{' '.join(draw.choices(words, k=draw.randint(1, 12)))}" for _ in range(300))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def compare_curve(row: dict, expected: dict):
    for name, value in expected.items():
        decimals = 0 if name == "mean_flops" or isinstance(value, int) else 6
        # A tie of the last digit may be rounded to either side.
        assert abs(row[name] - value) <= 0.5001 * 10.0**-decimals, (row["threshold"], name, row[name], value)


def evaluate_lines(early: dict, full: dict, depth: int) -> list[str]:
    """As `evaluate` prints them."""
    e = {name: 100 * value for name, value in early.items()}
    lower, upper = clopper_pearson(early["disagreeing"], early["texts"])
    return [f"texts       {early['texts']}",
            f"accuracy    {e['accuracy']:.2f} % (95 %: {e['accuracy_lower']:.2f} to {e['accuracy_upper']:.2f}), "
            f"{100 * full['accuracy']:.2f} % at full depth",
            f"lost        {e['loss']:.2f} points (95 %: {e['loss_lower']:.2f} to {e['loss_upper']:.2f}), "
            f"McNemar's p = {early['mcnemar_p']:.3g}",
            f"macro F1    {early['macro_f1']:.4f}, {full['macro_f1']:.4f} at full depth",
            f"other label {early['disagreeing']} texts, {e['disagreement']:.2f} % (95 %: {100 * lower:.2f} to {100 * upper:.2f}) "
            "than at full depth",
            f"layers      {early['mean_layer']:.3f} of {depth} on average, {depth / early['mean_layer']:.2f}x fewer"]


def main():
    program, model = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copytree(model, work / "model")
        made_up_data(work / "data.tsv", json.loads((work / "model" / "exits.json").read_text())["labels"])
        def run(*arguments) -> str:
            given = [program, *arguments, "--model", work / "model", "--data", work / "data.tsv", "--texts-out", work / "texts.jsonl",
                     "--rounds", "0"]
            return subprocess.run(list(map(str, given)), check=True, stdout=subprocess.PIPE, text=True).stdout
        run("curve", "--out", work / "out", "--points", "40")
        texts = Texts(work / "texts.jsonl")
        rows = [json.loads(line) for line in (work / "out" / "curve.jsonl").read_text().splitlines()]
        compared = 0
        for row in (row for row in rows if row["kind"] == "threshold"):
            ends = row["lowest_threshold"], row["highest_threshold"]
            # Single precision decides at the very ends of a range.
            if None in ends or ends[1] - ends[0] > 1e-5 and min(abs(row["threshold"] - end) for end in ends) > 1e-6:
                compare_curve(row, texts.at(row["threshold"]))
                compared += 1
        assert compared > 10, compared
        full, depth = texts.at(2.0), texts.exits[-1]["layer"]
        thresholds = [row["threshold"] for row in rows if row["kind"] == "threshold"]
        for threshold in (thresholds[len(thresholds) // 3], thresholds[len(thresholds) // 2]):
            printed = run("evaluate", "--threshold", threshold).splitlines()
            for line in evaluate_lines(texts.at(threshold), full, depth):
                assert line in printed, (line, printed)
    print(f"{compared} rows of a curve and two evaluations agree")


if __name__ == "__main__":
    main()
