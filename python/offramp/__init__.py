# SPDX-License-Identifier: Apache-2.0
"""Early-exit BERT text classification: easy texts leave the encoder early, hard ones go deep.

    import offramp

    model = offramp.Classifier.load(offramp.bundled("sentiment-en"), format="int8")
    print(model.classify("A delight from start to finish.", 0.9))
"""

from offramp._native import (
    Calibration,
    Certification,
    CertifiedFit,
    DriftAudit,
    DriftCounts,
    Evaluation,
    ExitOutput,
    FitResult,
    Policy,
    Prediction,
    Stop,
)
from offramp._native import version as __version__
from offramp.classifier import Classifier, bundled, shared
from offramp.errors import Error, InvalidArgument
from offramp.study import calibrate, certify, evaluate, fit, fit_certified

__all__ = [
    "Calibration",
    "Certification",
    "CertifiedFit",
    "Classifier",
    "DriftAudit",
    "DriftCounts",
    "Error",
    "Evaluation",
    "ExitOutput",
    "FitResult",
    "InvalidArgument",
    "Policy",
    "Prediction",
    "Stop",
    "__version__",
    "bundled",
    "calibrate",
    "certify",
    "evaluate",
    "fit",
    "fit_certified",
    "shared",
]
