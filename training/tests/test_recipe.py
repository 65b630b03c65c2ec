# SPDX-License-Identifier: Apache-2.0
import math
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import data
import export
import sentences
import temperature
import train


def drawn(scale):
    """Logits whose labels are drawn from softmax(logits / scale)."""
    random = np.random.default_rng(3)
    logits = random.normal(size=(20000, 3)) * 2 * scale
    p = np.exp(temperature.log_softmax(logits / scale))
    return logits, (random.random((len(p), 1)) > p.cumsum(1)[:, :2]).sum(1)


class Recipe(unittest.TestCase):
    def test_fit_recovers_the_temperature(self):
        for scale in (0.2, 1.0, 5.0):
            assert math.isclose(temperature.fit(*drawn(scale)), scale, rel_tol=0.05)

    def test_fit_is_a_minimum(self):
        logits, labels = drawn(2.0)
        best = temperature.fit(logits, labels)
        assert temperature.nll(logits, labels, best) <= min(temperature.nll(logits, labels, best * f) for f in (0.99, 1.01))

    def test_fit_stops_on_the_bounds(self):
        logits = np.array([[0.0, 1.0], [1.0, 0.0]])
        assert math.isclose(temperature.fit(logits, np.array([1, 0])), 1e-3)
        assert math.isclose(temperature.fit(logits, np.array([0, 1])), 1e3)

    def test_quantize_is_within_half_a_step_per_row(self):
        weight = torch.randn(7, 11) * torch.logspace(-3, 3, 7)[:, None]
        weight[2] = 0
        q, scale = export.quantize(weight)
        assert ((q.float() * scale[:, None] - weight).abs() <= scale[:, None] * 0.5001).all()
        assert q.min() >= -127 and (q[2] == 0).all()

    def test_early_exit_takes_the_first_sure_exit_and_else_the_last(self):
        z = np.array([[[9.0, 0], [0.1, 0], [0.1, 0]], [[0, 9.0], [0, 9.0], [0, 0.1]]])
        accuracy, layer = export.early(z, np.array([0, 1, 1]), [2, 6], 0.9)
        assert accuracy == 1 and math.isclose(layer, (2 + 6 + 6) / 3)

    def test_batches_hold_every_text_once_within_the_budget(self):
        lengths = [1 + i * 7 % 40 for i in range(300)]
        batches = data.cut_batches(lengths, 100, 5)
        assert sorted(i for b in batches for i in b) == list(range(300))
        assert all(len(b) * max(lengths[i] for i in b) <= 100 for b in batches)

    def test_unlabelled_rows_learn_from_the_teacher_alone(self):
        a = SimpleNamespace(loss_weights=None, teacher_weight=0.3, self_distillation=0.0)
        logits, teacher = torch.randn(2, 1, 2), torch.tensor([[0.25, 0.75]])
        expected = -(teacher * torch.log_softmax(logits, -1)).sum()
        assert torch.allclose(train.loss_of(logits, torch.tensor([-1]), teacher, a), expected)

    def test_sentences_are_tokenized_like_sst(self):
        assert sentences.sentences("It's fun.<br />Don't (ever) miss it!") == ["it 's fun .", "do n't ( ever ) miss it !"]


if __name__ == "__main__":
    unittest.main()
