# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from offramp.errors import InvalidArgument
from offramp._native import ExitOutput, Model, Policy, Prediction

if TYPE_CHECKING:
    import pyarrow

Text = Union[str, bytes]
Input = Union[Text, tuple[Text, Text]]  # one text, or premise and hypothesis
AnyPolicy = Union[float, Policy, None]  # None: the one stored with the model

STOP_REASONS = ("confident", "last_exit", "deadline", "layer_limit", "cancelled")


def bundled(name: str = "sentiment-en") -> Path:
    """The directory of a model that the package carries."""
    directory = Path(__file__).parent / "models" / name
    if not directory.is_dir():
        raise FileNotFoundError(f"no model {name!r} comes with the package")
    return directory


def _batch(inputs: Any) -> Any:
    """As a sequence of texts."""
    texts = inputs.tolist() if isinstance(inputs, np.ndarray) else inputs
    if isinstance(texts, (str, bytes)):
        raise TypeError("a batch is a sequence of texts; classify takes one")
    return texts


class Classifier:
    """A loaded model. Immutable, and safe from any number of threads: calls compute without the interpreter's lock.

    Same input, model, format and instruction set give bit-identical results, alone or in any batch, on any number of
    threads. Pickles as the path and options that it was loaded with; works on in a child forked while no call
    runs, on its own thread.
    """

    def __init__(self, model: Model, arguments: tuple):
        self._model = model
        self._arguments = arguments
        self._dtype = np.dtype(
            [
                ("label_id", np.int32),
                ("layer", np.int32),
                ("tokens", np.int32),
                ("confidence", np.float32),
                ("truncated", np.bool_),
                ("stopped", np.uint8),
                ("probabilities", np.float32, (len(model.labels),)),
            ]
        )

    @classmethod
    def load(
        cls,
        directory: Union[str, os.PathLike],
        *,
        format: str = "float32",
        threads: int = 1,
        exits: Sequence[int] = (),
        max_tokens: Optional[int] = None,
    ) -> "Classifier":
        """Loads a model directory.

        format: "float32", "bfloat16" or "int8"; threads: how many share the work of a call, the calling one included;
        exits: layers whose exits may answer, all by default; max_tokens: longest text, special tokens included.
        Raises Error.
        """
        arguments = (os.fspath(directory), format, threads, list(exits), max_tokens)
        return cls(Model.load(*arguments), arguments)

    def __reduce__(self):
        return _load_again, (type(self), self._arguments)

    def classify(self, input: Input, policy: AnyPolicy = None) -> Prediction:
        """Classifies one text, or a tuple of two, with early exit."""
        return self._model.classify(input, policy)

    def classify_batch(self, inputs: Any, policy: AnyPolicy = None) -> np.ndarray:
        """Classifies a sequence of texts or of pairs, a NumPy array of strings, or an Arrow array of strings.

        Returns a structured array [n]: label_id, layer, tokens, confidence, truncated, stopped (an index into
        offramp.classifier.STOP_REASONS) and probabilities [labels]. Texts of an Arrow array are read where they lie.
        """
        columns = self._classify(inputs, policy)
        result = np.empty(len(columns["confidence"]), self._dtype)
        result["label_id"], result["layer"], result["tokens"] = columns["numbers"]
        result["truncated"], result["stopped"] = columns["flags"]
        result["confidence"] = columns["confidence"]
        result["probabilities"] = columns["probabilities"]
        return result

    def classify_arrow(self, inputs: Any, policy: AnyPolicy = None) -> pyarrow.RecordBatch:
        """Classifies as classify_batch does, into an Arrow record batch. Needs pyarrow.

        Columns: label (string; of a multi-label model a list of them), confidence, layer, tokens, truncated, stopped
        (string) and probabilities (a list of as many as there are labels). Arrays share the memory of NumPy's.
        """
        from offramp.arrow import record_batch

        return record_batch(self._classify(inputs, policy), self.labels, self.cuts)

    def every_exit(self, input: Input) -> list[ExitOutput]:
        """Runs every layer and reports each exit in turn."""
        return self._model.every_exit(input)

    def every_exit_batch(self, inputs: Sequence[Input]) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities and logits of every exit, each [texts, exits, labels]."""
        return self._model.every_exit_batch(_batch(inputs))

    def tokenize(self, input: Input) -> tuple[list[int], bool]:
        """The token ids that the encoder would see, and whether the text was cut."""
        return self._model.tokenize(input)

    def certified(self, epsilon: float, loss: str = "disagreement") -> Optional[Policy]:
        """The policy of the boldest stored certificate that promises a loss of at most epsilon of all texts; None where none does.
        Those that promise it at every exit are for C++ and the command.

        loss: "disagreement", "accuracy_drop" or "error".
        """
        return self._model.certified(epsilon, loss)

    def warm_up(self, tokens: int) -> None:
        """Takes the memory that calls with so many tokens need, and touches every weight."""
        self._model.warm_up(tokens)

    @property
    def labels(self) -> list[str]:
        """Names of the classes; label_id indexes them."""
        return self._model.labels

    @property
    def cuts(self) -> Optional[np.ndarray]:
        """One per label of a multi-label model, which gives the labels whose probability is above; None for others.

        Of a batch: result["probabilities"] > model.cuts.
        """
        return self._model.cuts

    @property
    def exits(self) -> list[int]:
        """Layers whose exits may answer, ascending; 0 is before the encoder."""
        return self._model.exits

    @property
    def num_layers(self) -> int:
        return self._model.num_layers

    @property
    def max_tokens(self) -> int:
        return self._model.max_tokens

    @property
    def default_policy(self) -> Policy:
        return self._model.default_policy

    @property
    def kernels(self) -> str:
        """The arithmetic in use."""
        return self._model.kernels

    @property
    def warnings(self) -> list[str]:
        """What loading found worth saying."""
        return self._model.warnings

    def __repr__(self) -> str:
        directory, format, threads, *_ = self._arguments
        return f"Classifier({directory!r}, format={format!r}, threads={threads})"

    def _classify(self, inputs: Any, policy: AnyPolicy) -> dict:
        if hasattr(inputs, "combine_chunks"):
            inputs = inputs.combine_chunks()
        if hasattr(inputs, "buffers"):
            return self._classify_texts_of_arrow(inputs, policy)
        if isinstance(inputs, np.ndarray) and inputs.dtype.kind == "U" and inputs.ndim == 1 and inputs.dtype.itemsize:
            rows = np.ascontiguousarray(inputs, inputs.dtype.newbyteorder("="))
            width = rows.dtype.itemsize // np.dtype(np.uint32).itemsize
            return self._model.classify_ucs4(rows.view(np.uint32).reshape(len(rows), width), policy)
        return self._model.classify_batch(_batch(inputs), policy)

    def _classify_texts_of_arrow(self, array: Any, policy: AnyPolicy) -> dict:
        if str(array.type) in ("string_view", "binary_view"):
            array = array.cast("large_" + str(array.type).removesuffix("_view"))
        kind = str(array.type)
        if kind not in ("string", "large_string", "utf8", "binary", "large_binary"):
            raise TypeError(f"an Arrow array of {kind}, expected one of strings")
        if array.null_count:
            raise InvalidArgument(f"{array.null_count} of the {len(array)} texts are null", "invalid_argument")
        _, offsets, data = array.buffers()
        if offsets is None:  # an empty array may have none
            return self._model.classify_batch([], policy)
        width = np.int64 if kind.startswith("large") else np.int32
        ends = np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1]
        bytes_ = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
        return self._model.classify_arrow(ends, bytes_, policy)


@functools.lru_cache(maxsize=None)
def shared(
    directory: Union[str, os.PathLike], *, format: str = "float32", threads: int = 1, max_tokens: Optional[int] = None
) -> Classifier:
    """The model that this process has loaded so, loaded by the first call: for functions that run in worker processes."""
    return Classifier.load(directory, format=format, threads=threads, max_tokens=max_tokens)


def _load_again(cls: type, arguments: tuple) -> Classifier:
    directory, format, threads, exits, max_tokens = arguments
    return cls.load(directory, format=format, threads=threads, exits=exits, max_tokens=max_tokens)
