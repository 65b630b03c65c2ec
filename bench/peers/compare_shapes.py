# SPDX-License-Identifier: Apache-2.0
"""Times every engine on random token ids of one batch size and length, in turn, round after round."""
import random
import time

import numpy as np

from engines import Inputs
from report import quartiles

# Distance of logits from PyTorch's float32, as a share of their largest magnitude (at least 0.5: random weights can
# give logits near 0, where rounding is as large as they are).
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.15, "int8": 0.35}
# Which peers an offramp format is compared with: (family, format).
OPPONENTS = {"float32": [("onnxruntime", "float32"), ("openvino", "float32"), ("pytorch", "float32")],
             "bfloat16": [("openvino", "bfloat16"), ("onnxruntime", "float32"), ("pytorch", "float32")],
             "int8": [("onnxruntime", "int8"), ("openvino", "int8"), ("onnxruntime", "float32")]}
# ONNX Runtime's threads go on spinning for a while after a call; the next engine waits until they sleep.
SETTLE = 0.03


def random_inputs(model, batch, tokens, first, last, seed=1):
    ids = np.random.default_rng(seed).integers(0, model.config["vocab_size"], (batch, tokens))
    ids[:, 0], ids[:, -1] = first, last
    return Inputs(ids.astype(np.int64))


def check_logits(engines, inputs, reference):
    """Ends the program when an engine computes another model; returns each one's distance. What a peer's own quantization
    loses is no reason: the distance stands beside its time."""
    expected, distances = reference.logits(inputs), {}
    for engine in engines:
        found = engine.logits(inputs)
        distances[engine.name] = float(np.abs(found - expected).max() / max(0.5, np.abs(expected).max()))
        tolerance = np.inf if engine.format == "int8" and engine.family != "offramp" else TOLERANCE[engine.format]
        if found.shape != expected.shape or not distances[engine.name] <= tolerance:
            raise SystemExit(f"{engine.name}: logits differ from {reference.name}'s by {distances[engine.name]:.3g}, at most "
                             f"{tolerance} was expected")
    return distances


def take_turns(engines, inputs, threads, rounds, turn_seconds):
    """Seconds per call: name -> [round][call]. Every round goes through the engines in another order."""
    calls = {e.name: max(1, min(1000, int(turn_seconds / max(e.time(inputs, threads, 1)[0], 1e-6)))) for e in engines}
    seconds, order, shuffle = {e.name: [] for e in engines}, list(engines), random.Random(1).shuffle
    for _ in range(rounds):
        shuffle(order)
        for engine in order:
            time.sleep(SETTLE)
            seconds[engine.name].append(engine.time(inputs, threads, calls[engine.name]))
    return seconds


def roof_seconds(model, number_format, batch, tokens, peak):
    """What the measured peaks allow at best: computing every row of every layer, or reading every weight once."""
    rate = {"float32": peak["float32"], "bfloat16": max(peak["float32"], peak["bfloat16_dot"], peak["bfloat16_tile"]),
            "int8": max(peak["int8_dot"], peak["int8_tile"])}[number_format]
    weight_bytes = model.linear_parameters * {"float32": 4, "bfloat16": 2, "int8": 1}[number_format]
    return max(model.operations(batch, tokens) / rate if rate else 0.0, weight_bytes / peak["dram_read"])


def best_of(engines, seconds, family, number_format):
    median = lambda e: quartiles(np.concatenate(seconds[e.name]))[1]
    return min((e for e in engines if (e.family, e.format) == (family, number_format)), key=median, default=None)


def ratio_rows(engines, seconds):
    """Peer's time over offramp's: the ratio of medians in each round, then quartiles over the rounds."""
    for engine in (e for e in engines if e.family == "offramp"):
        for family, number_format in OPPONENTS[engine.format]:
            peer = best_of(engines, seconds, family, number_format)
            if peer:
                pairs = zip(seconds[peer.name], seconds[engine.name])
                low, middle, high = quartiles([np.median(theirs) / np.median(ours) for theirs, ours in pairs])
                yield {"engine": engine.name, "peer": peer.name, "ratio": middle, "ratio_q1": low, "ratio_q3": high}


def compare_shape(report, model, engines, inputs, threads, options, peak=None):
    batch, tokens = inputs.ids.shape
    shape = {"model": model.path.name, "batch": batch, "tokens": tokens, "threads": threads}
    distances = check_logits(engines, inputs, next(e for e in engines if e.family == "pytorch"))
    seconds = take_turns(engines, inputs, threads, options.rounds, options.turn)
    times = []
    for engine in engines:
        low, middle, high = (1e3 * q for q in quartiles(np.concatenate(seconds[engine.name])))
        row = {"engine": engine.name, "format": engine.format, "median_ms": middle, "q1_ms": low, "q3_ms": high,
               "calls": sum(map(len, seconds[engine.name])), "logits_distance": distances[engine.name]}
        if peak and engine.family == "offramp":
            row["share_of_roof"] = 1e3 * roof_seconds(model, engine.format, batch, tokens, peak) / middle
        report.record("time", **shape, **row)
        times.append(row)
    ratios = list(ratio_rows(engines, seconds))
    for row in ratios:
        report.record("ratio", **shape, **row)
    print_shape(report, shape, times, ratios)


def print_shape(report, shape, times, ratios):
    print(f"{shape['model']}, batch {shape['batch']} x {shape['tokens']} tokens, {shape['threads']} thread(s)\n")
    decimals = lambda row: {key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()}
    percent = lambda row: {"share_of_roof": f"{100 * row['share_of_roof']:.0f} %"} if "share_of_roof" in row else {}
    far = lambda row: {"logits_distance": f"{row['logits_distance']:.1e}"}
    columns = {"engine": "engine", "median_ms": "median ms", "q1_ms": "lower quartile", "q3_ms": "upper quartile",
               "calls": "calls", "logits_distance": "logits off by"}
    if any("share_of_roof" in row for row in times):
        columns["share_of_roof"] = "of the roof"
    report.table(columns, [decimals(row) | far(row) | percent(row) for row in times])
    report.table({"engine": "engine", "peer": "best peer of its kind", "ratio": "peer / offramp", "ratio_q1": "lower quartile",
                  "ratio_q3": "upper quartile"}, [decimals(row) for row in ratios])
