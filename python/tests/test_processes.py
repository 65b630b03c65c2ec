# SPDX-License-Identifier: Apache-2.0
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import offramp
import pytest
from conftest import TEXTS, TINY


def test_pickles_as_its_path(tiny):
    model = offramp.Classifier.load(TINY / "tiny", format="int8", threads=2)
    again = pickle.loads(pickle.dumps(model))
    assert repr(again) == repr(model)
    assert np.array_equal(again.classify_batch(TEXTS, 0.6), model.classify_batch(TEXTS, 0.6))


def test_threads_share_a_model(tiny):
    expected = tiny.classify_batch(TEXTS, 0.6)
    wrong = []

    def work():
        for _ in range(50):
            if not np.array_equal(tiny.classify_batch(TEXTS, 0.6), expected):
                wrong.append(True)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_other_threads_run_while_a_call_computes(tiny):
    """The lock of the interpreter is free: a call of one thread ends another's that cannot end by itself."""
    stop = offramp.Stop()
    policy = offramp.Policy.full_depth().with_stop(stop)
    texts = ["word " * 400] * 20000
    answers = []
    caller = threading.Thread(target=lambda: answers.append(tiny.classify_batch(texts, policy)))
    caller.start()
    stop.request()
    caller.join()
    assert len(answers[0]) == len(texts)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_goes_on():
    model = offramp.Classifier.load(TINY / "tiny", threads=2)
    expected = model.classify_batch(TEXTS, 0.6)
    child = os.fork()
    if child == 0:
        same = np.array_equal(model.classify_batch(TEXTS, 0.6), expected)
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_program_may_end_with_a_model_in_its_hands():
    program = f"""
import threading, offramp
model = offramp.Classifier.load({str(TINY / 'tiny')!r})
threading.Thread(target=lambda model: threading.Event().wait(), args=[model], daemon=True).start()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert ended.stdout == ended.stderr == ""
