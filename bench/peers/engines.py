# SPDX-License-Identifier: Apache-2.0
"""The engines under comparison behind one face: `time(inputs, threads, calls)` in seconds and `logits(inputs)`.

Inputs are batches of token ids of one length. Every `time` makes one call that is not counted first.
"""
import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
import torch

import export_onnx
import modernbert
import openvino_peer
import torch_peer


@dataclass
class Inputs:
    ids: np.ndarray  # [batch, tokens]
    type_ids: np.ndarray = None
    texts: list = field(default_factory=list)  # what the ids were made of, where there is such a text

    def __post_init__(self):
        if self.type_ids is None:
            self.type_ids = np.zeros_like(self.ids)

    def feed(self, names):
        return {name: {"input_ids": self.ids, "token_type_ids": self.type_ids}[name] for name in names}


def timed(call, calls):
    call()
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


class Server:
    """classify_server.cpp as a child process."""

    def __init__(self, program, model, formats):
        self.process = subprocess.Popen([program, model, *formats], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("classify_server ended")
        answer = json.loads(line)
        if "error" in answer:
            raise SystemExit("classify_server: " + answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Offramp:
    family = "offramp"

    def __init__(self, server, number_format):
        self.server, self.format, self.name = server, number_format, "offramp " + number_format

    def request(self, inputs):
        return {"texts": inputs.texts} if inputs.texts else {"ids": inputs.ids.tolist()}

    def time(self, inputs, threads, calls, threshold=None):
        return self.answers(inputs, threads, calls, threshold)[0]

    def answers(self, inputs, threads, calls, threshold=None):
        """Seconds of each call, and the answers with their layers."""
        reply = self.server.ask(do="time", format=self.format, threads=threads, calls=calls, threshold=threshold,
                                **self.request(inputs))
        return [n * 1e-9 for n in reply["nanoseconds"]], reply

    def logits(self, inputs, threads=1):
        every = self.server.ask(do="every_exit", format=self.format, **self.request(inputs))["logits"]
        return np.array([exits[-1] for exits in every], np.float32)


class OnnxRuntime:
    family = "onnxruntime"

    def __init__(self, form, path):
        self.format = "int8" if form in export_onnx.INT8 else "float32"
        self.path, self.name, self.sessions = str(path), f"onnxruntime {self.format} {form}", {}

    def session(self, threads):
        """One per number of threads, since it is fixed at creation; everything else as by default."""
        if threads not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            self.sessions[threads] = onnxruntime.InferenceSession(self.path, options, ["CPUExecutionProvider"])
        return self.sessions[threads]

    def time(self, inputs, threads, calls):
        session = self.session(threads)
        feed = inputs.feed(node.name for node in session.get_inputs())
        return timed(lambda: session.run(["logits"], feed), calls)

    def logits(self, inputs, threads=1):
        session = self.session(threads)
        return session.run(["logits"], inputs.feed(node.name for node in session.get_inputs()))[0]


class PyTorch:
    family, format, name = "pytorch", "float32", "pytorch float32 eager"

    def __init__(self, model):
        self.model = (modernbert.ModernBert if model.is_modernbert else torch_peer.EarlyExitBert)(model)

    def time(self, inputs, threads, calls):
        torch.set_num_threads(threads)
        ids, types = torch.from_numpy(inputs.ids), torch.from_numpy(inputs.type_ids)
        return timed(lambda: self.model.full_depth(ids, types), calls)

    def logits(self, inputs, threads=1):
        torch.set_num_threads(threads)
        return self.model.full_depth(torch.from_numpy(inputs.ids), torch.from_numpy(inputs.type_ids)).numpy()


class OpenVino(openvino_peer.OpenVino):
    def time(self, inputs, threads, calls):
        return timed(lambda: self.run(inputs, threads), calls)


def make_peers(model, onnx_directory, formats, calibration):
    """`calibration`: inputs that tell the peers that need it how large activations become."""
    export_onnx.export(model.path, onnx_directory)
    forms = dict(export_onnx.FLOAT32)
    if "int8" in formats:
        forms |= export_onnx.INT8
    peers = [OnnxRuntime(form, Path(onnx_directory) / file) for form, file in forms.items()]
    plain = Path(onnx_directory) / export_onnx.FLOAT32["plain"]
    peers += [OpenVino(name, plain) for name in openvino_peer.HINTS if name in formats]
    if "int8" in formats:
        quantized = Path(onnx_directory) / "nncf-int8.xml"
        openvino_peer.quantize(plain, [inputs.feed(model.inputs) for inputs in calibration], quantized)
        peers.append(OpenVino("int8", quantized))
    return [*peers, PyTorch(model)]
