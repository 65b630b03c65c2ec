# SPDX-License-Identifier: Apache-2.0
"""Trains every model of a results page: the joint models, the separate ones, and the self-trained ones.

Finished ones are skipped and an interrupted one goes on, so the same command may be run again and again.
"""
import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from measure import export
from sets import ENCODERS, SETS, DataSet

TRAINING = Path(__file__).parent.parent
SELF_TRAINED = "self_trained"


def offramp_model(folder: Path, encoder: str) -> Path:
    """The offramp model directory of a trained model."""
    model = folder / "model"
    if not (model / "exits.json").exists():  # written last
        export(folder / "final.pt", encoder, model)
    return model


def self_training_arguments(a, data_set: DataSet) -> list:
    """The joint model answers the sentences of another set's training texts, and is gone on from."""
    folder, recipe = a.work / data_set.name, ENCODERS[a.shape].self_training
    sentences, joint = folder / "sentences.txt", folder / "joint"
    if not sentences.exists():
        subprocess.run([sys.executable, TRAINING / "sentences.py", a.work / data_set.reviews / "data" / "train.tsv",
                        "--out", sentences, "--count", str(recipe.sentences)], check=True)
    answers = ["--offramp", a.offramp, "--teacher", offramp_model(joint, a.encoder)] if a.offramp else ["--teacher", joint]
    return [*answers, "--unlabelled", sentences, "--initial", joint / "final.pt", "--epochs", str(recipe.epochs),
            "--encoder-lr", str(recipe.encoder_lr)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shape", required=True, choices=list(ENCODERS), help="of the encoder")
    p.add_argument("--encoder", required=True, help="directory of all-MiniLM-L6-v2 or all-mpnet-base-v2, or of a model made of it")
    p.add_argument("--work", type=Path, required=True, help="WORK/SET/data is what splits.py made")
    p.add_argument("--sets", nargs="+", choices=list(SETS), help="default: those that an encoder of this shape is trained on")
    p.add_argument("--jobs", type=int, default=2, help="models trained at a time; 3 to 7 GB of memory each")
    p.add_argument("--threads", type=int, default=1, help="of each")
    p.add_argument("--offramp", help="the built command: teachers answer through it, in int8, which on a CPU is several times faster")
    p.add_argument("--float32", action="store_true", help="no bfloat16 autocast, which is slower on a CPU without AMX")
    a = p.parse_args()
    encoder = ENCODERS[a.shape]
    names = a.sets or list(encoder.recipes)
    every_layer = range(1, encoder.depth + 1)
    runs = [(SETS[name], "joint", every_layer) for name in names]
    runs += [(SETS[name], model, every_layer) for name in names for model in encoder.other_seeds(SETS[name])]
    runs += [(SETS[name], f"cut{depth}", [depth]) for name in names for depth in encoder.recipes[name].cuts]
    students = [(SETS[name], SELF_TRAINED, every_layer) for name in names if encoder.self_training and SETS[name].reviews]

    def train(run):
        data_set, model, layers = run
        folder = a.work / data_set.name
        if (folder / model / "final.pt").exists():
            return
        print(f"{data_set.name} {model}", flush=True)
        more = self_training_arguments(a, data_set) if model == SELF_TRAINED else []
        if seed := encoder.other_seeds(data_set).get(model):
            more = ["--seed", str(seed)]
        subprocess.run(
            [sys.executable, TRAINING / "train.py", "--encoder", a.encoder, "--train", folder / "data" / "train.tsv",
             "--dev", folder / "data" / "choose.tsv", "--out", folder / model, "--threads", str(a.threads),
             *encoder.training_arguments(data_set, layers), *more, *(["--float32"] if a.float32 else [])],
            check=True)

    with ThreadPoolExecutor(a.jobs) as pool:
        list(pool.map(train, runs))  # list: raises what a run raised
        list(pool.map(train, students))  # their teacher is among the others


if __name__ == "__main__":
    main()
