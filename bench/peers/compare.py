# SPDX-License-Identifier: Apache-2.0
"""Compares offramp with ONNX Runtime and PyTorch on the same weights, interleaved in one run. Only ratios from one run
count: the speed of a machine that is shared moves from minute to minute."""
import argparse
import json
import os
import subprocess
from pathlib import Path

# Read when PyTorch's threads start: spinning between its calls would take time from whoever comes next.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch  # noqa: E402

import compare_data  # noqa: E402
import compare_shapes  # noqa: E402
from engines import Offramp, Server, make_peers  # noqa: E402
from model_directory import read_model  # noqa: E402
from report import Report, circumstances  # noqa: E402


def numbers(text):
    return [int(part) for part in text.split(",")]


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("model", type=Path, help="offramp model directory")
    p.add_argument("--build", type=Path, default=Path("build/dev"), help="build directory with the benchmark programs")
    p.add_argument("--onnx", type=Path, help="directory for the exported graphs, kept for later runs; default: "
                   "MODEL-onnx in the build directory")
    p.add_argument("--formats", default="float32,bfloat16,int8", help="of offramp; those it lacks are left out")
    p.add_argument("--tokens", type=numbers, default=[16, 32, 128])
    p.add_argument("--batch", type=numbers, default=[1])
    p.add_argument("--threads", type=numbers, default=[1, 2])
    p.add_argument("--rounds", type=int, default=15)
    p.add_argument("--turn", type=float, default=0.2, help="seconds that one engine runs before the next has its turn")
    p.add_argument("--roof", action="store_true", help="measure the machine's peaks and print offramp's share of the roof")
    p.add_argument("--data", type=Path, help="compare over the texts of this file at batch 1 instead of random ids")
    p.add_argument("--threshold", type=float, help="with --data: also with early exit at this confidence")
    p.add_argument("--decline", type=float, help="with --threshold: by how much it falls from exit to exit")
    p.add_argument("--own-policy", action="store_true", help="with --data: also with early exit by the model's own policy")
    p.add_argument("--max-layer", type=int, help="with --threshold: go no deeper than this layer")
    p.add_argument("--texts", type=int, help="with --data: only the first so many")
    p.add_argument("--jsonl", help="write every row there, too")
    return p.parse_args()


def measured_peaks(build, threads):
    output = subprocess.run([build / "bench/roofline", "--json", *map(str, threads)], check=True, capture_output=True, text=True)
    return {peak["threads"]: peak for peak in map(json.loads, output.stdout.splitlines())}


def main():
    a = parse_arguments()
    torch.set_grad_enabled(False)
    model = read_model(a.model)
    report = Report(a.jsonl)
    peaks = {}
    if a.roof:
        peaks = measured_peaks(a.build, a.threads)
        for peak in peaks.values():
            report.record("peak", **peak)
    server = Server(a.build / "bench/peers/classify_server", a.model, a.formats.split(","))
    described = server.ask(do="describe")
    formats = [f for f in a.formats.split(",") if f in described["formats"]]
    report.heading(circumstances(server))
    onnx = a.onnx or a.build / (model.path.resolve().name + "-onnx")
    ids = server.ask(do="tokenize", texts=[""])["ids"][0]
    if a.data:
        calibration = compare_data.tokenized(server, compare_data.read_data(a.data, model.config, 300)[0])
    else:
        calibration = [compare_shapes.random_inputs(model, 1, n, ids[0], ids[-1], seed) for seed, n in enumerate(300 * [64])]
    engines = [Offramp(server, f) for f in formats] + make_peers(model, onnx, formats, calibration)
    next(e for e in engines if e.family == "pytorch").model.temperatures = described["temperatures"].get(
        "float32", [1.0] * len(model.exits))
    for threads in a.threads:
        if a.data:
            compare_data.compare_data(report, model, engines, server, a, threads, described["exit_layers"])
            continue
        for batch in a.batch:
            for tokens in a.tokens:
                inputs = compare_shapes.random_inputs(model, batch, tokens, ids[0], ids[-1])
                compare_shapes.compare_shape(report, model, engines, inputs, threads, a, peaks.get(threads))
    server.close()


if __name__ == "__main__":
    main()
