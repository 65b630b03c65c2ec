# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/study/head_fits.json: small sets of random features and what scikit-learn fits to them.

    python tests/generators/head_fits.py tests/data/study/head_fits.json

Features are rounded to multiples of 1/64, so that the file is short and float32 holds them exactly.
"""
import json
import pathlib
import sys

import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler


def make(seed, texts, features, labels, skew=1.0, noise=1.0):
    """Correlated features of different scales, one of them constant, one the copy of another."""
    random = numpy.random.default_rng(seed)
    share = skew ** numpy.arange(labels)
    label_ids = numpy.concatenate([numpy.arange(labels), random.choice(labels, texts - labels, p=share / share.sum())])
    centers = random.normal(0, 1, (labels, features))
    values = (centers[label_ids] + noise * random.normal(0, 1, (texts, features))) @ random.normal(0, 1, (features, features))
    values *= 10.0 ** random.uniform(-1, 1, features)
    values += random.normal(0, 3, features)
    values = numpy.round(values * 64) / 64
    values[:, 1] = 2.5
    values[:, 2] = values[:, 0]
    return values, label_ids


def make_alike(seed, texts, features, labels):
    """Labels far apart in few dimensions that every feature mixes: features tell nearly the same, rounding apart."""
    random = numpy.random.default_rng(seed)
    label_ids = numpy.concatenate([numpy.arange(labels), random.choice(labels, texts - labels)])
    values = 2 * random.normal(0, 1, (labels, 4))[label_ids] + random.normal(0, 1, (texts, 4))
    return numpy.round(values @ random.normal(0, 1, (4, features)) * 64) / 64, label_ids


def fit(values, label_ids, strength, class_weight):
    scaler = StandardScaler().fit(values)
    model = LogisticRegression(C=strength, class_weight=class_weight, tol=1e-12, max_iter=100000)
    model.fit(scaler.transform(values), label_ids)
    weights = model.coef_ / scaler.scale_
    bias = model.intercept_ - weights @ scaler.mean_
    probabilities = model.predict_proba(scaler.transform(values))
    if len(weights) == 1:
        weights, bias = numpy.vstack([-weights / 2, weights / 2]), numpy.concatenate([-bias / 2, bias / 2])
    return {"strength": strength, "weights": weights.round(9).tolist(), "bias": bias.round(9).tolist(),
            "probabilities": probabilities[:12].round(9).tolist()}


CASES = {"two": (make, dict(seed=1, texts=90, features=7, labels=2, noise=3.0), None),
         "six": (make, dict(seed=2, texts=160, features=9, labels=6, noise=2.0), None),
         "skewed": (make, dict(seed=3, texts=150, features=6, labels=3, skew=0.3, noise=2.0), "balanced"),
         "skewed_two": (make, dict(seed=4, texts=120, features=5, labels=2, skew=0.15, noise=2.0), "balanced"),
         "separable": (make, dict(seed=5, texts=40, features=12, labels=2, noise=0.1), None),
         "alike": (make_alike, dict(seed=6, texts=120, features=8, labels=6), None)}


def main():
    cases = []
    for name, (draw, shape, class_weight) in CASES.items():
        values, label_ids = draw(**shape)
        cases.append({"name": name, "labels": shape["labels"], "balanced": class_weight is not None,
                      "label_ids": label_ids.tolist(), "values": values.tolist(),
                      "fits": [fit(values, label_ids, c, class_weight) for c in (0.01, 1.0, 30.0)]})
    text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n"
    pathlib.Path(sys.argv[1]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
