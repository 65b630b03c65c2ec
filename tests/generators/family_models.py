# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/models/family-*: a random sequence classifier of each family as transformers saves it, and what it
says to some texts (golden.json); one of them with exits.

    python tests/generators/family_models.py tests/data/models

The tokenizer is WordPiece in every family; the goldens are about the encoder and its head.
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification
from transformers import (AlbertConfig, BertConfig, CamembertConfig, Data2VecTextConfig, DistilBertConfig, ElectraConfig,
                          ErnieConfig, RobertaConfig, XLMRobertaConfig)

from tiny_models import PAIRS, SINGLE, VOCABULARY, exit_at, loaded, make_tokenizer, stored, write_exits, write_json

LABELS = ["dull", "fair", "warm"]
WIDE = dict(vocab_size=len(VOCABULARY), max_position_embeddings=36, hidden_size=16, num_hidden_layers=2,
            num_attention_heads=2, intermediate_size=32)
FAMILIES = {
    "bert": dict(config=BertConfig(**WIDE, hidden_act="gelu_new"), store="F32"),
    "electra": dict(config=ElectraConfig(**WIDE, embedding_size=12), store="F32"),
    "electra-square": dict(config=ElectraConfig(**WIDE, embedding_size=16, hidden_act="relu"), store="F16"),
    "distilbert": dict(config=DistilBertConfig(vocab_size=len(VOCABULARY), max_position_embeddings=36, dim=16, n_layers=2,
                                               n_heads=4, hidden_dim=32), store="BF16", type_ids=False),
    "albert": dict(config=AlbertConfig(**(WIDE | dict(num_hidden_layers=3)), embedding_size=8), store="F32"),
    "albert-exits": dict(config=AlbertConfig(**(WIDE | dict(num_hidden_layers=4)), embedding_size=8), store="F32",
                         exits=[exit_at(1, "mean", "own", temperature=0.75), exit_at(2, "cls", "shared", True),
                                exit_at(4, "cls", "shared", True, True, temperature=1.5)]),
    "roberta": dict(config=RobertaConfig(**WIDE, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5), store="F32",
                    type_ids=False, offset=2),
    # Its padding token is [SEP], so that some text has one and positions can be told from a plain offset.
    "xlm-roberta": dict(config=XLMRobertaConfig(**WIDE, type_vocab_size=1, pad_token_id=3, layer_norm_eps=1e-5), store="I8",
                        type_ids=False, offset=4),
    "camembert": dict(config=CamembertConfig(**WIDE, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5), store="F16",
                      type_ids=False, offset=2),
    "ernie": dict(config=ErnieConfig(**WIDE, type_vocab_size=4, hidden_act="relu"), store="F32"),
    "data2vec-text": dict(config=Data2VecTextConfig(**WIDE, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5),
                          store="BF16", type_ids=False, offset=2),
}


def randomize(module, generator):
    for name, parameter in module.named_parameters():
        std = 0.5 if "embeddings.weight" in name else 0.3 if parameter.dim() == 2 else 0.2
        parameter.data.normal_(0, std, generator=generator)
        if "norm" in name.lower() and name.endswith("weight"):
            parameter.data.add_(1)


def golden(model, family, max_tokens):
    tokenizer = make_tokenizer()
    tokenizer.enable_truncation(max_tokens)
    entries = []
    for text in [*SINGLE, *PAIRS]:
        single = isinstance(text, str)
        encoding = tokenizer.encode(text) if single else tokenizer.encode(*text)
        inputs = {"input_ids": torch.tensor([encoding.ids]), "attention_mask": torch.ones(1, len(encoding.ids))}
        if family.get("type_ids", True):
            inputs["token_type_ids"] = torch.tensor([encoding.type_ids])
        entry = {"text": text} if single else dict(zip(("premise", "hypothesis"), text))
        entries.append(entry | {"logits": [[round(v, 6) for v in model(**inputs).logits[0].tolist()]]})
    return entries


def write_family(out, name, family, seed):
    out.mkdir(parents=True, exist_ok=True)
    config = family["config"]
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: i for i, label in enumerate(LABELS)}
    config._attn_implementation = "eager"
    model = AutoModelForSequenceClassification.from_config(config).eval()
    randomize(model, torch.Generator().manual_seed(seed))
    model.save_pretrained(out)
    tensors = stored(load_file(out / "model.safetensors"), family["store"])
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    missing, unexpected = model.load_state_dict(loaded(tensors), strict=False)
    assert not missing and not unexpected, (missing, unexpected)
    max_tokens = 36 - family.get("offset", 0)
    write_json(out / "tokenizer_config.json", {"do_lower_case": True, "tokenizer_class": "BertTokenizer"})
    write_json(out / "tokenizer.json", json.loads(make_tokenizer().to_str()), separators=(",", ":"))
    if "exits" in family:
        write_exits(out, {"exits": family["exits"], "size": (16,), "labels": LABELS, "store": "F32", "max_tokens": 30},
                    model.albert, torch.Generator().manual_seed(seed))
        return
    write_json(out / "golden.json", {"max_tokens": max_tokens, "golden": golden(model, family, max_tokens)}, indent=1)


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for seed, (name, family) in enumerate(FAMILIES.items(), 20):
        write_family(pathlib.Path(sys.argv[1]) / f"family-{name}", name, family, seed)


if __name__ == "__main__":
    main()
