# SPDX-License-Identifier: Apache-2.0
"""Fitting, calibrating, certifying and evaluating, with files and with rows."""
import itertools
import shutil

import numpy as np
import offramp
import pytest
from conftest import TINY

WORDS = ["film", "story", "plot", "good", "bad", "warm", "never", "actor", "man", "dog"]


def rows(count, seed):
    """Different texts with alternating labels, the labels half readable from the words."""
    draw = np.random.default_rng(seed)
    return [
        (("no", "yes")[i % 2], f"{('bad', 'good')[(i + (i % 5 == 0)) % 2]} {i} {seed} " + " ".join(draw.choice(WORDS, 4)))
        for i in range(count)
    ]


def as_file(path, data):
    path.write_text("".join("\t".join(row) + "\n" for row in data), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A checkpoint without exits."""
    return shutil.copytree(TINY / "tiny", tmp_path_factory.mktemp("fit") / "encoder", ignore=shutil.ignore_patterns("exits.*"))


@pytest.fixture(scope="module")
def fitted(encoder):
    out = encoder.parent / "out"
    result = offramp.fit(encoder, out, train=rows(160, 1), dev=rows(80, 2), strengths=[0.01, 1.0])
    return out, result


def test_fit_writes_a_model_that_says_what_it_is(fitted):
    out, result = fitted
    model = offramp.Classifier.load(out)
    assert result.labels == model.labels
    assert [exit.layer for exit in result.exits] == model.exits
    assert all(0.0 <= exit.dev_accuracy <= 1.0 and exit.temperature > 0 for exit in result.exits)
    assert result.exits[0].strength in (0.01, 1.0) or result.exits[0].layer == 0


def test_rows_and_files_give_the_same_model(encoder, fitted, tmp_path):
    train, dev = as_file(tmp_path / "train.tsv", rows(160, 1)), as_file(tmp_path / "dev.tsv", rows(80, 2))
    offramp.fit(encoder, tmp_path / "out", train=train, dev=str(dev), strengths=[0.01, 1.0], threads=2)
    name = "exits.safetensors"
    assert (tmp_path / "out" / name).read_bytes() == (fitted[0] / name).read_bytes()


def test_calibrate_certify_evaluate(fitted, tmp_path):
    model = shutil.copytree(fitted[0], tmp_path / "model")
    calibration = offramp.calibrate(model, rows(100, 3), format="int8")
    assert calibration.num_texts == 100
    assert all(exit.after.nll <= exit.before.nll for exit in calibration.exits)
    kept = [exit.ngram_weight for exit in calibration.exits]
    assert kept == [exit.ngram_weight for exit in fitted[1].exits] and kept[0] == 0
    weighed = offramp.calibrate(model, rows(100, 3), ngram_weights=True, keep_full_depth=True, format="int8")
    assert weighed.exits[-1].ngram_weight == kept[-1]

    found = offramp.certify(model, rows(200, 4), epsilon=0.3, delta=0.1)
    assert (found.loss, found.epsilon, found.n) == ("disagreement", 0.3, 200)
    assert found.certified.bound <= 0.3 and found.certified.losses == round(found.certified.risk * found.n)
    loaded = offramp.Classifier.load(model)
    assert loaded.certified(0.3) == found.certified.policy
    assert loaded.default_policy != found.certified.policy
    again = offramp.certify(model, rows(200, 4), epsilon=0.3, delta=0.1, as_default=True)
    assert offramp.Classifier.load(model).default_policy == again.certified.policy == found.certified.policy

    data = rows(120, 5)
    result = offramp.evaluate(loaded, data, found.certified.policy)
    answers = loaded.classify_batch([text for _, text in data], found.certified.policy)
    full = loaded.classify_batch([text for _, text in data], offramp.Policy.full_depth())
    right = np.array([loaded.labels.index(label) for label, _ in data])
    assert result.early.correct == np.sum(answers["label_id"] == right)
    assert result.full.correct == np.sum(full["label_id"] == right)
    assert result.early.disagreeing == np.sum(answers["label_id"] != full["label_id"])
    assert result.early.mean_layer == pytest.approx(answers["layer"].mean())
    assert np.sum(result.confusion) == len(data)
    texts = offramp.evaluate(loaded, texts=[text for _, text in data], policy=found.certified.policy)
    assert texts.loss is None and texts.early.disagreeing == result.early.disagreeing


def test_nothing_certified_stores_nothing(fitted, tmp_path):
    model = shutil.copytree(fitted[0], tmp_path / "model")
    found = offramp.certify(model, rows(20, 4), epsilon=0.01, loss="error")
    assert found.certified is None and found.failed is not None
    assert offramp.Classifier.load(model).certified(0.01, "error") is None


def test_fit_certified_says_what_it_promises(tmp_path):
    texts = [text for _, text in rows(300, 6)]
    done = offramp.fit_certified(TINY / "tiny-plain", tmp_path / "fast", texts, epsilon=0.3, delta=0.2, strengths=[1.0])
    assert "at most 30 % of texts like these" in str(done)
    assert done.report.is_file()
    assert offramp.Classifier.load(tmp_path / "fast").default_policy == done.promise.certified.policy


def test_pairs_and_labels_of_the_data(pairs):
    names = [f"called-{label}" for label in pairs.labels]
    data = [(name, f"a film {i}", f"a story {i}") for i, name in zip(range(30), itertools.cycle(names))]
    assert offramp.evaluate(pairs, data, 0.5, labels=names).early.texts == 30


def test_progress_is_told_and_can_end_the_work(tiny):
    told = []
    offramp.evaluate(tiny, rows(20, 7), 0.5, report=lambda *step: told.append(step))
    assert told[0] == ("texts", 0, 20) and told[-1] == ("texts", 20, 20)

    def give_up(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        offramp.evaluate(tiny, rows(20, 7), 0.5, report=give_up)


@pytest.mark.parametrize(
    ("call", "error", "part"),
    [
        (lambda model, out: offramp.fit(TINY / "tiny-plain", out), ValueError, "."),
        (lambda model, out: offramp.fit(TINY / "tiny-plain", out, train=[], speed=1), TypeError, "no option 'speed'"),
        (lambda model, out: offramp.fit(TINY / "tiny-plain", out, train=[], mix="all"), ValueError, 'mix is "all"'),
        (lambda model, out: offramp.evaluate(model), TypeError, "labelled data or texts"),
        (lambda model, out: offramp.evaluate(model, [("maybe", "a")]), offramp.Error, "data.jsonl:1"),
        (lambda model, out: offramp.evaluate(model, [("yes", 1)]), TypeError, "a text is a str or bytes"),
        (lambda model, out: offramp.evaluate(model, [(1.7, "a")], labels=["0", "1"]), TypeError, "integer"),
        (lambda model, out: offramp.evaluate(model, out / "none.tsv"), offramp.Error, "none.tsv"),
        (lambda model, out: offramp.evaluate(model, texts=["a"], policy=1), TypeError, "a policy is a float"),
        (lambda model, out: offramp.certify(TINY / "tiny", texts=["a"], epsilon=2.0), ValueError, "epsilon"),
        (lambda model, out: offramp.certify(TINY / "tiny", texts=["a"], epsilon=0.1, loss="x"), ValueError, "a loss is"),
        (lambda model, out: offramp.calibrate(TINY / "tiny", texts=["a"], format="half"), ValueError, "a format is"),
    ],
)
def test_what_is_refused(tiny, tmp_path, call, error, part):
    with pytest.raises(error, match=part):
        call(tiny, tmp_path)
