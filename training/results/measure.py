# SPDX-License-Identifier: Apache-2.0
"""Calibrates, chooses, certifies and measures the trained models, and fits exits to the frozen encoder. A jointly trained
model is measured as it is, with one threshold for all exits, and with an exit before the encoder, under a threshold that
declines from exit to exit.

Temperatures come from temperatures.tsv, thresholds from choose.tsv, certificates from certify.tsv; test.tsv is reported.
Writes RESULTS/SET/MODEL.json, which report.py turns into the page. Run it with nothing else on the machine: it takes wall
times. What is measured already is kept.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from answers import ExitLogits, add_right, thresholds_by_exit
from sets import ENCODERS, SETS, DataSet, Encoder
from splits import rows as data_rows

EXPORT = Path(__file__).parent.parent / "export.py"
PARTS = ("train", "temperatures", "choose", "certify", "test")
LOSSES = tuple(f"loss:{points}" for points in (0, 0.5, 1, 2))  # of accuracy
EPSILONS = (0.01, 0.02)
CONDITIONAL_EPSILON = 0.02
UNTIMED = ("--rounds", 0, "--points", 0)  # all points, as none is timed and so sure to be among fewer
LOGITS = "test.jsonl"  # of every exit for every text of test.tsv


@dataclass(frozen=True)
class Way:
    """Of using a model that was trained."""
    trained: str
    exit_0: bool = False  # an exit before the encoder, see add_exit_0, and a threshold that declines


WAYS = {
    "joint": Way("joint"),
    "exit0_declining": Way("joint", exit_0=True),
    "self_trained_exit0_declining": Way("self_trained", exit_0=True),
}


def way_of(name: str) -> Way:
    """Of what is no way, a separate model or `offramp fit`, one threshold for all its exits."""
    return WAYS.get(name, Way(name))


class Offramp:
    """The built command, on one data set with the models of one encoder."""

    def __init__(self, program: str, data_set: DataSet, encoder: Encoder, folder: Path, timing: tuple):
        self.program, self.encoder, self.folder, self.timing = program, encoder, folder, timing
        self.labels, self.max_tokens = ",".join(data_set.labels), data_set.max_tokens
        recipe = encoder.recipes[data_set.name]
        self.cuts = [f"cut{depth}" for depth in recipe.cuts]
        self.speedup, self.decline = recipe.speedup or encoder.speedup, recipe.decline or encoder.decline

    def data(self, part: str) -> Path:
        return self.folder / "data" / f"{part}.tsv"

    def json_lines(self, command: str, *arguments) -> list[dict]:
        run = subprocess.run([self.program, command, "--json", *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
        return [json.loads(line) for line in run.stdout.splitlines()]

    def study(self, command: str, *arguments) -> list[dict]:
        """One that reads labelled texts."""
        return self.json_lines(command, "--labels", self.labels, *arguments)

    def answers(self, model: Path, texts: Path, *policy) -> list[str]:
        """Its labels, under a policy."""
        return [line["label"] for line in self.json_lines("classify", "--model", model, "--input", texts, "--threads", 2, *policy)]


def rule_of(name: str, run: Offramp) -> tuple:
    return ("--rule", "declining", "--decline", run.decline) if way_of(name).exit_0 else ()


def curve_rows(directory: Path, kind: str = "threshold") -> list[dict]:
    """Those of a kind: of the thresholds, from the lowest to full depth."""
    rows = [json.loads(line) for line in (directory / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["kind"] == kind]


def row_at(rows: list[dict], threshold: float) -> dict:
    """The row of the curve that this threshold gives."""
    for row in rows:
        lowest, highest = row["lowest_threshold"], row["highest_threshold"]
        if (lowest is None or lowest <= threshold) and (highest is None or threshold <= highest):
            return row
    raise ValueError(f"no row of the curve holds the threshold {threshold}")


def deepest_within(rows: list[dict], layers: float) -> dict:
    """The row of the highest threshold at which a text runs at most so many layers on average."""
    return [row for row in rows if row["mean_layer"] <= layers][-1]


def write_json(value, path: Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def threshold_for_speedup(run: Offramp, model: Path, out: Path, rule: tuple) -> float | None:
    """The deepest on choose.tsv, of some that run few enough layers, that reaches the speed-up in wall time.

    Not the most accurate: so near to each other, thresholds differ on so few texts by chance.
    """
    rows, speedup = curve_rows(out / "choose"), run.speedup
    grid = {deepest_within(rows, run.encoder.depth / (speedup + step / 10))["threshold"] for step in range(8)}
    run.study("curve", "--model", model, "--data", run.data("choose"), "--out", out / "choose-timed", "--points", 0,
              "--grid", ",".join(map(str, sorted(grid))), *run.timing, *rule)
    timed = [row for row in curve_rows(out / "choose-timed") if row["single_mean_ms"] is not None]
    reached = [row for row in timed if speedup * row["single_mean_ms"] <= timed[-1]["single_mean_ms"]]
    return reached[-1]["threshold"] if reached else None


def certify(run: Offramp, model: Path, *arguments) -> list[dict]:
    return run.study("certify", "--model", model, "--leave-out-known", "--data", run.data("certify"), "--threads", 2, *arguments)


def calibrate(run: Offramp, model: Path, *arguments):
    run.study("calibrate", "--model", model, "--data", run.data("temperatures"), "--threads", 2, *arguments)


def measure_early_exit(name: str, run: Offramp, model: Path, out: Path) -> dict:
    rule = rule_of(name, run)
    calibrate(run, model, *(["--ngram-weights"] if way_of(name).exit_0 and run.encoder.ngram_weights else []))
    goals = [argument for goal in LOSSES for argument in ("--pick", goal)]
    chosen = run.study("curve", "--model", model, "--data", run.data("choose"), "--rounds", 0, "--out", out / "choose",
                       *goals, *rule)
    picks = dict(zip(LOSSES, (line["threshold"] for line in chosen if line["kind"] == "pick")))
    if run.timing != UNTIMED:
        picks[f"speedup:{run.speedup}"] = threshold_for_speedup(run, model, out, rule)
    certificates = certify(run, model, *(argument for epsilon in EPSILONS for argument in ("--epsilon", epsilon)), *rule)
    certified = [(c["certified"] or {}).get("threshold") for c in certificates]
    conditional = certify(run, model, "--epsilon", CONDITIONAL_EPSILON, "--conditional")[0]
    thresholds = sorted({t for t in (*picks.values(), *certified) if t is not None})
    summary = run.study("curve", "--model", model, "--data", run.data("test"), "--out", out / "test", "--grid",
                        ",".join(map(str, thresholds)), "--certified", CONDITIONAL_EPSILON, "--texts-out", out / LOGITS,
                        *run.timing, *rule)[0]
    rows, logits = curve_rows(out / "test"), ExitLogits.read(out / LOGITS)
    if conditional["certified"]:
        conditional["left_by"] = logits.left_by(thresholds_by_exit(conditional))
    at_every_exit = [row for row in curve_rows(out / "test", "policy") if row["policy"].endswith("at every exit")]
    found = {
        "areas": {key: value for key, value in summary.items() if key.startswith("area_")},
        "full_depth": rows[-1],
        "accuracy_within": [deepest_within(rows, depth)["accuracy"] for depth in range(1, run.encoder.depth + 1)
                            if depth >= rows[0]["mean_layer"]],
        "picks": [{"goal": goal, "threshold": t, **row_at(rows, t)} for goal, t in picks.items() if t is not None],
        "certificates": [{**c, "test": None if t is None else row_at(rows, t)} for c, t in zip(certificates, certified)],
        "conditional": {**conditional, "test": at_every_exit[0] if at_every_exit else None},
        "calibration": logits.calibration(),
    }
    add_right(found, logits, run.decline if way_of(name).exit_0 else 0)
    return found


def measure_one_exit(run: Offramp, model: Path, out: Path, *arguments) -> dict:
    """The accuracy of a model with one exit and, where the arguments ask for it, its time."""
    run.study("curve", "--model", model, "--data", run.data("test"), "--out", out / "test", "--texts-out", out / LOGITS, *arguments)
    found = {"full_depth": curve_rows(out / "test")[-1]}
    add_right(found, ExitLogits.read(out / LOGITS))
    return found


def measure_cut(run: Offramp, model: Path, out: Path) -> dict:
    calibrate(run, model)
    return measure_one_exit(run, model, out, "--grid", "1", *run.timing)


def measure_bag(run: Offramp, encoder: str, out: Path) -> dict:
    """The exit before the encoder alone: a bag of token ids and pairs of them. Of the encoder only the tokenizer counts."""
    run.study("fit", "--layers", 0, "--model", encoder, "--train", run.data("train"), "--dev", run.data("temperatures"),
              "--out", out / "model", "--max-tokens", run.max_tokens, "--threads", 2)
    return measure_one_exit(run, out / "model", out, "--rounds", 0)


def export(trained: Path, encoder: str, model: Path):
    subprocess.run([sys.executable, EXPORT, "--trained", trained, "--encoder", encoder, "--out", model], check=True)


def fit(run: Offramp, encoder: str, model: Path):
    start = time.monotonic()
    run.study("fit", "--model", encoder, "--train", run.data("train"), "--dev", run.data("temperatures"), "--out", model,
              "--max-tokens", run.max_tokens, "--threads", 2)
    (model.parent / "fit.json").write_text(json.dumps({"fit_seconds": time.monotonic() - start}), encoding="utf-8")


def add_exit_0(run: Offramp, layers: Path, model: Path):
    """It learns the labels and, where train.py cut sentences, full depth's answers to them."""
    train, sentences = run.data("train"), run.folder / "sentences.txt"
    if sentences.exists():
        answers = run.answers(layers, sentences, "--full-depth", "--format", "int8")
        lines = [f"{answer}\t{text}" for answer, text in zip(answers, data_rows(sentences), strict=True)]
        train = model.parent / "train.tsv"
        train.write_text("\n".join([*data_rows(run.data("train")), *lines]) + "\n", encoding="utf-8")
    run.study("fit", "--layers", 0, "--model", layers, "--train", train, "--dev", run.data("temperatures"), "--out", model,
              "--threads", 2)


