# SPDX-License-Identifier: Apache-2.0
import numpy as np
import offramp
import pytest
from conftest import TEXTS, TINY


@pytest.fixture(scope="module")
def model():
    return offramp.Classifier.load(TINY / "multi-label-exits")


def test_labels_above_their_cut_are_given(model):
    assert np.array_equal(model.cuts, np.array([0.5, 0.25, 0.5, 0.75], np.float32))
    for text in TEXTS:
        answer = model.classify(text)
        assert answer.label_ids == list(np.flatnonzero(answer.probabilities > model.cuts))
        assert answer.label == ",".join(model.labels[label] for label in answer.label_ids)
        assert answer.confidence == np.maximum(answer.probabilities, 1 - answer.probabilities).min()


def test_a_batch_has_the_same_probabilities(model):
    answers = model.classify_batch(TEXTS, 0.6)
    for text, row in zip(TEXTS, answers):
        assert np.array_equal(model.classify(text, 0.6).probabilities, row["probabilities"])


def test_rules_for_exclusive_labels_are_refused(model, tiny):
    with pytest.raises(offramp.Error):
        model.classify("a film", offramp.Policy.margin(0.5))
    assert tiny.cuts is None
