# SPDX-License-Identifier: Apache-2.0
"""The temperature that minimises the negative log-likelihood, and the measures that judge it."""
import numpy as np

LOW, HIGH = 1e-3, 1e3  # bounds of beta = 1/T, and so of T


def log_softmax(z: np.ndarray) -> np.ndarray:
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def nll(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> float:
    return float(-log_softmax(logits / temperature)[np.arange(len(labels)), labels].mean())


def ece(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0, bins: int = 15) -> float:
    """Expected calibration error over equal-width bins of the top probability."""
    probabilities = np.exp(log_softmax(logits / temperature))
    confidence, correct = probabilities.max(-1), probabilities.argmax(-1) == labels
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(correct[index == b].sum() - confidence[index == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(labels))


def fit(logits: np.ndarray, labels: np.ndarray) -> float:
    """Safeguarded Newton on beta = 1/T, in which the NLL is convex; a fit on a bound returns that bound."""
    logits = logits.astype(np.float64)
    truth = logits[np.arange(len(labels)), labels]

    def derivatives(beta):
        p = np.exp(log_softmax(beta * logits))
        mean = (p * logits).sum(-1)
        return (mean - truth).mean(), ((p * logits**2).sum(-1) - mean**2).mean()

    low, high = LOW, HIGH
    if derivatives(low)[0] >= 0:
        return 1 / low
    if derivatives(high)[0] <= 0:
        return 1 / high
    beta = 1.0
    for _ in range(200):
        slope, curvature = derivatives(beta)
        low, high = (low, beta) if slope > 0 else (beta, high)
        step = beta - slope / curvature if curvature > 0 else 0.0
        following = step if low < step < high else 0.5 * (low + high)
        if abs(following - beta) <= 1e-12 * beta:
            break
        beta = following
    return 1 / beta
