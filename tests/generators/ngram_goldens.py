#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/exits/ngrams.json: what the head before the encoder reads of token ids and says to them, computed
from the formulas of docs/model-format.md with Python's integers and floats.

    python3 tests/generators/ngram_goldens.py
"""
import json
import math
import pathlib
import random

MASK = 2**64 - 1
SEEDS = (0x9E3779B97F4A7C15, 0x3C6EF372FE94F82A)


def mix(bits):
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB & MASK
    return bits ^ (bits >> 31)


def counts(ids, special_ids, separator, longest, bucket_bits):
    """Buckets in the order of their first n-gram, and how often each is hit."""
    found = {}
    runs = [(0, [])]
    part = 0
    for token in ids:
        if token in special_ids:
            part = 1 if token == separator else part
            runs.append((part, []))
        else:
            runs[-1][1].append(token)
    for part, run in runs:
        for begin in range(len(run)):
            bits = SEEDS[part]
            for token in run[begin:begin + longest]:
                bits = mix((bits + token + 1) & MASK)
                bucket = bits >> (64 - bucket_bits)
                found[bucket] = found.get(bucket, 0) + 1
    return found


def weight(bucket, label):
    """A weight that the test makes up in the same way."""
    return (bucket * 7 + label * 31) % 255 - 127


def case(ids, longest, bucket_bits, labels):
    special_ids, separator = [101, 102], 102
    found = counts(ids, special_ids, separator, longest, bucket_bits)
    values = {bucket: 1 + math.log(count) for bucket, count in found.items()}
    length = math.sqrt(sum(value * value for value in values.values()))
    scales = [0.01 * (label + 1) for label in range(labels)]
    bias = [0.25 * label - 0.5 for label in range(labels)]
    logits = [
        scales[label] * sum(value * weight(bucket, label) for bucket, value in values.items()) / length + bias[label]
        if values else bias[label] for label in range(labels)
    ]
    return {"ids": ids, "longest": longest, "bucket_bits": bucket_bits, "buckets": list(found), "counts":
            list(found.values()), "scales": scales, "bias": bias, "logits": logits}


def main():
    random.seed(8)
    cases = [
        case([], 2, 12, 2),
        case([101, 102], 2, 12, 2),
        case([101, 2023, 2143, 2003, 4569, 102], 2, 12, 2),
        case([101, 7, 7, 7, 7, 7, 102], 3, 12, 3),
        case([101, 5, 6, 102, 5, 6, 102], 2, 12, 2),
        case([101, 5, 6, 102, 102, 5, 6, 102], 2, 12, 2),
        case([101, 102, 5, 6, 102], 4, 10, 4),
        case([5, 6], 1, 16, 2),
        case([2**31 - 1, 0, 2**31 - 1], 8, 1, 2),
    ]
    for _ in range(8):
        ids = [101] + [random.choice((random.randrange(30522), random.randrange(20), 102)) for _ in range(60)] + [102]
        cases.append(case(ids, random.randrange(1, 9), random.randrange(4, 14), random.randrange(2, 6)))
    target = pathlib.Path(__file__).resolve().parent.parent / "data" / "exits" / "ngrams.json"
    target.write_text("[\n" + ",\n".join(json.dumps(one) for one in cases) + "\n]\n")


if __name__ == "__main__":
    main()
