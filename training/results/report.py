# SPDX-License-Identifier: Apache-2.0
"""Writes docs/results.md from what measure.py and exit_cost.py found, by default what docs/results holds."""
import argparse
import json
from pathlib import Path

import matplotlib
from matplotlib import pyplot
from scipy.stats import beta

from sets import DEPTH, SETS, DataSet

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "offramp", "svg.fonttype": "none"})  # the same bytes from the same numbers
MODELS = {"joint": "Joint training", "declining": "Joint, declining", "exit0": "Joint with exit 0", "self_trained": "Self-trained",
          "self_trained_declining": "Self-trained, declining", "fit": "`offramp fit`"}
EXIT_0 = ("*Joint with exit 0* is a model of the same recipe that began with the encoder of the bundled English model, with an exit before "
          "the encoder that `offramp fit --layers 0` learned from *train*. Its points lost are those to its own full depth.")
SAME_MODEL = ("declining", "self_trained_declining")  # as the one before it
EARLY_EXIT = {"joint": "one threshold for all exits", "declining": "a declining threshold"}
GOALS = {"loss": "lose at most {} on *choose*", "speedup": "{}x faster on *choose*"}
LAYERS = [str(depth) for depth in range(1, DEPTH + 1)]
POINT = ["model", "goal", "threshold", "accuracy", "points lost", "mean layer", "faster: layers", "time", "in batches", "disagree"]


def percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def times(value: float) -> str:
    return f"{int(value * 100) / 100:.2f}x"  # never rounded up


def lower_bound(losses: int, texts: int) -> float:
    """One-sided 95 % Clopper-Pearson."""
    return 0.0 if losses == 0 else float(beta.ppf(0.05, losses, texts - losses + 1))


def point(model: str, goal: str, threshold: str, row: dict, full: dict) -> list[str]:
    """A row of the table of operating points."""
    return [model, goal, threshold, f"{row['accuracy']:.4f}", f"{100 * (full['accuracy'] - row['accuracy']):.2f}",
            f"{row['mean_layer']:.2f}", times(row["layer_speedup"]), times(full["single_mean_ms"] / row["single_mean_ms"]),
            times(full["batched_mean_ms"] / row["batched_mean_ms"]), percent(row["disagreement"])]


def points(name: str, m: dict) -> list[list[str]]:
    model, full = MODELS[name], m["full_depth"]
    rows = [] if name in SAME_MODEL else [point(model, "full depth", "", full, full)]
    for p in m["picks"]:
        kind, value = p["goal"].split(":")
        rows.append(point(model, GOALS[kind].format(value), f"{p['threshold']:.4g}", p, full))
    for c in m["certificates"]:
        goal = f"certified at {percent(c['epsilon'])}"
        rows.append(point(model, goal, f"{c['certified']['threshold']:.4g}", c["test"], full) if c["test"] else
                    point(model, goal, "none", full, full))
    return rows


def bag_of_words(folder: Path, other: dict) -> list[list[str]]:
    """The row of the exit before the encoder alone, which was not timed with the others."""
    bag = measured(folder, "bag")
    if bag is None:
        return []
    row, full = bag["full_depth"], other["full_depth"]
    return [["Bag of words", "alone", "", f"{row['accuracy']:.4f}", f"{100 * (full['accuracy'] - row['accuracy']):.2f}", "0.00",
             "", "", "", ""]]


def calibration(model: str, m: dict) -> list[list[str]]:
    def per_exit(name: str, value) -> list[str]:
        return [model, name, *(f"{value(line):.4f}" for line in m["calibration"])]
    return [per_exit("at temperature 1", lambda line: line["before"]["ece"]),
            per_exit("at its own", lambda line: line["after"]["ece"]),
            per_exit("... minus drawn", lambda line: line["after"]["ece"] - line["after"]["ece_of_draws"])]


def sentences(model: str, m: dict) -> list[str]:
    areas, full = m["areas"], m["full_depth"]
    text = (f"{model}: {full['accuracy_lower']:.4f} to {full['accuracy_upper']:.4f} at full depth (95 %), {full['single_mean_ms']:.2f} ms per "
            f"text; area under the curve {areas['area_early_exit']:.4f}, of fixed exits {areas['area_fixed_exits']:.4f}, of random exits "
            f"{areas['area_random_exits']:.4f}, of the oracle {areas['area_oracle']:.4f}.")
    for c in m["certificates"]:
        if c["test"]:
            lower = lower_bound(c["test"]["disagreeing"], c["test"]["texts"])
            verdict = "holds" if lower <= c["epsilon"] else "is broken"
            text += f" The certificate for {percent(c['epsilon'])} {verdict}: at least {percent(lower)} on *test* disagree."
    return [text, ""]


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows)] + [""]


