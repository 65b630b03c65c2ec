# SPDX-License-Identifier: Apache-2.0
"""Compares the labels that every exit of a model answers in float32, bfloat16 and int8."""
import argparse
import json
from pathlib import Path

import numpy as np

import data
from every_exit import every_exit

FORMATS = ("float32", "bfloat16", "int8")


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--offramp", required=True, help="the offramp command")
    p.add_argument("--model", required=True, help="model directory, calibrated in every format")
    p.add_argument("--data", nargs="+", required=True, help="labelled texts; they choose nothing")
    p.add_argument("--labels", nargs="+", required=True, help="labels as written in the data, in label order")
    return p.parse_args()


def read(path: str, labels: list[str], columns: int) -> tuple[list[str], np.ndarray]:
    rows = data.read_rows(path, columns)
    return ["\t".join(row[1:]) for row in rows], np.array([labels.index(row[0]) for row in rows])


def logits(a, texts: list[str], numeric_format: str) -> np.ndarray:
    """What every exit says of every text: [exits, texts, labels]."""
    answers = every_exit(a.offramp, a.model, texts, numeric_format)
    return np.array([[exit["logits"] for exit in exits] for exits in answers]).transpose(1, 0, 2)


def main():
    a = parse_arguments()
    description = json.loads((Path(a.model) / "exits.json").read_text(encoding="utf-8"))
    columns = 3 if description["input"] == "pair" else 2
    for file in a.data:
        texts, labels = read(file, a.labels, columns)
        reference = None
        for name in FORMATS:
            z = logits(a, texts, name)
            answers = z.argmax(-1)
            reference = answers if reference is None else reference
            print(f"{Path(file).parent.name}/{Path(file).name}, {name}: n {len(labels)}; accuracy per exit",
                  *(f"{(x == labels).mean():.4f}" for x in answers), "; labels as float32's",
                  *(f"{(x == r).mean():.4f}" for x, r in zip(answers, reference)))


if __name__ == "__main__":
    main()
