# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/study/metrics.json: logits, probabilities and right answers, and what scikit-learn and numpy make of
them.

    python tests/generators/metrics_goldens.py tests/data/study/metrics.json
"""

import json
import sys

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score

BINS = 15


def gap(probability, happened, groups):
    return float(sum(abs(happened[g].sum() - probability[g].sum()) for g in groups) / len(probability))


def equal_width(probability):
    index = np.minimum((probability * BINS).astype(int), BINS - 1)
    return [np.flatnonzero(index == b) for b in range(BINS)]


def roc(confidence, positive):
    return float(roc_auc_score(positive, confidence)) if 0 < positive.sum() < len(positive) else None


def risk_coverage(confidence, correct):
    """Over many random orders of the ties; exact where there are none."""
    rng = np.random.default_rng(5)
    areas = []
    for _ in range(20000 if len(set(confidence)) < len(confidence) else 1):
        order = np.lexsort((rng.random(len(confidence)), -confidence))
        areas.append(((~correct[order]).cumsum() / np.arange(1, len(correct) + 1)).mean())
    return float(np.mean(areas))


def measure(p32, labels, reference):
    p = p32.astype(np.float64)
    classes = range(p.shape[1])
    answers, confidence = p.argmax(1), p.max(1)
    correct = answers == labels
    truth = np.eye(p.shape[1])[labels]
    result = {
        "accuracy": float(accuracy_score(labels, answers)),
        "macro_f1": float(f1_score(labels, answers, average="macro")),
        "mean_confidence": float(confidence.mean()),
        "brier": float(((p - truth) ** 2).sum(1).mean()),
        "ece": gap(confidence, correct, equal_width(confidence)),
        "class_wise_ece": float(np.mean([gap(p[:, k], truth[:, k], equal_width(p[:, k])) for k in classes])),
        "auroc_correct": roc(confidence, correct),
        "auroc_agreement": roc(confidence, answers == reference),
        "aurc": risk_coverage(confidence, correct),
        "bin_texts": [len(g) for g in equal_width(confidence)],
    }
    if len(set(confidence)) == len(confidence):  # scikit-learn wants rows that add up to 1; tied ones are rounded
        result["nll"] = float(log_loss(labels, p / p.sum(1, keepdims=True), labels=list(classes)))
        result["equal_mass_ece"] = gap(confidence, correct, equal_mass(confidence))
    return result


def equal_mass(confidence):
    order = confidence.argsort()
    groups = order.size * np.arange(BINS + 1)
    edges = -(-groups // BINS)  # the first text whose share has reached the multiple
    return [order[a:b] for a, b in zip(edges, edges[1:])]


def fit(logits, labels):
    def nll(log_beta):
        return -log_softmax(np.exp(log_beta) * logits, axis=1)[np.arange(len(labels)), labels].mean()
    found = minimize_scalar(nll, bounds=(-6.9, 6.9), method="bounded", options={"xatol": 1e-10})
    return {"temperature": float(np.exp(-found.x)), "nll_before": float(nll(0.0)), "nll_after": float(found.fun)}


def case(name, seed, texts, classes, scale, digits):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, texts)
    logits = rng.normal(0, 1, (texts, classes)) + 1.2 * np.eye(classes)[labels]
    logits = (scale * logits).round(4).astype(np.float32)
    p = np.exp(log_softmax(logits.astype(np.float64), axis=1))
    p = (p if digits is None else p.round(digits)).astype(np.float32)
    reference = np.where(rng.random(texts) < 0.8, p.argmax(1), rng.integers(0, classes, texts))
    return {"name": name, "num_labels": classes, "label_ids": labels.tolist(), "reference": reference.tolist(),
            "logits": [float(str(x)) for x in logits.ravel()],
            "probabilities": [float(str(x)) for x in p.ravel()],
            "metrics": measure(p, labels, reference), "fit": fit(logits.astype(np.float64), labels)}


def main():
    cases = [case("two_labels_overconfident", 1, 70, 2, 3.0, None), case("five_labels_underconfident", 2, 64, 5, 0.4, None),
             case("three_labels_with_ties", 3, 60, 3, 1.0, 1)]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        for_each = ",\n".join(json.dumps(c) for c in cases)
        file.write(f"[\n{for_each}\n]\n")


if __name__ == "__main__":
    main()
