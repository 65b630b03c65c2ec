# SPDX-License-Identifier: Apache-2.0
"""End to end over a labelled file at batch 1: offramp from text, with tokenization in its time, at full depth and at a
threshold; the peers from token ids, at full depth; PyTorch also as an early-exit loop at the same threshold."""
import random
import time

import numpy as np
import torch

from compare_shapes import OPPONENTS, SETTLE, best_of, check_logits
from engines import Inputs
from report import quartiles

CHUNK = 50  # texts that one engine runs before the next one has its turn
NEAR = 1e-4  # decisions may differ where a confidence is this near to the threshold


def read_data(path, config, limit):
    """(texts, label ids); labels are names of the model or their numbers."""
    names = {name: int(i) for i, name in config["id2label"].items()}
    texts, labels = [], []
    for number, line in enumerate(open(path, encoding="utf-8", newline="\n"), 1):
        label, *text = line.rstrip("\n").removesuffix("\r").split("\t")
        if not text or (label not in names and not label.isdigit()):
            raise SystemExit(f"{path}:{number}: expected label<TAB>text or label<TAB>premise<TAB>hypothesis")
        labels.append(names[label] if label in names else int(label))
        texts.append(text[0] if len(text) == 1 else text[:2])
    return texts[:limit], labels[:limit]


def tokenized(server, texts):
    answer = server.ask(do="tokenize", texts=texts)
    row = lambda values: np.array([values], np.int64)
    return [Inputs(row(ids), row(types), [text]) for ids, types, text in zip(answer["ids"], answer["type_ids"], texts)]


class Runner:
    """One engine, in one way of using it, over a chunk of texts: seconds, and the answers' (label, layer)."""

    def __init__(self, engine, threads, depth, threshold=None, decline=None, torch_loop=False, own_policy=False):
        """`depth` is the last layer that is run: with a threshold where a text leaves at the latest, else all."""
        self.engine, self.threads, self.threshold, self.torch_loop = engine, threads, threshold, torch_loop
        self.depth, self.decline, self.own_policy, self.format = depth, decline, own_policy, engine.format
        early = own_policy or threshold is not None
        self.family = "loop" if torch_loop else "offramp early" if early else engine.family
        base = "pytorch float32 early-exit loop" if torch_loop else engine.name
        self.name = base + (" by its own policy" if own_policy else f" at threshold {threshold}" if early else " at full depth") + (
            f", declining by {decline}" if decline else "")

    def run(self, inputs):
        if self.engine.family == "offramp":
            texts = Inputs(inputs[0].ids, inputs[0].type_ids, [i.texts[0] for i in inputs])
            request = dict(do="time", each=True, format=self.format, threads=self.threads, calls=1,
                           threshold=self.threshold, decline=self.decline, max_layer=self.depth, own_policy=self.own_policy,
                           texts=texts.texts)
            reply = self.engine.server.ask(**request)
            return reply["nanoseconds"][0] * 1e-9, list(zip(reply["labels"], reply["layers"])), None
        call = self.loop if self.torch_loop else self.full_depth
        torch.set_num_threads(self.threads)
        call(inputs)  # the server has an uncounted call too
        start = time.perf_counter()
        answers = call(inputs)
        seconds = time.perf_counter() - start
        if self.torch_loop:
            return seconds, [(label, layer) for layer, label, _ in answers], [c for _, _, c in answers]
        return seconds, [(int(logits.argmax()), self.depth) for logits in answers], None

    def full_depth(self, inputs):
        return [self.engine.logits(i, self.threads) for i in inputs]

    def loop(self, inputs):
        model = self.engine.model
        return [model.early_exit(torch.from_numpy(i.ids), torch.from_numpy(i.type_ids), self.threshold, self.depth)
                for i in inputs]


def make_runners(engines, threads, layers, options):
    runners = [Runner(e, threads, layers[-1]) for e in engines]
    ours = [e for e in engines if e.family == "offramp"]
    max_layer = options.max_layer or layers[-1]
    if options.threshold is not None:
        runners += [Runner(e, threads, max_layer, options.threshold, options.decline) for e in ours]
        if layers[0] > 0 and options.decline is None:  # the loop has one threshold, and no exit before the encoder
            runners += [Runner(e, threads, max_layer, options.threshold, torch_loop=True) for e in engines
                        if e.family == "pytorch"]
    if options.own_policy:
        runners += [Runner(e, threads, layers[-1], own_policy=True) for e in ours]
    return runners


