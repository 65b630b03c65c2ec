# SPDX-License-Identifier: Apache-2.0
"""What exits add to training: times steps of the model with an exit on every layer, and of separate models of each depth.

The models take turns on the same batches, so only the ratios count; run it with nothing else on the machine. Writes JSON:
`joint` and, for the depths 1, 2, ..., `separate`: parameters and the median of a step's time over that of the full depth
with one exit.
"""
import argparse
import json
import statistics
import time

import torch

import data
import train
from exit_model import ExitModel


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--steps", type=int, default=30, help="timed steps of each model")
    p.add_argument("train_arguments", nargs=argparse.REMAINDER, help="after --: those of train.py; --layers is set here")
    return p.parse_args()


class Contestant:
    def __init__(self, layers: list[int], a):
        settings = {"labels": a.labels, "layers": layers, "input": a.input, "pooling": a.pooling, "pooler": a.pooler}
        self.model = ExitModel.from_pretrained(a.encoder, settings).train()
        self.optimizer = train.make_optimizer(self.model, a)
        self.seconds = []

    def step(self, batch: dict, labels, a):
        start = time.perf_counter()
        train.train_step(self.model, self.optimizer, batch, labels, None, a)
        self.seconds.append(time.perf_counter() - start)

    def parameters(self) -> int:
        return sum(p.numel() for p in self.model.parameters())


def main():
    own = parse_arguments()
    a = train.parse_arguments([x for x in own.train_arguments if x != "--"])
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    tokenizer = data.load_tokenizer(a.encoder, a.max_tokens)
    texts = data.encode(tokenizer, *data.read_labelled(a.train, {"input": a.input}, a.labels))
    labels = torch.tensor(texts.labels)
    batches = data.cut_batches([len(ids) for ids in texts.ids], a.tokens, a.seed)[: own.steps + 1]
    depth = train.depth_of(a.encoder)
    joint = Contestant(list(range(1, depth + 1)), a)
    separate = [Contestant([layers], a) for layers in range(1, depth + 1)]
    for batch in batches:
        for contestant in (joint, *separate):
            contestant.step(data.collate(texts, batch), labels[batch], a)

    def ratio(contestant: Contestant) -> float:
        pairs = zip(contestant.seconds[1:], separate[-1].seconds[1:])  # the first step warms up
        return statistics.median(mine / full for mine, full in pairs)

    print(json.dumps({
        "steps": own.steps,
        "joint": {"parameters": joint.parameters(), "step_time": ratio(joint)},
        "separate": [{"parameters": c.parameters(), "step_time": ratio(c)} for c in separate],
    }, indent=1))


if __name__ == "__main__":
    main()
