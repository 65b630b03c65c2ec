# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import offramp
import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "data" / "models"

TEXTS = ["A good film.", "", "the quick fox", "bad " * 60, "caf\u00e9 \uac00 \U0001f600", "A good film."]


@pytest.fixture(scope="session")
def tiny():
    return offramp.Classifier.load(TINY / "tiny")


@pytest.fixture(scope="session")
def pairs():
    return offramp.Classifier.load(TINY / "tiny-pair")
