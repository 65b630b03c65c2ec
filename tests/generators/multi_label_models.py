# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/models/multi-label*, one-logit: random classifiers whose labels are given each for itself, and what
transformers and PyTorch say to some texts (golden.json, exits.json).

    python tests/generators/multi_label_models.py tests/data/models

The scores in golden.json are those of transformers' text-classification pipeline. Made with transformers 5.24.
"""
import json
import pathlib
import sys

import torch
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, TextClassificationPipeline

from family_models import WIDE, randomize
from tiny_models import SINGLE, exit_at, make_tokenizer, write_json, write_model

LABELS = ["toxic", "insult", "threat", "obscene"]
PLAIN = {
    "multi-label": dict(labels=LABELS, problem_type="multi_label_classification", seed=60),
    "one-logit": dict(labels=["spam"], problem_type="multi_label_classification", seed=61),
}
WITH_EXITS = dict(
    seed=62, size=(24, 4, 3, 48), act="gelu", store="F32", labels=LABELS, max_tokens=32,
    exits=[exit_at(1, "mean", temperature=0.75), exit_at(2, "cls", "own", temperature=1.5),
           exit_at(3, "cls", "own", temperature=1.25)],
    policy={"rule": "declining", "threshold": 0.8, "decline": 0.05}, more={"cuts": [0.5, 0.25, 0.5, 0.75]})


def golden(model):
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=make_tokenizer(), pad_token="[PAD]", model_max_length=36)
    pipeline = TextClassificationPipeline(model=model, tokenizer=tokenizer, device="cpu")
    entries = []
    for text in SINGLE:
        logits = model(**tokenizer(text, truncation=True, return_tensors="pt")).logits[0]
        scores = {row["label"]: row["score"] for row in pipeline(text, top_k=None, truncation=True)}
        entries.append({"text": text, "logits": [[round(v, 6) for v in logits.tolist()]],
                        "scores": [round(scores[label], 7) for label in model.config.id2label.values()]})
    return entries


def write_plain(out, labels, problem_type, seed):
    out.mkdir(parents=True, exist_ok=True)
    config = BertConfig(**WIDE, num_labels=len(labels), problem_type=problem_type)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: i for i, label in enumerate(labels)}
    config._attn_implementation = "eager"
    model = BertForSequenceClassification(config).eval()
    randomize(model, torch.Generator().manual_seed(seed))
    model.save_pretrained(out)
    write_json(out / "tokenizer_config.json", {"do_lower_case": True, "tokenizer_class": "BertTokenizer"})
    write_json(out / "tokenizer.json", json.loads(make_tokenizer().to_str()), separators=(",", ":"))
    write_json(out / "golden.json", {"golden": golden(model)}, indent=1)


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    models = pathlib.Path(sys.argv[1])
    for name, plain in PLAIN.items():
        write_plain(models / name, **plain)
    write_model(models / "multi-label-exits", WITH_EXITS)
    config = json.loads((models / "multi-label-exits" / "config.json").read_text())
    write_json(models / "multi-label-exits" / "config.json", config | {"problem_type": "multi_label_classification"}, indent=1)


if __name__ == "__main__":
    main()
