# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import offramp
import pytest
from conftest import TINY


@pytest.mark.parametrize("policy", [1, 0, True, "0.9", [0.9], object()])
def test_what_is_no_policy(tiny, policy):
    with pytest.raises(TypeError):
        tiny.classify("a", policy)


@pytest.mark.parametrize("threshold", [math.nan, 1.5, math.inf])
def test_thresholds_out_of_range(tiny, threshold):
    with pytest.raises(ValueError) as raised:
        tiny.classify("a", threshold)
    assert isinstance(raised.value, offramp.Error) and raised.value.kind == "invalid_argument"
    with pytest.raises(offramp.InvalidArgument):
        offramp.Policy(threshold)


def test_whole_numbers_are_no_threshold():
    with pytest.raises(TypeError):
        offramp.Policy(1)


@pytest.mark.parametrize("text", [None, 1, ["a"], ("a",), ("a", "b", "c"), ("a", 1)])
def test_what_is_no_text(tiny, text):
    with pytest.raises(TypeError):
        tiny.classify(text)


@pytest.mark.parametrize("batch", ["a text", b"a text", [1], ["a", ("a", "b")], None, np.array([1.0])])
def test_what_is_no_batch(tiny, batch):
    with pytest.raises(TypeError):
        tiny.classify_batch(batch)
    with pytest.raises(TypeError):
        tiny.every_exit_batch(batch)


def test_what_is_wrong_is_an_error_of_ours(tiny):
    pyarrow = pytest.importorskip("pyarrow")
    for call in (
        lambda: offramp.Classifier.load(TINY, format="int4"),
        lambda: tiny.certified(0.1, loss="guess"),
        lambda: offramp.Policy(0.9).with_deadline(-1.0),
        lambda: tiny.classify_batch(pyarrow.array(["a", None])),
    ):
        with pytest.raises(offramp.InvalidArgument) as raised:
            call()
        assert raised.value.kind == "invalid_argument"


def test_half_a_character_is_named(tiny):
    with pytest.raises(UnicodeEncodeError):
        tiny.classify("\ud800")
    with pytest.raises(UnicodeEncodeError):
        tiny.classify_batch(np.array(["a", "\ud800"]))
    with pytest.raises(ValueError):
        tiny.classify_batch(np.array([0x110000], np.uint32).view("U1"))


def test_arrow_arrays_that_hold_no_texts(tiny):
    pyarrow = pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match="1 of the 2 texts are null"):
        tiny.classify_batch(pyarrow.array(["a", None]))
    with pytest.raises(TypeError, match="int64"):
        tiny.classify_batch(pyarrow.array([1, 2]))


def test_models_that_cannot_be_loaded(tmp_path):
    with pytest.raises(offramp.Error, match="not a directory") as raised:
        offramp.Classifier.load(tmp_path / "nothing")
    assert raised.value.kind == "io" and not isinstance(raised.value, ValueError)
    with pytest.raises(ValueError, match="format"):
        offramp.Classifier.load(TINY / "tiny", format="float16")
    with pytest.raises(offramp.InvalidArgument):
        offramp.Classifier.load(TINY / "tiny", threads=0)
    with pytest.raises(FileNotFoundError):
        offramp.bundled("no-such-model")
