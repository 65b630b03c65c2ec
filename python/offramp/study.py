# SPDX-License-Identifier: Apache-2.0
"""From a checkpoint to a fast model with a guarantee: what `offramp fit`, `calibrate`, `certify` and `evaluate` do."""

from __future__ import annotations

import json
import operator
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Callable, Optional, Union

from offramp import _native
from offramp._native import Calibration, CertifiedFit, Certification, Evaluation, FitResult
from offramp.classifier import AnyPolicy, Classifier, Text

Directory = Union[str, os.PathLike]
Labels = Union[Text, int, Sequence[str]]  # a sequence for a multi-label model
# A file as the command takes it, or rows: label and text, or label and the two texts of a pair.
Data = Union[str, os.PathLike, Iterable[tuple]]
# A file with a text a line, .jsonl or .csv, or texts, or pairs of them.
Texts = Union[str, os.PathLike, Iterable[Union[Text, tuple[Text, Text]]]]
Report = Optional[Callable[[str, int, int], None]]  # what is worked on, how much of it is done, and of how much


def fit(
    checkpoint: Directory,
    out: Directory,
    *,
    train: Optional[Data] = None,
    dev: Optional[Data] = None,
    texts: Optional[Texts] = None,
    threshold: Optional[float] = None,
    threads: int = 1,
    report: Report = None,
    **options,
) -> FitResult:
    """Adds exits to a Hugging Face checkpoint, which stays as it is, and writes the model to `out`.

    They learn from labelled rows (`train`, chosen and calibrated with `dev`), or from `texts` without labels, to which
    they learn the checkpoint's own answers, or from both. `threshold` is stored as the default policy; without it
    every layer runs by default.

    options: labels, cuts, layers, pooling ("cls", "mean", "auto"), mix ("none", "learned"), class_weights ("none",
    "balanced"), strengths, max_tokens, input_kind ("single", "pair"), part_by ("text", "first_text") and golden, as
    `offramp fit --help` explains them. Data are files or rows. Raises Error.
    """
    with ExitStack() as stack:
        files = _files(stack, train, dev, texts)
        native, names = _options({**options, "threshold": threshold})
        return _native.fit(os.fspath(checkpoint), os.fspath(out), files, native, names, threads, report)


def fit_certified(
    checkpoint: Directory,
    out: Directory,
    texts: Texts,
    *,
    epsilon: float = 0.01,
    delta: float = 0.05,
    format: str = "float32",
    train: Optional[Data] = None,
    dev: Optional[Data] = None,
    threads: int = 1,
    report: Report = None,
    **options,
) -> CertifiedFit:
    """Fits as `fit` does, on half of the texts, and certifies a threshold on others of them.

    With probability 1 - delta, at most `epsilon` of texts like these are answered otherwise than at full depth. The
    threshold becomes the model's default. str() of the result says so in a sentence.
    """
    with ExitStack() as stack:
        files = _files(stack, train, dev, texts)
        native, names = _options(options)
        return _native.fit_certified(
            os.fspath(checkpoint), os.fspath(out), files, native, names, epsilon, delta, format, threads, report
        )


def calibrate(
    model: Directory,
    data: Optional[Data] = None,
    *,
    texts: Optional[Texts] = None,
    labels: Sequence[str] = (),
    ngram_weights: bool = False,
    keep_full_depth: bool = False,
    format: str = "float32",
    threads: int = 1,
    report: Report = None,
) -> Calibration:
    """Fits every exit's temperature in a numeric format, and writes them into the model directory.

    labels: as the data write them, in the model's order. With `texts`, agreement with the last exit counts as right.
    ngram_weights: exits add the logits of the one before the encoder to their own, and how much is fitted, for every
    format; the temperatures of the others go. keep_full_depth: but for the last exit.
    """
    with _data_file(data, texts, labels) as file:
        studied = _native.StudiedModel(os.fspath(model), format, threads)
        return _native.calibrate(studied, file, ngram_weights, keep_full_depth, report)


