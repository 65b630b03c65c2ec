# SPDX-License-Identifier: Apache-2.0
"""Writes a results page, docs/results.md or that of another encoder, from what measure.py, exit_cost.py and compare.py found."""
import argparse
import json
from pathlib import Path

import numpy as np

from formatting import lost_against, lost_points, lower_bound, measured, percent, table, time_ratio, times
from sets import ENCODERS, SETS, DataSet, Encoder

MODELS = {"joint": "Joint training", "exit0_declining": "Joint with exit 0, declining",
          "self_trained_exit0_declining": "Self-trained with exit 0, declining", "fit": "`offramp fit`"}
BESIDE_SEPARATE = {"joint": "one threshold for all exits", "exit0_declining": "with exit 0, declining",
                   "self_trained_exit0_declining": "self-trained, with exit 0, declining"}
GOALS = {"loss": "lose at most {} on *choose*", "speedup": "{}x faster on *choose*"}
POINT = ["model", "goal", "threshold", "accuracy", "points lost", "... against a separate model", "mean layer", "faster: layers",
         "FLOPs", "time", "in batches", "disagree"]


def layer_numbers(encoder: Encoder) -> list[str]:
    return [str(depth) for depth in range(1, encoder.depth + 1)]


def point(model: str, goal: str, threshold: str, row: dict, full: dict, separate: dict | None) -> list[str]:
    """A row of the table of operating points."""
    return [model, goal, threshold, f"{row['accuracy']:.4f}", lost_points(row, full), lost_against(row, separate), f"{row['mean_layer']:.2f}",
            times(row["layer_speedup"]), times(row.get("flops_speedup")), time_ratio(row, full, "single"),
            time_ratio(row, full, "batched"), percent(row["disagreement"])]


def operating_points(m: dict) -> list[tuple[str, str, dict]]:
    """Goals, the thresholds that they gave, and what these do on test.tsv."""
    found = []
    for p in m["picks"]:
        kind, value = p["goal"].split(":")
        found.append((GOALS[kind].format(value), f"{p['threshold']:.4g}", p))
    for c in m["certificates"]:
        goal = f"certified at {percent(c['epsilon'])}"
        found.append((goal, f"{c['certified']['threshold']:.4g}", c["test"]) if c["test"] else (goal, "none", m["full_depth"]))
    if (c := m.get("conditional")) and c["test"]:
        found.append((f"certified at {percent(c['epsilon'])} at every exit", "by exit", c["test"]))
    return found


def points(name: str, m: dict, separate: dict | None) -> list[list[str]]:
    model, full = MODELS[name], m["full_depth"]
    return [point(model, "full depth", "", full, full, separate),
            *(point(model, goal, threshold, row, full, separate) for goal, threshold, row in operating_points(m))]


def separate_at_full_depth(encoder: Encoder, folder: Path) -> dict | None:
    """What the model that was trained for the last exit alone gives, where there is one."""
    separate = measured(folder, f"cut{encoder.depth}")
    return separate and separate["full_depth"]


def in_short(encoder: Encoder, separate: dict | None, found: dict[str, dict]) -> list[str]:
    """What the last way reaches, beside the separate model of full depth where there is one."""
    ways = [(name, m) for name, m in found.items() if name in encoder.early_exit and name != "fit"]
    if not ways:
        return []
    name, m = ways[-1]
    full = m["full_depth"]
    rows = [(f"certified at {percent(c['epsilon'])}", c["test"]) for c in m["certificates"] if c["test"]]
    for pick in m["picks"]:
        kind, value = pick["goal"].split(":")
        if kind == "speedup":
            rows.append((f"at the threshold that is {value}x faster on *choose*", pick))
        elif value == "0":
            rows.append(("at the lowest threshold that loses nothing on *choose*", pick))

    def told(goal: str, row: dict) -> str:
        against = lost_against(row, separate)
        return (f"- {goal}: {row['accuracy']:.4f} right, {time_ratio(row, full, 'single')} faster than full depth, "
                f"{lost_points(row, full)} points lost{f', {against} against the separate model' if against else ''}")

    beside = "" if separate is None else (f"A separate model of {encoder.depth} layers is right on "
                                          f"{separate['accuracy']:.4f} of *test*. ")
    return [f"{beside}{MODELS[name]}: {full['accuracy']:.4f} right at full depth, and", "", *(told(*row) for row in rows), ""]


