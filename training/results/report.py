# SPDX-License-Identifier: Apache-2.0
"""Writes docs/results.md from what measure.py found."""
import argparse
import json
from pathlib import Path

import matplotlib
from matplotlib import pyplot
from scipy.stats import beta

from measure import curve_rows
from sets import DEPTH, SETS, DataSet

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "offramp", "svg.fonttype": "none"})  # the same bytes from the same numbers
MODELS = {"joint": "joint training", "fit": "`offramp fit`"}


def percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def times(value: float) -> str:
    return f"{int(value * 100) / 100:.2f}x"  # never rounded up


def lower_bound(losses: int, texts: int) -> float:
    """One-sided 95 % Clopper-Pearson."""
    return 0.0 if losses == 0 else float(beta.ppf(0.05, losses, texts - losses + 1))


def speedups(row: dict, full: dict) -> str:
    return (f"{times(row['layer_speedup'])} in layers, {times(full['single_mean_ms'] / row['single_mean_ms'])} in time, "
            f"{times(full['batched_mean_ms'] / row['batched_mean_ms'])} in batches")


def accuracy(m: dict) -> str:
    full = m["full_depth"]
    return f"{full['accuracy']:.4f} ({full['accuracy_lower']:.4f} to {full['accuracy_upper']:.4f}), {full['single_mean_ms']:.2f} ms"


def pick(m: dict, index: int) -> str:
    row, full = m["picks"][index], m["full_depth"]
    lost = 100 * (full["accuracy"] - row["accuracy"])
    return f"{row['threshold']:.4g}: {row['accuracy']:.4f} ({lost:+.2f} points lost), mean layer {row['mean_layer']:.2f}; {speedups(row, full)}"


def areas(m: dict) -> str:
    s = m["summary"]
    return (f"{s['area_early_exit']:.4f}; fixed exits {s['area_fixed_exits']:.4f}, random {s['area_random_exits']:.4f}, "
            f"oracle {s['area_oracle']:.4f}")


def per_exit(m: dict, value) -> str:
    return " ".join(f"{value(line):.4f}".replace("0.", ".", 1) for line in m["calibration"])


def certificate(m: dict, index: int) -> str:
    c, full = m["certificates"][index], m["full_depth"]
    if c["test"] is None:
        return f"none on {c['n']} texts: full depth"
    row = c["test"]
    observed = row["disagreement"]
    lower = lower_bound(row["disagreeing"], row["texts"])
    verdict = "holds" if lower <= c["epsilon"] else "BROKEN"
    return (f"{c['certified']['threshold']:.4g} ({c['n']} texts); on test {percent(observed)} disagree, at least {percent(lower)}: "
            f"{verdict}; accuracy {row['accuracy']:.4f}; {speedups(row, full)}")


ROWS = {
    "accuracy at full depth (95 %), time per text": accuracy,
    "threshold for 0 points of loss": lambda m: pick(m, 0),
    "... half a point": lambda m: pick(m, 1),
    "... 1 point": lambda m: pick(m, 2),
    "... 2 points": lambda m: pick(m, 3),
    "area under the curve": areas,
    "ECE of each exit at temperature 1": lambda m: per_exit(m, lambda line: line["before"]["ece"]),
    "... at its own temperature": lambda m: per_exit(m, lambda line: line["after"]["ece"]),
    "... minus that of drawn labels": lambda m: per_exit(m, lambda line: line["after"]["ece"] - line["after"]["ece_of_draws"]),
    "certified: at most 1 % disagree with full depth": lambda m: certificate(m, 0),
    "... 2 %": lambda m: certificate(m, 1),
}


def measured(folder: Path, model: str) -> dict | None:
    path = folder / model / "measured.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def lines_of(data: Path) -> int:
    return sum(1 for line in data.read_text(encoding="utf-8").split("\n") if line)


def draw_cuts(title: str, early: list[dict], cuts: list[dict], picture: Path):
    """One early-exit model at every threshold, against a model of its own for each depth."""
    figure, axes = pyplot.subplots(figsize=(6.4, 4))
    axes.plot([row["mean_layer"] for row in early], [row["accuracy"] for row in early], label="one early-exit model")
    axes.plot(range(1, DEPTH + 1), [m["full_depth"]["accuracy"] for m in cuts], "o", label="a model trained for that depth")
    axes.set(title=title, xlabel="encoder layers run per text, on average", ylabel="accuracy on test")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(picture, metadata={"Date": None})
    pyplot.close(figure)


def cuts_table(data_set: DataSet, folder: Path, pictures: Path) -> list[str]:
    found = [measured(folder, f"cut{depth}") for depth in range(1, DEPTH + 1)]
    if None in found:
        return []
    early = [row for row in curve_rows(folder / "joint" / "test") if row["kind"] == "threshold"]

    def at_cost_of(cut: dict) -> str:
        """The early-exit model at the highest threshold that runs no more layers on average."""
        return f"{[row for row in early if row['mean_layer'] <= cut['mean_layer']][-1]['accuracy']:.4f}"

    rows = [["layers"] + [str(depth) for depth in range(1, DEPTH + 1)],
            ["separate model"] + [f"{m['full_depth']['accuracy']:.4f}" for m in found],
            ["... ms per text"] + [f"{m['full_depth']['single_mean_ms']:.2f}" for m in found],
            ["early exit, as many layers on average"] + [at_cost_of(m["full_depth"]) for m in found]]
    picture = pictures / f"results-{data_set.name}.svg"
    draw_cuts(data_set.title, early, found, picture)
    table = ["| " + " | ".join(row) + " |" for row in rows]
    return ["A model trained alone for each depth, with the same recipe, against the one early-exit model:", "", table[0],
            "|---" * (DEPTH + 1) + "|", *table[1:], "", f"![{data_set.title}: early exit and separate models]({picture.name})", ""]


def section(data_set: DataSet, folder: Path, pictures: Path) -> list[str]:
    found = {model: m for model in MODELS if (m := measured(folder, model)) is not None}
    if not found:
        return []
    sizes = ", ".join(f"{part} {lines_of(folder / 'data' / (part + '.tsv')):,}" for part in ("train", "temperatures", "choose", "certify", "test"))
    table = [f"| | {' | '.join(MODELS[model] for model in found)} |", "|---" * (len(found) + 1) + "|"]
    table += [f"| {name} | {' | '.join(cell(m) for m in found.values())} |" for name, cell in ROWS.items()]
    trained = f"At most {data_set.max_tokens} tokens; {data_set.epochs:g} epochs."
    if "fit" in found:
        trained += f" `offramp fit` took {found['fit']['fit_seconds']:.0f} seconds on two cores."
    text = [f"## {data_set.title}", "", f"Texts: {sizes}. {trained}", "", *table, ""]
    if "joint" in found and data_set.cuts:
        text += cuts_table(data_set, folder, pictures)
    return text


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--work", type=Path, required=True, help="as for measure.py")
    p.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "docs" / "results.md")
    a = p.parse_args()
    head = (Path(__file__).parent / "page_head.md").read_text(encoding="utf-8")
    cpus = {m["cpu"] for name in SETS for model in MODELS if (m := measured(a.work / name, model))}
    text = [head.rstrip().replace("{cpu}", " and ".join(sorted(cpus))), ""]
    for data_set in SETS.values():
        text += section(data_set, a.work / data_set.name, a.out.parent)
    a.out.write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
