# SPDX-License-Identifier: Apache-2.0
"""What every training shares: parameter groups, learning-rate schedule, and a checkpoint from which the same command goes on."""
import os
import time
from pathlib import Path

import torch


def save_atomically(value, path: Path) -> None:
    torch.save(value, f"{path}.tmp")
    os.replace(f"{path}.tmp", path)


def parameter_groups(module, lr: float, weight_decay: float) -> list[dict]:
    """An optimizer's groups: matrices decay, vectors do not."""
    return [{"params": [p for p in module.parameters() if p.dim() > 1], "lr": lr, "weight_decay": weight_decay},
            {"params": [p for p in module.parameters() if p.dim() == 1], "lr": lr, "weight_decay": 0.0}]


def linear_schedule(optimizer, steps: int, warmup: float):
    """Up over the fraction `warmup` of all steps, then down to 0."""
    up = max(1, int(steps * warmup))
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / up, max(0.0, (steps - s) / max(1, steps - up))))


class Checkpoint:
    """The state of a training in a file, written at most every `seconds`."""

    def __init__(self, path: Path, model, optimizer, schedule, seconds: float):
        self.path, self.seconds, self.saved = path, seconds, time.monotonic()
        self.parts = {"model": model, "optimizer": optimizer, "schedule": schedule}

    def load(self) -> dict | None:
        """Brings the state back and returns what else was saved, `step` among it; None where there is no file."""
        if not self.path.exists():
            return None
        stored = torch.load(self.path, weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(stored[name])
        torch.set_rng_state(stored["random"])
        return stored

    def save_if_due(self, **more) -> None:
        if time.monotonic() - self.saved > self.seconds:
            state = {name: part.state_dict() for name, part in self.parts.items()}
            save_atomically(state | {"random": torch.get_rng_state()} | more, self.path)
            self.saved = time.monotonic()

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
