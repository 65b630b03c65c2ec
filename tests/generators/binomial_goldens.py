# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/study/binomial.json: what scipy says about events among trials.

    python tests/generators/binomial_goldens.py tests/data/study/binomial.json

Written with scipy 1.17.1. Confidence sequences are solved here from their definition, with scipy's beta function.
"""
import json
import sys

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaln, xlog1py, xlogy
from scipy.stats import beta, binom, binomtest

COUNTS = [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (1, 59), (15, 16), (17, 33), (3, 872), (38, 5000), (463, 10000),
          (0, 299), (250_000, 1_000_000), (12, 10_000_000), (4_999_000, 10_000_000), (9_999_999, 10_000_000)]
TAILS = [(0, 0, 0.3), (0, 10, 0.0), (4, 10, 1.0), (2, 10, 0.3), (9, 10, 0.999), (83, 5000, 0.02), (224, 5000, 0.05),
         (500, 1000, 0.5), (100, 1000, 0.5), (900, 1000, 0.5), (1, 10_000_000, 1e-7), (4_990_000, 10_000_000, 0.5),
         (99_000, 10_000_000, 0.01), (101_000, 10_000_000, 0.01)]


def confidence_sequence(k, n, confidence):
    def log_evidence(p):  # of the mixture against p, less its limit
        mixture = betaln(k + 0.5, n - k + 0.5) - betaln(0.5, 0.5)
        return mixture - xlogy(k, p) - xlog1py(n - k, -p) + np.log1p(-confidence)

    tiny = 1e-300
    lower = 0.0 if k == 0 else brentq(log_evidence, tiny, k / n, xtol=1e-300, rtol=1e-14)
    if k == n:
        return lower, 1.0
    return lower, brentq(log_evidence, k / n, np.nextafter(1, 0), xtol=1e-300, rtol=1e-14)


def bounds(k, n, confidence):
    delta = 1 - confidence
    wilson = binomtest(k, n).proportion_ci(confidence, method="wilson")
    return {"k": k, "n": n, "confidence": confidence,
            "lower": float(beta.ppf(delta, k, n - k + 1)) if k > 0 else 0.0,
            "upper": float(beta.isf(delta, k + 1, n - k)) if k < n else 1.0,
            "clopper_pearson": [float(beta.ppf(delta / 2, k, n - k + 1)) if k > 0 else 0.0,
                                float(beta.isf(delta / 2, k + 1, n - k)) if k < n else 1.0],
            "wilson": [float(wilson.low), float(wilson.high)],
            "confidence_sequence": list(map(float, confidence_sequence(k, n, confidence)))}


def main():
    goldens = {"tails": [{"k": k, "n": n, "p": p, "at_most": float(binom.cdf(k, n, p))} for k, n, p in TAILS],
               "bounds": [bounds(k, n, confidence) for k, n in COUNTS for confidence in (0.95, 0.999)]}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(goldens, file, indent=1)
        file.write("\n")


main()
