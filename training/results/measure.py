# SPDX-License-Identifier: Apache-2.0
"""Calibrates, chooses, certifies and measures the trained models, and fits exits to the frozen encoder. Jointly trained
models are measured twice: with one threshold for all exits, and with one that declines from exit to exit.

Temperatures come from temperatures.tsv, thresholds from choose.tsv, certificates from certify.tsv; test.tsv is reported.
Writes RESULTS/SET/MODEL.json, which report.py turns into the page. Run it with nothing else on the machine: it takes wall
times. What is measured already is kept.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from sets import DEPTH, SETS, DataSet
from splits import rows as data_rows

EXPORT = Path(__file__).parent.parent / "export.py"
PARTS = ("train", "temperatures", "choose", "certify", "test")
LOSSES = tuple(f"loss:{points}" for points in (0, 0.5, 1, 2))  # of accuracy
SPEEDUP = 3  # in wall time
EPSILONS = (0.01, 0.02)
DECLINING = {"declining": "joint", "self_trained_declining": "self_trained"}  # the models measured again
EXIT_0 = "exit0"  # the joint model with an exit before the encoder
DECLINING_RULE = ("--rule", "declining", "--decline", 0.06)  # chosen on choose.tsv of SST-2, SNLI and MNLI
DRAWN = 200  # points of a curve that are kept for its picture


class Offramp:
    """The built command, on one data set."""

    def __init__(self, program: str, data_set: DataSet, folder: Path, timing: tuple):
        self.program, self.folder, self.timing = program, folder, timing
        self.labels, self.max_tokens = ",".join(data_set.labels), data_set.max_tokens

    def data(self, part: str) -> Path:
        return self.folder / "data" / f"{part}.tsv"

    def json_lines(self, command: str, *arguments) -> list[dict]:
        run = subprocess.run([self.program, command, "--json", "--labels", self.labels, *map(str, arguments)],
                             check=True, stdout=subprocess.PIPE, text=True)
        return [json.loads(line) for line in run.stdout.splitlines()]


def curve_rows(directory: Path) -> list[dict]:
    """Those of the thresholds, from the lowest to full depth."""
    rows = [json.loads(line) for line in (directory / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["kind"] == "threshold"]


def row_at(rows: list[dict], threshold: float) -> dict:
    """The row of the curve that this threshold gives."""
    for row in rows:
        lowest, highest = row["lowest_threshold"], row["highest_threshold"]
        if (lowest is None or lowest <= threshold) and (highest is None or threshold <= highest):
            return row
    raise ValueError(f"no row of the curve holds the threshold {threshold}")


def thinned(rows: list[dict]) -> list[dict]:
    """At most DRAWN of them, the first and the last included."""
    count = min(DRAWN, len(rows))
    return [rows[round(i * (len(rows) - 1) / max(1, count - 1))] for i in range(count)]


def deepest_within(rows: list[dict], layers: float) -> dict:
    """The row of the highest threshold at which a text runs at most so many layers on average."""
    return [row for row in rows if row["mean_layer"] <= layers][-1]


def without_reliability(measures: dict) -> dict:
    return {key: value for key, value in measures.items() if key != "reliability"}


def threshold_for_speedup(run: Offramp, model: Path, out: Path, rule: tuple) -> float | None:
    """The deepest on choose.tsv, of some that run a third of the layers or fewer, that takes a third of the time.

    Not the most accurate: so near to each other, thresholds differ on so few texts by chance.
    """
    rows = curve_rows(out / "choose")
    grid = {deepest_within(rows, DEPTH / (SPEEDUP + step / 20))["threshold"] for step in range(16)}
    run.json_lines("curve", "--model", model, "--data", run.data("choose"), "--out", out / "choose-timed", "--points", 0,
                   "--grid", ",".join(map(str, sorted(grid))), *run.timing, *rule)
    timed = [row for row in curve_rows(out / "choose-timed") if row["single_mean_ms"] is not None]
    reached = [row for row in timed if SPEEDUP * row["single_mean_ms"] <= timed[-1]["single_mean_ms"]]
    return reached[-1]["threshold"] if reached else None


def measure_early_exit(run: Offramp, model: Path, out: Path, rule: tuple = ()) -> dict:
    run.json_lines("calibrate", "--model", model, "--data", run.data("temperatures"), "--threads", 2)
    goals = [argument for goal in LOSSES for argument in ("--pick", goal)]
    chosen = run.json_lines("curve", "--model", model, "--data", run.data("choose"), "--rounds", 0, "--out", out / "choose",
                            *goals, *rule)
    picks = dict(zip(LOSSES, (line["threshold"] for line in chosen if line["kind"] == "pick")))
    picks[f"speedup:{SPEEDUP}"] = threshold_for_speedup(run, model, out, rule)
    certificates = [run.json_lines("certify", "--model", model, "--leave-out-known", "--data", run.data("certify"), "--epsilon", epsilon,
                                   "--threads", 2, *rule)[0] for epsilon in EPSILONS]
    certified = [(c["certified"] or {}).get("threshold") for c in certificates]
    thresholds = sorted({t for t in (*picks.values(), *certified) if t is not None})
    summary = run.json_lines("curve", "--model", model, "--data", run.data("test"), "--out", out / "test", "--grid",
                             ",".join(map(str, thresholds)), *run.timing, *rule)[0]
    rows = curve_rows(out / "test")
    return {
        "areas": {key: value for key, value in summary.items() if key.startswith("area_")},
        "full_depth": rows[-1],
        "curve": [[row["mean_layer"], row["accuracy"]] for row in thinned(rows)],
        "accuracy_within": [deepest_within(rows, depth)["accuracy"] for depth in range(1, DEPTH + 1)],
        "picks": [{"goal": goal, "threshold": t, **row_at(rows, t)} for goal, t in picks.items() if t is not None],
        "certificates": [{**c, "test": None if t is None else row_at(rows, t)} for c, t in zip(certificates, certified)],
    }


def measure_calibration(run: Offramp, model: Path) -> dict:
    lines = run.json_lines("calibrate", "--no-fit", "--model", model, "--data", run.data("test"), "--threads", 2)
    return {"calibration": [{**line, "before": without_reliability(line["before"]), "after": without_reliability(line["after"])}
                            for line in lines]}


def measure_cut(run: Offramp, model: Path, out: Path) -> dict:
    """A model with one exit: its accuracy and its time."""
    run.json_lines("calibrate", "--model", model, "--data", run.data("temperatures"), "--threads", 2)
    run.json_lines("curve", "--model", model, "--data", run.data("test"), "--out", out / "test", "--grid", "1", *run.timing)
    return {"full_depth": curve_rows(out / "test")[-1]}


def measure_bag(run: Offramp, encoder: str, out: Path) -> dict:
    """The exit before the encoder alone: a bag of token ids and pairs of them. Of the encoder only the tokenizer counts."""
    run.json_lines("fit", "--layers", 0, "--model", encoder, "--train", run.data("train"), "--dev", run.data("temperatures"),
                   "--out", out / "model", "--max-tokens", run.max_tokens, "--threads", 2)
    run.json_lines("curve", "--model", out / "model", "--data", run.data("test"), "--out", out / "test", "--rounds", 0)
    return {"full_depth": curve_rows(out / "test")[-1]}


def export(trained: Path, encoder: str, model: Path):
    subprocess.run([sys.executable, EXPORT, "--trained", trained, "--encoder", encoder, "--out", model], check=True)


def fit(run: Offramp, encoder: str, model: Path):
    start = time.monotonic()
    run.json_lines("fit", "--model", encoder, "--train", run.data("train"), "--dev", run.data("temperatures"), "--out", model,
                   "--max-tokens", run.max_tokens, "--threads", 2)
    (model.parent / "fit.json").write_text(json.dumps({"fit_seconds": time.monotonic() - start}), encoding="utf-8")


def add_exit_0(run: Offramp, joint: Path, model: Path):
    run.json_lines("fit", "--layers", 0, "--model", joint, "--train", run.data("train"), "--dev", run.data("temperatures"),
                   "--out", model, "--threads", 2)


def cpu() -> str:
    """Linux only. Family and model tell apart what virtual machines all call "Xeon Processor"."""
    pairs = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    found = {key.strip(): value.strip() for key, _, value in pairs}
    return f"{found['model name']} (family {found['cpu family']}, model {found['model']}), {os.cpu_count()} cores"


def measure(name: str, run: Offramp, encoder: str, results: Path):
    out = run.folder / name
    target, model = results / f"{name}.json", out / "model"
    trained = run.folder / ("joint" if name == EXIT_0 else DECLINING.get(name, name)) / "final.pt"
    if target.exists():
        return
    if name not in ("fit", "bag") and not trained.exists():
        print(f"{trained}: not trained, left out", flush=True)
        return
    out.mkdir(exist_ok=True)
    if name == "fit":
        if not (out / "fit.json").exists():
            fit(run, encoder, model)
    elif name != "bag" and not model.exists():
        exported = out / "joint" if name == EXIT_0 else model
        export(trained, encoder, exported)
        if name == EXIT_0:
            add_exit_0(run, exported, model)
    found = {"cpu": cpu(), "texts": {part: len(data_rows(run.data(part))) for part in PARTS}}
    if name.startswith("cut"):
        found |= measure_cut(run, model, out)
    elif name == "bag":
        found |= measure_bag(run, encoder, out)
    elif name in DECLINING:
        found |= measure_early_exit(run, model, out, DECLINING_RULE)
    else:
        found |= measure_early_exit(run, model, out) | measure_calibration(run, model)
    if name == "fit":
        found |= json.loads((out / "fit.json").read_text(encoding="utf-8"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(target, flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--offramp", required=True, help="the built command")
    p.add_argument("--encoder", required=True, help="directory that the training began with")
    p.add_argument("--work", type=Path, required=True, help="as for train.py")
    p.add_argument("--results", type=Path, required=True)
    p.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    p.add_argument("--timed-texts", type=int, default=1500)
    a = p.parse_args()
    timing = ("--timed-texts", a.timed_texts, "--rounds", 1)
    for name in a.sets:
        data_set = SETS[name]
        run = Offramp(a.offramp, data_set, a.work / name, timing)
        cuts = [f"cut{depth}" for depth in range(1, DEPTH + 1)] if data_set.cuts else []
        students = ["self_trained", "self_trained_declining"] if data_set.reviews else []
        for model in ["joint", "declining", EXIT_0, *students, "fit", "bag", *cuts]:
            measure(model, run, a.encoder, a.results / name)


if __name__ == "__main__":
    main()