def bag_of_words(folder: Path, full: dict, separate: dict | None) -> list[list[str]]:
    """The row of the exit before the encoder alone, which was not timed with the others."""
    bag = measured(folder, "bag")
    if bag is None:
        return []
    row = bag["full_depth"]
    return [["Bag of words", "alone", "", f"{row['accuracy']:.4f}", lost_against(row, full) or lost_points({"accuracy": row["accuracy"]}, full),
             lost_against(row, separate), "0.00", *[""] * 5]]


def calibration(model: str, m: dict, encoder: Encoder) -> list[list[str]]:
    def per_exit(name: str, value) -> list[str]:
        values = [f"{value(line):.4f}" for line in m["calibration"]]
        return [model, name, *[""] * (encoder.depth + 1 - len(values)), *values]
    return [per_exit("at temperature 1", lambda line: line["before"]["ece"]),
            per_exit("at its own", lambda line: line["after"]["ece"]),
            per_exit("... minus drawn", lambda line: line["after"]["ece"] - line["after"]["ece_of_draws"])]


def sentences(model: str, m: dict) -> list[str]:
    areas, full = m["areas"], m["full_depth"]
    text = (f"{model}: {full['accuracy_lower']:.4f} to {full['accuracy_upper']:.4f} at full depth (95 %), {full['single_mean_ms']:.2f} ms "
            f"per text; area under the curve {areas['area_early_exit']:.4f}, of fixed exits {areas['area_fixed_exits']:.4f}, of random "
            f"exits {areas['area_random_exits']:.4f}, of the oracle {areas['area_oracle']:.4f}.")

    def verdict(lower: float, c: dict) -> str:
        return "holds" if lower <= c["epsilon"] else "is broken"

    for c in m["certificates"]:
        if c["test"]:
            lower = lower_bound(c["test"]["disagreeing"], c["test"]["texts"])
            text += f" The certificate for {percent(c['epsilon'])} {verdict(lower, c)}: at least {percent(lower)} on *test* disagree."
    if (c := m.get("conditional")) and "left_by" in c:
        depths = [depth for depth in c["left_by"] if depth["texts"] > 0]
        lower = max(lower_bound(depth["disagreeing"], depth["texts"], len(depths)) for depth in depths)
        text += (f" That for {percent(c['epsilon'])} at every exit {verdict(lower, c)}: at the worst exit at least {percent(lower)} of "
                 "those who have left disagree.")
    return [text, ""]


def cuts_table(data_set: DataSet, encoder: Encoder, folder: Path, found: dict[str, dict]) -> list[str]:
    depths = encoder.recipes[data_set.name].cuts
    cuts = [measured(folder, f"cut{depth}") for depth in depths]
    if len(cuts) < 2 or None in cuts:  # one model alone stands in the section's first lines
        return []
    early = {label: found[model] for model, label in BESIDE_SEPARATE.items() if model in found}

    def within(m: dict) -> list[str]:
        accuracies = m["accuracy_within"]  # of the last so many depths: no threshold runs fewer layers than the first exit's
        return [f"{accuracies[depth - encoder.depth - 1]:.4f}" for depth in depths]

    milliseconds = [["... ms per text", *(f"{m['full_depth']['single_mean_ms']:.2f}" for m in cuts)]]
    rows = [["separate model", *(f"{m['full_depth']['accuracy']:.4f}" for m in cuts)],
            *(milliseconds if len({m["cpu"] for m in cuts}) == 1 else []),
            *([f"{label}, as many layers on average", *within(m)] for label, m in early.items())]
    return ["A model trained alone for each depth, with the same recipe, against the one early-exit model:", "",
            *table(["layers", *map(str, depths)], rows)]