def check_decisions(runners, answers, confidences, threshold):
    """The loop must leave where offramp leaves; returns how many texts were too near to the threshold to tell."""
    loop = next((r for r in runners if r.family == "loop"), None)
    ours = next((r for r in runners if (r.family, r.format) == ("offramp early", "float32")), None)
    if ours is None or loop is None:
        return None
    near = 0
    for i, (a, b) in enumerate(zip(answers[ours.name], answers[loop.name])):
        if a != b:
            if min(abs(c - threshold) for c in confidences[i]) > NEAR:
                raise SystemExit(f"text {i}: offramp answers {a} (label, layer), the PyTorch loop {b}")
            near += 1
    return near


def compare_data(report, model, engines, server, options, threads, layers):
    texts, labels = read_data(options.data, model.config, options.texts)
    inputs = tokenized(server, texts)
    for one in inputs[:3]:
        check_logits(engines, one, next(e for e in engines if e.family == "pytorch"))
    if options.max_layer and options.max_layer not in layers:
        raise SystemExit(f"--max-layer: {options.max_layer} has no exit")
    runners = make_runners(engines, threads, layers, options)
    seconds = {r.name: np.zeros(options.rounds) for r in runners}
    answers, confidences, order = {}, [], list(runners)
    shuffle = random.Random(1).shuffle
    for round_number in range(options.rounds):
        answers = {r.name: [] for r in runners}
        confidences = []
        for begin in range(0, len(inputs), CHUNK):
            shuffle(order)
            for runner in order:
                time.sleep(SETTLE)
                took, found, visited = runner.run(inputs[begin : begin + CHUNK])
                seconds[runner.name][round_number] += took
                answers[runner.name] += found
                confidences += visited or []
    near = check_decisions(runners, answers, confidences, options.threshold) if options.threshold is not None else None
    head = {"model": model.path.name, "data": options.data.name, "texts": len(texts), "threads": threads,
            "threshold": options.threshold, "decline": options.decline, "max_layer": options.max_layer, "decisions_too_near_to_tell": near}
    print(", ".join(f"{key} {value}" for key, value in head.items() if value is not None) + "\n")
    print_runners(report, head, runners, seconds, answers, labels)
    print_ratios(report, head, runners, seconds)


def print_runners(report, head, runners, seconds, answers, labels):
    rows = []
    for r in runners:
        low, middle, high = quartiles(seconds[r.name])
        row = {"engine": r.name, "seconds": middle, "q1": low, "q3": high,
               "accuracy": float(np.mean([a == b for (a, _), b in zip(answers[r.name], labels)])),
               "mean_layer": float(np.mean([layer for _, layer in answers[r.name]]))}
        report.record("data_time", **head, **row)
        rows.append({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})
    report.table({"engine": "engine", "seconds": "seconds", "q1": "lower quartile", "q3": "upper quartile",
                  "accuracy": "accuracy", "mean_layer": "mean layer"}, rows)


def print_ratios(report, head, runners, seconds):
    rows = []
    for ours in (r for r in runners if r.family in ("offramp", "offramp early")):
        loop = [("loop", "float32")] if ours.family == "offramp early" else []
        for family, number_format in OPPONENTS[ours.format] + loop:
            peer = best_of(runners, {r.name: [seconds[r.name]] for r in runners}, family, number_format)
            if peer:
                low, middle, high = quartiles(seconds[peer.name] / seconds[ours.name])
                row = {"engine": ours.name, "peer": peer.name, "ratio": middle, "ratio_q1": low, "ratio_q3": high}
                report.record("data_ratio", **head, **row)
                rows.append({k: f"{v:.3f}" if isinstance(v, float) else v for k, v in row.items()})
    report.table({"engine": "engine", "peer": "peer", "ratio": "peer / offramp", "ratio_q1": "lower quartile",
                  "ratio_q3": "upper quartile"}, rows)
