# SPDX-License-Identifier: Apache-2.0
"""Answers as Arrow has them; imported where they are asked for, because only that needs pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np
import pyarrow as pa

from offramp.classifier import STOP_REASONS


def schema(labels: Sequence[str], *, multi_label: bool = False) -> pa.Schema:
    """Of what Classifier.classify_arrow returns for a model with these labels."""
    return pa.schema(
        [
            ("label", pa.list_(pa.string()) if multi_label else pa.string()),
            ("confidence", pa.float32()),
            ("layer", pa.int32()),
            ("tokens", pa.int32()),
            ("truncated", pa.bool_()),
            ("stopped", pa.string()),
            ("probabilities", pa.list_(pa.float32(), len(labels))),
        ]
    )


def record_batch(columns: dict, labels: Sequence[str], cuts: Optional[np.ndarray]) -> pa.RecordBatch:
    label_ids, layers, tokens = columns["numbers"]
    truncated, stopped = columns["flags"]
    probabilities = columns["probabilities"]
    if cuts is None:
        # A text that was cancelled has no label.
        named = pa.array(labels, pa.string()).take(pa.array(label_ids, mask=label_ids < 0))
    else:
        given = probabilities > cuts
        ends = np.concatenate([[0], given.sum(axis=1).cumsum()]).astype(np.int32)
        named = pa.ListArray.from_arrays(ends, pa.array(labels, pa.string()).take(pa.array(np.nonzero(given)[1])))
    return pa.record_batch(
        [
            named,
            pa.array(columns["confidence"]),
            pa.array(layers),
            pa.array(tokens),
            pa.array(truncated.astype(np.bool_)),
            pa.array(STOP_REASONS, pa.string()).take(pa.array(stopped)),
            pa.FixedSizeListArray.from_arrays(pa.array(probabilities.reshape(-1)), len(labels)),
        ],
        schema=schema(labels, multi_label=cuts is not None),
    )
