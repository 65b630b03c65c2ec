# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/study/multi_label.json: logits, right labels and cuts, and what scikit-learn, PyTorch's binary
cross-entropy and numpy make of them.

    python tests/generators/multi_label_goldens.py tests/data/study/multi_label.json
"""

import json
import sys

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score

from metrics_goldens import equal_width, gap, roc


def measure(p32, truth, cuts):
    p = p32.astype(np.float64)
    given = p > np.asarray(cuts, np.float32)
    confidence = np.maximum(p, 1 - p).min(1)
    correct = (given == truth).all(1)
    return {
        "accuracy": float(accuracy_score(truth, given)),
        "macro_f1": float(f1_score(truth, given, average="macro", zero_division=np.nan)),
        "micro_f1": float(f1_score(truth, given, average="micro")),
        "mean_confidence": float(confidence.mean()),
        "nll": float(torch.nn.functional.binary_cross_entropy(torch.tensor(p), torch.tensor(truth.astype(np.float64)))),
        "brier": float(sum(brier_score_loss(truth[:, k], p[:, k]) for k in range(truth.shape[1]))),
        "ece": gap(p.ravel(), truth.ravel(), equal_width(p.ravel())),
        "class_wise_ece": float(np.mean([gap(p[:, k], truth[:, k], equal_width(p[:, k])) for k in range(truth.shape[1])])),
        "auroc_correct": roc(confidence, correct),
        "bin_texts": [len(g) for g in equal_width(p.ravel())],
    }


def fit(logits, truth):
    target = torch.tensor(truth.astype(np.float64))

    def nll(log_beta):
        scaled = torch.tensor(np.exp(log_beta) * logits.astype(np.float64))
        return float(torch.nn.functional.binary_cross_entropy_with_logits(scaled, target))

    found = minimize_scalar(nll, bounds=(-6.9, 6.9), method="bounded", options={"xatol": 1e-10})
    return {"temperature": float(np.exp(-found.x)), "nll_before": nll(0.0), "nll_after": float(found.fun)}


def case(name, seed, texts, labels, scale, cuts, never):
    """`never`: a label that no text has and that is never given."""
    rng = np.random.default_rng(seed)
    truth = rng.random((texts, labels)) < 0.35
    logits = rng.normal(0, 1, (texts, labels)) + 1.5 * (2 * truth - 1)
    if never is not None:
        truth[:, never] = False
        logits[:, never] = -4 - rng.random(texts)
    logits = (scale * logits).round(4).astype(np.float32)
    p = expit(logits.astype(np.float64)).astype(np.float32)
    return {"name": name, "num_labels": labels, "cuts": cuts, "label_sets": truth.astype(int).ravel().tolist(),
            "logits": [float(str(x)) for x in logits.ravel()], "probabilities": [float(str(x)) for x in p.ravel()],
            "metrics": measure(p, truth, cuts), "fit": fit(logits, truth)}


def main():
    cases = [case("four_labels_overconfident", 1, 60, 4, 2.5, [0.5] * 4, None),
             case("three_labels_other_cuts", 2, 50, 3, 0.5, [0.3, 0.5, 0.6], None),
             case("a_label_that_never_occurs", 3, 40, 3, 1.0, [0.5] * 3, 1)]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        for_each = ",\n".join(json.dumps(c) for c in cases)
        file.write(f"[\n{for_each}\n]\n")


if __name__ == "__main__":
    main()
