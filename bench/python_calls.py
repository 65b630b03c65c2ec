# SPDX-License-Identifier: Apache-2.0
"""What a call from Python costs beside one from C++, on texts that leave before the encoder, where it shows most.

    pip install . && python bench/python_calls.py build/dev/bench/easy_texts models/sentiment-en sst2/test.tsv

Takes turns with easy_texts; of the turns the least counts, on either side, and within one the least of each text.
"""
import argparse
import re
import subprocess
import time

import numpy as np
import offramp

TURNS = 3


def least_microseconds(calls, rounds: int) -> float:
    """Mean over the calls of the least microseconds that each took."""
    least = np.full(len(calls), np.inf)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.perf_counter_ns()
            call()
            least[i] = min(least[i], time.perf_counter_ns() - start)
    return float(least.mean()) / 1e3


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("easy_texts", help="the program that measures the same in C++")
    p.add_argument("model")
    p.add_argument("file", help="a text a line, after its last tab")
    p.add_argument("--rounds", type=int, default=20)
    a = p.parse_args()
    model = offramp.Classifier.load(a.model)
    with open(a.file, encoding="utf-8", newline="\n") as lines:
        texts = [line.rstrip("\n").rsplit("\t", 1)[-1] for line in lines]
    easy = [text for text in texts if model.classify(text).layer == 0]
    policy = model.default_policy
    forms = {"a list": easy, "NumPy strings": np.array(easy)}
    try:
        import pyarrow

        forms["an Arrow array"] = pyarrow.array(easy)
    except ImportError:
        pass
    cpp, python = {}, {}
    for _ in range(TURNS):
        said = subprocess.run([a.easy_texts, "--rounds", str(a.rounds), a.model, a.file], capture_output=True, text=True, check=True).stdout
        one, batch = (float(re.search(r"([0-9.]+) us " + what, said)[1]) for what in ("from string to prediction", "in one batch"))
        seconds = {"one text": least_microseconds([lambda text=text: model.classify(text, policy) for text in easy], a.rounds)}
        for name, batch_of in forms.items():
            seconds[name] = least_microseconds([lambda b=batch_of: model.classify_batch(b, policy)], a.rounds) / len(easy)
        for name, value in seconds.items():
            python[name] = min(python.get(name, np.inf), value)
            cpp[name] = min(cpp.get(name, np.inf), one if name == "one text" else batch)
    print(f"{len(easy)} of {len(texts)} texts leave before the encoder; microseconds a text:")
    for name, value in python.items():
        print(f"{name:>15}: {value:6.2f} from Python, {cpp[name]:6.2f} from C++, {value - cpp[name]:+.2f}")


if __name__ == "__main__":
    main()