def certify(
    model: Directory,
    data: Optional[Data] = None,
    *,
    texts: Optional[Texts] = None,
    epsilon: float,
    delta: float = 0.05,
    loss: str = "disagreement",
    decline: Optional[float] = None,
    leave_out_known: bool = False,
    as_default: bool = False,
    labels: Sequence[str] = (),
    format: str = "float32",
    threads: int = 1,
    report: Report = None,
) -> Certification:
    """Finds the lowest threshold whose loss is at most epsilon with probability 1 - delta, and stores the certificate.

    loss: "disagreement", "accuracy_drop" or "error"; decline: the threshold falls by it from exit to exit. Texts that
    the model learned from, was calibrated with or chose on are refused, or left out. Where no threshold passes, no
    certificate is stored, and the result says what failed. With as_default, what is certified becomes the model's own
    policy, in every format.
    """
    wanted = _native.WantedPromise(epsilon, delta, loss, decline, leave_out_known, as_default)
    with _data_file(data, texts, labels) as file:
        return _native.certify(_native.StudiedModel(os.fspath(model), format, threads), file, wanted, report)


def evaluate(
    model: Classifier,
    data: Optional[Data] = None,
    policy: AnyPolicy = None,
    *,
    texts: Optional[Texts] = None,
    labels: Sequence[str] = (),
    report: Report = None,
) -> Evaluation:
    """What a policy loses and saves against full depth, on texts that chose nothing. Writes nothing.

    A policy with a deadline is refused: its answers depend on the machine.
    """
    with _data_file(data, texts, labels) as file:
        return _native.evaluate(model._model, file, policy, report)


def _options(given: dict) -> tuple[_native.FitOptions, _native.FitNames]:
    names = _native.FitNames(
        given.pop("pooling", "auto"),
        given.pop("mix", "none"),
        given.pop("class_weights", "none"),
        given.pop("part_by", "text"),
        given.pop("input_kind", None),
    )
    options = _native.FitOptions()
    for name, value in given.items():
        if not hasattr(options, name):
            raise TypeError(f"fit has no option {name!r}")
        if value is not None:
            setattr(options, name, value)
    return options, names


def _files(stack: ExitStack, train, dev, texts) -> _native.FitFiles:
    files = _native.FitFiles()
    if train is not None:
        files.train = stack.enter_context(_as_file(train, "train", _labelled))
    if dev is not None:
        files.dev = stack.enter_context(_as_file(dev, "dev", _labelled))
    if texts is not None:
        files.texts = stack.enter_context(_as_file(texts, "texts", _unlabelled))
    return files


@contextmanager
def _data_file(data, texts, labels: Sequence[str]) -> Iterator[_native.DataFile]:
    if (data is None) == (texts is None):
        raise TypeError("expected labelled data or texts, and one of them")
    given, name, row = (texts, "texts", _unlabelled) if data is None else (data, "data", _labelled)
    with _as_file(given, name, row) as path:
        yield _native.DataFile(path, data is not None, list(labels))


@contextmanager
def _as_file(given, name: str, row: Callable[..., dict]) -> Iterator[Path]:
    """The file itself, or one with a row a line that is there for as long as it is needed."""
    if isinstance(given, (str, os.PathLike)):
        yield Path(given)
        return
    with tempfile.TemporaryDirectory(prefix="offramp-") as directory:
        path = Path(directory) / f"{name}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for each in given:
                file.write(json.dumps(row(each)) + "\n")
        yield path


def _text(value: Text) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value
    raise TypeError(f"a text is a str or bytes, not {type(value).__name__}")


def _unlabelled(each) -> dict:
    if isinstance(each, tuple):
        first, second = each
        return {"text": _text(first), "text_pair": _text(second)}
    return {"text": _text(each)}


def _labelled(row) -> dict:
    label, *texts = row
    if isinstance(label, bytes):
        label = label.decode("utf-8", "replace")
    elif not isinstance(label, str):
        label = list(label) if isinstance(label, (list, tuple)) else operator.index(label)
    return {"label": label, **_unlabelled(texts[0] if len(texts) == 1 else tuple(texts))}
