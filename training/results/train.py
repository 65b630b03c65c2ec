# SPDX-License-Identifier: Apache-2.0
"""Trains every model of the results page: the joint models, those cut at each depth, and the self-trained ones.

Finished ones are skipped and an interrupted one goes on, so the same command may be run again and again.
"""
import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sets import DEPTH, SETS, DataSet

TRAINING = Path(__file__).parent.parent
TEACHERS = ("joint", f"cut{DEPTH}")
SENTENCES, SELF_TRAINING_EPOCHS = 100_000, 2


def self_training_arguments(data_set: DataSet, work: Path) -> list:
    """Two models trained before label the sentences of another set's training texts."""
    folder = work / data_set.name
    sentences = folder / "sentences.txt"
    if not sentences.exists():
        subprocess.run([sys.executable, TRAINING / "sentences.py", work / data_set.reviews / "data" / "train.tsv",
                        "--out", sentences, "--count", str(SENTENCES)], check=True)
    return ["--teacher", *(folder / teacher for teacher in TEACHERS), "--unlabelled", sentences,
            "--epochs", str(SELF_TRAINING_EPOCHS)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--encoder", required=True, help="directory of all-MiniLM-L6-v2, or of a model with 6 layers made of it")
    p.add_argument("--work", type=Path, required=True, help="WORK/SET/data is what splits.py made")
    p.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    p.add_argument("--jobs", type=int, default=2, help="models trained at a time; 3 to 7 GB of memory each")
    p.add_argument("--threads", type=int, default=1, help="of each")
    a = p.parse_args()
    runs = [(SETS[name], "joint", range(1, DEPTH + 1)) for name in a.sets]
    runs += [(SETS[name], f"cut{depth}", [depth]) for name in a.sets if SETS[name].cuts for depth in range(1, DEPTH + 1)]
    students = [(SETS[name], "self_trained", range(1, DEPTH + 1)) for name in a.sets if SETS[name].reviews]

    def train(run):
        data_set, model, layers = run
        folder = a.work / data_set.name
        if (folder / model / "final.pt").exists():
            return
        print(f"{data_set.name} {model}", flush=True)
        more = self_training_arguments(data_set, a.work) if model == "self_trained" else []
        subprocess.run(
            [sys.executable, TRAINING / "train.py", "--encoder", a.encoder, "--train", folder / "data" / "train.tsv",
             "--dev", folder / "data" / "choose.tsv", "--out", folder / model, "--threads", str(a.threads),
             "--layers", *map(str, layers), *data_set.training_arguments(), *more],
            check=True)

    with ThreadPoolExecutor(a.jobs) as pool:
        list(pool.map(train, runs))  # list: raises what a run raised
        list(pool.map(train, students))  # their teachers are among the others


if __name__ == "__main__":
    main()
