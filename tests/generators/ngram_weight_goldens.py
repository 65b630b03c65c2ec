#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/study/ngram_weights.json: logits of an exit before the encoder and of one behind a layer, and the
factors b and c that minimise the negative log-likelihood of the right answers under softmax(b own + c n-grams), as
SciPy finds them. Then the weight is c / b, the temperature 1 / b. `ratio` is twice the gain in log-likelihood over c = 0.

    python3 tests/generators/ngram_weight_goldens.py        # needs numpy and scipy
"""
import json
import pathlib

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax


def fit(own, ngrams, right, is_heard):
    def nll(factors):
        logits = factors[0] * own + (factors[1] * ngrams if is_heard else 0)
        return -log_softmax(logits, -1)[np.arange(len(right)), right].mean()
    return minimize(nll, [1, 0], bounds=[(1e-3, None), (0, None)], tol=1e-14, options={"ftol": 1e-15, "gtol": 1e-12})


def case(random, texts, labels, own_knows, ngrams_know):
    right = random.integers(labels, size=texts)
    answer = np.eye(labels)[right]
    own, ngrams = (np.round(3 * random.standard_normal((texts, labels)) + 3 * knows * answer, 3)
                   for knows in (own_knows, ngrams_know))
    heard, alone = (fit(own, ngrams, right, is_heard) for is_heard in (True, False))
    return {"num_labels": labels, "label_ids": right.tolist(), "ngrams": ngrams.flatten().tolist(),
            "own": own.flatten().tolist(), "weight": heard.x[1] / heard.x[0], "temperature": 1 / heard.x[0],
            "nll": heard.fun, "ratio": 2 * texts * (alone.fun - heard.fun)}


def main():
    random = np.random.default_rng(5)
    shapes = [(90, 2, 1, 1), (90, 4, 1, 0.8), (90, 3, 0.3, 1), (90, 2, 1, 0), (60, 3, 1, -0.5)]
    target = pathlib.Path(__file__).resolve().parent.parent / "data" / "study" / "ngram_weights.json"
    target.write_text("[\n" + ",\n".join(json.dumps(case(random, *shape)) for shape in shapes) + "\n]\n")


if __name__ == "__main__":
    main()