def picture(data_set: DataSet, pictures: Path) -> list[str]:
    path = pictures / f"{data_set.name}.svg"
    return [f"![{data_set.title}: accuracy against layers](results/{pictures.name}/{path.name})", ""] if path.exists() else []


def peers(folder: Path) -> list[str]:
    """What compare.py wrote: other engines at full depth beside offramp, also with early exit, all of one run."""
    path = folder / "peers.jsonl"
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["kind"] == "data_time"]
    slowest_first = sorted(rows, key=lambda row: -row["seconds"])
    best = min(row["seconds"] for row in rows if "offramp" not in row["engine"] and "float32" in row["engine"])
    return [f"Other engines at full depth, one text at a time on one thread, {rows[0]['texts']} texts of *test*; offramp's time with "
            "tokenization, theirs without. The last column is against the fastest of the others in float32.", "",
            *table(["", "seconds", "accuracy", "mean layer", "faster"],
                   [[row["engine"], f"{row['seconds']:.2f}", f"{row['accuracy']:.4f}", f"{row['mean_layer']:.2f}", times(best / row["seconds"])]
                    for row in slowest_first])]


def seeds_table(data_set: DataSet, encoder: Encoder, folder: Path) -> list[str]:
    """How far joint models that differ in nothing but the seed lie apart, under one threshold for all exits."""
    models = [measured(folder, name) for name in ("joint", *encoder.other_seeds(data_set))]
    if len(models) == 1 or None in models:
        return []
    by_goal = [{"full depth": m["full_depth"], **{goal: row for goal, _, row in operating_points(m)}} for m in models]
    rows = []
    for goal in by_goal[0]:
        of_goal = [points[goal] for points in by_goal if goal in points]
        if len(of_goal) < len(models):  # wall time was taken of the first alone
            continue
        measures = {"accuracy": (".4f", [row["accuracy"] for row in of_goal]),
                    "points lost": (".2f", [100 * (m["full_depth"]["accuracy"] - row["accuracy"]) for m, row in zip(models, of_goal)]),
                    "mean layer": (".2f", [row["mean_layer"] for row in of_goal])}
        for measure, (digits, values) in measures.items():
            if goal != "full depth" or measure == "accuracy":
                rows.append([goal, measure, *(f"{value:{digits}}" for value in (*values, np.mean(values), np.std(values, ddof=1)))])
    numbers = [f"seed {seed}" for seed in range(1, len(models) + 1)]
    return ["Joint training from several seeds, whose thresholds and certificates are each their own:", "",
            *table(["goal", "", *numbers, "mean", "standard deviation"], rows)]


def summary(encoder: Encoder, results: Path) -> list[str]:
    """Each set under its certificate for 1 %, beside what a user could take instead; README has these lines, too."""
    columns = []
    for name in encoder.recipes:
        folder = results / name
        bag, separate, m = measured(folder, "bag"), separate_at_full_depth(encoder, folder), measured(folder, "exit0_declining")
        row = m and next((c["test"] for c in m["certificates"] if c["epsilon"] == 0.01), None)
        if row and separate and bag:
            full = m["full_depth"]
            columns.append([SETS[name].title, f"{full['accuracy']:.4f}", f"{separate['accuracy']:.4f}", f"{bag['full_depth']['accuracy']:.4f}",
                            f"{row['accuracy']:.4f}", lost_against(row, separate), f"{row['mean_layer']:.2f}", time_ratio(row, full, "single")])
    if len(columns) < 2:  # one set alone stands in its section's first lines
        return []
    names = ["", "full depth is right on", f"a model of {encoder.depth} layers without early exits", "a bag of words", "under the certificate",
             "... points lost to the model without early exits", "mean layer", "faster than full depth"]
    head, *rows = (list(line) for line in zip(names, *columns))
    return ["## In short", "", "*Joint with exit 0, declining*, under its certificate for 1 %:", "", *table(head, rows)]