def prepare(name: str, run: Offramp, encoder: str, out: Path, model: Path) -> bool:
    """Makes the model directory; false where nothing was trained that it could be made of."""
    way = way_of(name)
    if name == "bag" or (model / "exits.json").exists():  # written last
        return True
    if name == "fit":
        fit(run, encoder, model)
        return True
    trained = run.folder / way.trained / "final.pt"
    if not trained.exists():
        print(f"{trained}: not trained, left out", flush=True)
        return False
    layers = out / "layers" if way.exit_0 else model
    export(trained, encoder, layers)
    if way.exit_0:
        add_exit_0(run, layers, model)
    return True


def draw(run: Offramp, picture: Path):
    """The last way beside `offramp fit` and the separate models, as far as there are any, on test.tsv."""
    measured = run.folder / "measured"

    def there(names) -> list[str]:
        return [name for name in names if (measured / name / "model").exists()]

    ways = there(name for name in run.encoder.early_exit if name in WAYS)
    if picture.exists() or not ways:
        return
    names = {"joint training": ways[-1]} | {name: name for name in there(["fit"])}
    names |= {f"trained for {name.removeprefix('cut')}": name for name in there(run.cuts)}
    models = measured / "drawn"
    models.mkdir(exist_ok=True)
    for name, model in names.items():  # a picture names a model by its directory
        (models / name).unlink(missing_ok=True)
        (models / name).symlink_to(Path("..") / model / "model")
    speedups = (argument for factor in (2, 3, 5) for argument in ("--pick", f"speedup:{factor}"))  # in layers: chosen by no label
    run.study("curve", *(argument for name in names for argument in ("--model", models / name)), "--data", run.data("test"),
              "--rounds", 0, *rule_of(ways[-1], run), *speedups, "--out", models / "curve")
    shutil.copy(models / "curve" / "curve.svg", picture)


