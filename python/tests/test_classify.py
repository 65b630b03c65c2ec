# SPDX-License-Identifier: Apache-2.0
import numpy as np
import offramp
import pytest
from conftest import TEXTS, TINY


def test_an_answer_is_that_of_its_exit(tiny):
    for text in TEXTS:
        answer = tiny.classify(text, 0.6)
        exits = {output.answer.layer: output.answer for output in tiny.every_exit(text)}
        assert answer.label == tiny.labels[answer.label_id]
        assert np.array_equal(answer.probabilities, exits[answer.layer].probabilities)
        assert answer.confidence == answer.probabilities[answer.label_id]


def test_the_default_policy_is_what_none_means(tiny):
    for text in TEXTS:
        assert tiny.classify(text).layer == tiny.classify(text, tiny.default_policy).layer


def test_full_depth_reaches_the_last_exit(tiny):
    answer = tiny.classify("A good film.", offramp.Policy.full_depth())
    assert answer.layer == tiny.exits[-1]
    assert answer.stopped == "last_exit"
    assert tiny.classify("A good film.", 0.0).layer == tiny.exits[0]


def test_a_batch_equals_its_texts_alone(tiny):
    for policy in (None, 0.0, 0.6, offramp.Policy.full_depth(), offramp.Policy.patience(1)):
        batch = tiny.classify_batch(TEXTS, policy)
        for row, text in zip(batch, TEXTS):
            alone = tiny.classify(text, policy)
            assert (row["label_id"], row["layer"], row["tokens"]) == (alone.label_id, alone.layer, alone.tokens)
            assert row["confidence"] == alone.confidence
            assert np.array_equal(row["probabilities"], alone.probabilities)
            assert bool(row["truncated"]) == alone.truncated
            assert offramp.classifier.STOP_REASONS[row["stopped"]] == alone.stopped


def test_kinds_of_batches_give_the_same(tiny):
    pyarrow = pytest.importorskip("pyarrow")
    expected = tiny.classify_batch(TEXTS, 0.6)
    arrow = pyarrow.array(["before", *TEXTS, "behind"])
    for texts in (
        tuple(TEXTS),
        (text for text in TEXTS),
        [text.encode() for text in TEXTS],
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        np.array(["before", *TEXTS, "behind"])[1:-1],
        np.array([text for text in TEXTS for _ in range(2)])[::2],
        np.array(TEXTS).astype(f">U{max(map(len, TEXTS))}"),
        pyarrow.array(TEXTS),
        arrow[1:-1],
        arrow.cast(pyarrow.large_string())[1:-1],
        arrow.cast(pyarrow.string_view())[1:-1],
        pyarrow.chunked_array([TEXTS[:2], TEXTS[2:]]),
    ):
        assert np.array_equal(tiny.classify_batch(texts, 0.6), expected)
    assert len(tiny.classify_batch([])) == len(tiny.classify_batch(pyarrow.array([], pyarrow.string()))) == 0