def measured(folder: Path, model: str) -> dict | None:
    path = folder / f"{model}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def draw_cuts(title: str, early: dict[str, dict], cuts: list[dict], picture: Path):
    """One early-exit model at every threshold, against a model of its own for each depth."""
    figure, axes = pyplot.subplots(figsize=(6.4, 4))
    for label, m in early.items():
        axes.plot(*zip(*m["curve"]), label=label)
    axes.plot(range(1, DEPTH + 1), [m["full_depth"]["accuracy"] for m in cuts], "o", label="a model trained for that depth")
    axes.set(title=title, xlabel="encoder layers run per text, on average", ylabel="accuracy on test")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(picture, metadata={"Date": None})
    pyplot.close(figure)


def cuts_table(data_set: DataSet, folder: Path, found: dict[str, dict], pictures: Path) -> list[str]:
    cuts = [measured(folder, f"cut{depth}") for depth in range(1, DEPTH + 1)]
    if None in cuts:
        return []
    early = {label: found[model] for model, label in EARLY_EXIT.items() if model in found}
    rows = [["separate model", *(f"{m['full_depth']['accuracy']:.4f}" for m in cuts)],
            ["... ms per text", *(f"{m['full_depth']['single_mean_ms']:.2f}" for m in cuts)],
            *([f"{label}, as many layers on average", *(f"{accuracy:.4f}" for accuracy in m["accuracy_within"])]
              for label, m in early.items())]
    picture = pictures / f"{data_set.name}.svg"
    draw_cuts(data_set.title, early, cuts, picture)
    return ["A model trained alone for each depth, with the same recipe, against the one early-exit model:", "",
            *table(["layers", *LAYERS], rows),
            f"![{data_set.title}: early exit and separate models]({pictures.name}/{picture.name})", ""]


def training_cost(results: Path) -> list[str]:
    """What exit_cost.py found on one of the sets."""
    path = results / "exit_cost.json"
    if not path.exists():
        return []
    cost = json.loads(path.read_text(encoding="utf-8"))
    joint, separate = cost["joint"], cost["separate"]
    added = joint["parameters"] - separate[-1]["parameters"]
    rows = [["parameters, millions", *(f"{m['parameters'] / 1e6:.2f}" for m in (joint, *separate))],
            ["time of a training step", *(f"{m['step_time']:.3f}" for m in (joint, *separate))]]
    return ["## What the exits cost in training", "",
            f"The joint model has {added:,} parameters ({percent(added / separate[-1]['parameters'])}) more than one with the last exit "
            f"alone, and a step of its training takes {percent(joint['step_time'] - 1)} longer. A model of its own for each depth takes "
            f"{times(sum(m['step_time'] for m in separate) / joint['step_time'])} the time of the joint one's training. Medians of "
            f"{cost['steps']} steps on AG News, the models taking turns; the time is that over the step of full depth with one exit.", "",
            *table(["layers", f"{DEPTH}, joint", *LAYERS], rows)]


def section(data_set: DataSet, folder: Path, pictures: Path) -> list[str]:
    found = {model: m for model in MODELS if (m := measured(folder, model)) is not None}
    text = [f"## {data_set.title}", ""]
    if not found:
        return [*text, "Not measured yet.", ""]
    first = next(iter(found.values()))
    sizes = ", ".join(f"{part} {texts:,}" for part, texts in first["texts"].items())
    trained = f"At most {data_set.max_tokens} tokens; {data_set.epochs:g} epochs."
    if "fit" in found:
        trained += f" `offramp fit` took {found['fit']['fit_seconds']:.0f} seconds on two cores."
    text += [f"Texts: {sizes}. {trained} Timed on {first['cpu']}.", ""]
    text += table(POINT, [row for model, m in found.items() for row in points(model, m)] + bag_of_words(folder, first))
    text += table(["ECE of exit", "", *LAYERS], [row for model, m in found.items() if "calibration" in m
                                              for row in calibration(MODELS[model], m)])
    if "exit0" in found:
        text += [EXIT_0, ""]
    for model, m in found.items():
        text += sentences(MODELS[model], m)
    if "joint" in found and data_set.cuts:
        text += cuts_table(data_set, folder, found, pictures)
    return text


def main():
    docs = Path(__file__).parents[2] / "docs"
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--results", type=Path, default=docs / "results", help="as for measure.py; gets the pictures")
    p.add_argument("--out", type=Path, default=docs / "results.md")
    a = p.parse_args()
    head = (Path(__file__).parent / "page_head.md").read_text(encoding="utf-8")
    text = [head.rstrip(), ""]
    text += training_cost(a.results)
    for data_set in SETS.values():
        text += section(data_set, a.results / data_set.name, a.results)
    a.out.write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