def cpu() -> str:
    """Linux only. Family and model tell apart what virtual machines all call "Xeon Processor"."""
    pairs = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    found = {key.strip(): value.strip() for key, _, value in pairs}
    return f"{found['model name']} (family {found['cpu family']}, model {found['model']}), {os.cpu_count()} cores"


def measure(name: str, run: Offramp, encoder: str, results: Path):
    out = run.folder / "measured" / name
    target, model = results / f"{name}.json", out / "model"
    if target.exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    if not prepare(name, run, encoder, out, model):
        return
    found = {"cpu": cpu(), "texts": {part: len(data_rows(run.data(part))) for part in PARTS}}
    if name.startswith("cut"):
        found |= measure_cut(run, model, out)
    elif name == "bag":
        found |= measure_bag(run, encoder, out)
    else:
        found |= measure_early_exit(name, run, model, out)
    if name == "fit":
        found |= json.loads((out / "fit.json").read_text(encoding="utf-8"))
    write_json(found, target)
    print(target, flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--offramp", required=True, help="the built command")
    p.add_argument("--shape", required=True, choices=list(ENCODERS), help="of the encoder")
    p.add_argument("--encoder", required=True, help="directory that the training began with")
    p.add_argument("--work", type=Path, required=True, help="as for train.py")
    p.add_argument("--results", type=Path, required=True, help="gets SHAPE/SET/MODEL.json")
    p.add_argument("--sets", nargs="+", choices=list(SETS), help="default: those that an encoder of this shape is trained on")
    p.add_argument("--timed-texts", type=int, default=1500)
    a = p.parse_args()
    encoder = ENCODERS[a.shape]
    timing = ("--timed-texts", a.timed_texts, "--rounds", 1)
    for name in a.sets or encoder.recipes:
        run = Offramp(a.offramp, SETS[name], encoder, a.work / name, timing)
        for model in [*run.cuts, *encoder.early_exit, "bag"]:
            measure(model, run, a.encoder, a.results / a.shape / name)
        untimed = Offramp(a.offramp, SETS[name], encoder, a.work / name, UNTIMED)
        for model in encoder.other_seeds(SETS[name]):
            measure(model, untimed, a.encoder, a.results / a.shape / name)
        draw(run, a.results / a.shape / f"{name}.svg")


if __name__ == "__main__":
    main()