def test_numpy_strings_are_those_of_a_list(tiny):
    random = np.random.default_rng(1)
    for widest in (1, 3, 16, 40, 100):
        texts = ["".join(random.choice(["a", "b", " ", "\u00e9", "\uac00", "\U0001f600", "\0"], n)) for n in range(widest + 1)]
        strings = np.array([*texts, "word " * (widest // 5)])
        assert np.array_equal(tiny.classify_batch(strings, 0.6), tiny.classify_batch(strings.tolist(), 0.6))


def test_pairs(pairs):
    answers = pairs.classify_batch([("A man sleeps.", "Someone rests."), ("a", "b")], 0.6)
    assert answers[0]["confidence"] == pairs.classify(("A man sleeps.", "Someone rests."), 0.6).confidence


def test_every_exit_of_a_batch(tiny):
    probabilities, logits = tiny.every_exit_batch(TEXTS)
    assert probabilities.shape == logits.shape == (len(TEXTS), len(tiny.exits), len(tiny.labels))
    for text, of_text in zip(TEXTS, logits):
        for output, of_exit in zip(tiny.every_exit(text), of_text):
            assert np.array_equal(output.logits, of_exit)


def test_formats_and_threads_and_exits():
    one = offramp.Classifier.load(TINY / "tiny", format="int8").classify_batch(TEXTS, 0.6)
    two = offramp.Classifier.load(TINY / "tiny", format="int8", threads=2).classify_batch(TEXTS, 0.6)
    assert np.array_equal(one, two)
    last = offramp.Classifier.load(TINY / "tiny").exits[-1]
    assert offramp.Classifier.load(TINY / "tiny", exits=[last]).exits == [last]
    assert offramp.Classifier.load(TINY / "tiny", max_tokens=8).classify("word " * 30).tokens == 8


def test_extras(tiny):
    plain = tiny.classify("A good film.", 0.6)
    assert len(plain.logits) == len(plain.embedding) == 0
    rich = tiny.classify("A good film.", offramp.Policy(0.6).with_logits().with_embedding())
    assert len(rich.logits) == len(tiny.labels) and len(rich.embedding) > 0
    ids, truncated = tiny.tokenize("A good film.")
    assert len(ids) == plain.tokens and not truncated
    assert tiny.classify("a", offramp.Policy.full_depth().with_max_layer(tiny.exits[0])).stopped == "layer_limit"
    assert tiny.classify("a", offramp.Policy.full_depth().with_deadline(0.0)).layer == tiny.exits[0]
    stop = offramp.Stop()
    stop.request()
    assert tiny.classify("a", offramp.Policy(0.6).with_stop(stop)).stopped == "cancelled"
    assert tiny.certified(1e-9) is None


def test_an_audit_counts_and_changes_nothing(tiny):
    assert offramp.DriftAudit(0.5).fraction == 0.5
    audit = offramp.DriftAudit(1.0, seed=1)
    assert np.array_equal(
        tiny.classify_batch(TEXTS, offramp.Policy(0.0).audited_by(audit)), tiny.classify_batch(TEXTS, 0.0)
    )
    counts = audit.counts()
    assert counts.texts == counts.audited == len(TEXTS)
    lower, upper = counts.disagreement_once(0.95)
    assert 0.0 <= lower <= counts.disagreements / counts.audited <= upper <= 1.0


def test_arrow_in_and_out():
    pyarrow = pytest.importorskip("pyarrow")
    from offramp.arrow import schema

    for name in ("tiny", "multi-label-exits"):
        model = offramp.Classifier.load(TINY / name)
        rows = model.classify_batch(TEXTS, 0.6)
        table = model.classify_arrow(pyarrow.array(TEXTS), 0.6)
        assert table.schema == schema(model.labels, multi_label=model.cuts is not None)
        for text, row, answer in zip(TEXTS, rows, table.to_pylist()):
            label = model.classify(text, 0.6).label
            assert answer["label"] == (label if model.cuts is None else label.split(",") if label else [])
            assert (answer["layer"], answer["tokens"]) == (row["layer"], row["tokens"])
            assert np.array_equal(np.float32(answer["probabilities"]), row["probabilities"])
            assert np.float32(answer["confidence"]) == row["confidence"]
            assert answer["stopped"] == offramp.classifier.STOP_REASONS[row["stopped"]]
            assert answer["truncated"] == row["truncated"]
        assert model.classify_arrow([]).num_rows == 0


def test_a_cancelled_text_has_no_label_in_arrow(tiny):
    pytest.importorskip("pyarrow")
    stop = offramp.Stop()
    stop.request()
    answer = tiny.classify_arrow(["a"], offramp.Policy(0.6).with_stop(stop)).to_pylist()[0]
    assert (answer["label"], answer["stopped"]) == (None, "cancelled")


def test_policies_are_values():
    assert offramp.Policy(0.9) == offramp.Policy(0.9) != offramp.Policy(0.8)
    assert offramp.Policy(0.9) != None  # noqa: E711
    assert offramp.Policy(0.9) in [None, offramp.Policy(0.9)]
    rules = {offramp.Policy(0.9), offramp.Policy(0.9), offramp.Policy(0.0), offramp.Policy(-0.0), offramp.Policy.margin(0.9)}
    assert len(rules) == 3


def test_an_empty_batch_has_no_answers(tiny):
    pyarrow = pytest.importorskip("pyarrow")
    for nothing in ([], np.array([], str), np.array([], "U7"), np.array([], object), pyarrow.array([], pyarrow.string())):
        assert len(tiny.classify_batch(nothing)) == 0


def test_policies_say_what_they_are():
    assert str(offramp.Policy(0.9)) == "confidence >= 0.9"
    assert repr(offramp.Policy.full_depth().with_max_layer(2)).startswith("<Policy ")
