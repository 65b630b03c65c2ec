# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on the plain ONNX graph: float32 and bfloat16 by its precision hint, int8 by NNCF's post-training quantization."""
import nncf
import numpy as np
import openvino

HINTS = {"float32": "f32", "bfloat16": "bf16"}


def quantize(graph, calibration, target):
    """Writes the int8 form of an ONNX file, calibrated on `calibration`, a list of inputs by name."""
    quantized = nncf.quantize(openvino.Core().read_model(graph), nncf.Dataset(calibration),
                              model_type=nncf.ModelType.TRANSFORMER, subset_size=len(calibration))
    openvino.save_model(quantized, target, compress_to_fp16=False)


class OpenVino:
    family = "openvino"

    def __init__(self, number_format, path):
        self.format, self.path, self.name = number_format, str(path), "openvino " + number_format
        self.requests = {}

    def request(self, threads):
        """One per number of threads, tuned for the latency of a call. What int8 leaves runs as OpenVINO chooses."""
        if threads not in self.requests:
            options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
            if self.format in HINTS:
                options["INFERENCE_PRECISION_HINT"] = HINTS[self.format]
            compiled = openvino.Core().compile_model(self.path, "CPU", options)
            self.requests[threads] = compiled.create_infer_request()
        return self.requests[threads]

    def run(self, inputs, threads):
        request = self.request(threads)
        feed = inputs.feed(port.any_name for port in request.model_inputs)
        return request.infer(feed, share_inputs=True, share_outputs=True)

    def logits(self, inputs, threads=1):
        return np.array(self.run(inputs, threads)["logits"])