def training_cost(results: Path, encoder: Encoder) -> list[str]:
    """What exit_cost.py found on one of the sets."""
    cost = measured(results, "exit_cost")
    if cost is None:
        return []
    joint, separate = cost["joint"], cost["separate"]
    added = joint["parameters"] - separate[-1]["parameters"]
    rows = [["parameters, millions", *(f"{m['parameters'] / 1e6:.2f}" for m in (joint, *separate))],
            ["time of a training step", *(f"{m['step_time']:.3f}" for m in (joint, *separate))]]
    return ["## What the exits cost in training", "",
            f"The joint model has {added:,} parameters ({percent(added / separate[-1]['parameters'])}) more than one with the last exit "
            f"alone, and a step of its training takes {percent(joint['step_time'] - 1)} longer. A model of its own for each depth takes "
            f"{times(sum(m['step_time'] for m in separate) / joint['step_time'])} the time of the joint one's training. Medians of "
            f"{cost['steps']} steps on AG News, the models taking turns; the time is that over the step of full depth with one exit.", "",
            *table(["layers", f"{encoder.depth}, joint", *layer_numbers(encoder)], rows)]


def timed_on(found: dict[str, dict]) -> str:
    models_of = {}
    for model, m in found.items():
        models_of.setdefault(m["cpu"], []).append(MODELS[model])
    if len(models_of) == 1:
        return f"Timed on {next(iter(models_of))}."
    return "Timed: " + "; ".join(f"{', '.join(models)} on {cpu}" for cpu, models in models_of.items()) + "."


def section(data_set: DataSet, encoder: Encoder, folder: Path) -> list[str]:
    found = {model: m for model in MODELS if (m := measured(folder, model)) is not None}
    text = [f"## {data_set.title}", ""]
    if not found:
        return [*text, "Not measured yet.", ""]
    first = next(iter(found.values()))
    sizes = ", ".join(f"{part} {texts:,}" for part, texts in first["texts"].items())
    recipe = encoder.recipes[data_set.name]
    trained = f"At most {data_set.max_tokens} tokens; {recipe.epochs:g} epochs."
    if "fit" in found:
        trained += f" `offramp fit` took {found['fit']['fit_seconds']:.0f} seconds on two cores."
    text += [f"Texts: {sizes}. {trained} {timed_on(found)}", ""]
    separate = separate_at_full_depth(encoder, folder)
    text += in_short(encoder, separate, found)
    if any(model.startswith("self_trained") for model in found):
        text += [f"*Self-trained* goes on from the joint model for {encoder.self_training.epochs:g} more epochs and also learns what that "
                 "answered on the training texts and on the sentences.", ""]
    rows = [row for model, m in found.items() for row in points(model, m, separate)]
    text += table(POINT, rows + bag_of_words(folder, first["full_depth"], separate))
    text += seeds_table(data_set, encoder, folder)
    text += peers(folder)
    text += table(["ECE of exit", "", "0", *layer_numbers(encoder)], [row for model, m in found.items()
                                                                    for row in calibration(MODELS[model], m, encoder)])
    for model, m in found.items():
        text += sentences(MODELS[model], m)
    return text + cuts_table(data_set, encoder, folder, found) + picture(data_set, folder.parent)


def main():
    docs = Path(__file__).parents[2] / "docs"
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shape", required=True, choices=list(ENCODERS), help="of the encoder")
    p.add_argument("--results", type=Path, default=docs / "results", help="as for measure.py")
    p.add_argument("--out", type=Path, help="default: the page in docs/")
    a = p.parse_args()
    encoder = ENCODERS[a.shape]
    head = (Path(__file__).parent / f"page_head_{a.shape}.md").read_text(encoding="utf-8")
    text = [head.rstrip(), "", *summary(encoder, a.results / a.shape), *training_cost(a.results / a.shape, encoder)]
    for name in encoder.recipes:
        text += section(SETS[name], encoder, a.results / a.shape / name)
    (a.out or docs / encoder.page).write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
