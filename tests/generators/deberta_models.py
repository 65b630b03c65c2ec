# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/models/family-deberta*: random DeBERTa-v2 and v3 models as save_pretrained writes them, and what
transformers says to some texts and token ids (golden.json, or in exits.json). Each version of transformers writes its own:

    pip install transformers==5.24.0 sentencepiece==0.2.3 protobuf    # all but family-deberta-v4, which 4.57.1 writes
    python tests/generators/deberta_models.py tests/data/models

With 5.24.0 it also writes tests/data/nn/relative_buckets.json: where that puts distances.
"""
import pathlib
import shutil
import sys

import torch
import transformers
from sentencepiece import sentencepiece_model_pb2
from transformers import AutoTokenizer, DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2Model
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

from family_goldens import store_weights, write_exits, write_golden
from tiny_models import LETTERS, PAIRS, SINGLE, WORDS, exit_at, exit_logits, write_json

LABELS = ["dull", "fair", "warm"]
SPECIALS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
PIECES = [*("\u2581" + word for word in WORDS), "\u2581", *".,!?'-", *LETTERS, "ing", "ed", "ly", "\u2581un"]
ROWS = len(SPECIALS) + len(PIECES) + 3  # [MASK], and rows that no token has
STORY = "the story of a man and a dog "
TEXTS = [*SINGLE, "a [MASK] film,  bad", "a dog \u00e9 un\u4e2d [SEP] \t x", STORY * 20, STORY * 80, *PAIRS,
         (STORY * 40, STORY * 30)]
LENGTHS = [1, 2, 3, 5, 6, 16, 17, 18, 33, 48, 49, 64, 70, 72, 97, 128, 130, 257, 258, 300, 512]
V3 = dict(relative_attention=True, max_relative_positions=-1, position_biased_input=False, pos_att_type=["p2c", "c2p"],
          share_att_key=True, norm_rel_ebd="layer_norm", type_vocab_size=0)
# What the released models have beside their sizes: deberta-v3-*, mdeberta-v3-base, Llama-Prompt-Guard-2-22M and -86M.
RELEASED = dict(V3, position_buckets=256, max_position_embeddings=512, pooler_dropout=0, pooler_hidden_act="gelu",
                layer_norm_eps=1e-7, legacy=True)
MODELS = {  # hidden size, heads, layers, intermediate size
    "family-deberta": dict(size=(36, 3, 3, 52), store="F32", seed=60, config=dict(
        V3, position_buckets=8, max_relative_positions=16, max_position_embeddings=72)),
    "family-deberta-guard": dict(size=(24, 2, 2, 40), store="F32", seed=61, config=dict(RELEASED, pooler_hidden_size=24),
                                 labels=["LABEL_0", "LABEL_1"]),
    "family-deberta-c2p": dict(size=(20, 5, 2, 36), store="BF16", seed=62, config=dict(
        relative_attention=True, position_buckets=5, max_relative_positions=16, max_position_embeddings=130,
        pos_att_type=["c2p"], type_vocab_size=2, embedding_size=12, pooler_hidden_act="tanh", hidden_act="gelu_new")),
    "family-deberta-p2c": dict(size=(24, 2, 2, 28), store="I8", seed=63, only_sentencepiece=True, config=dict(
        relative_attention=True, position_buckets=4, max_relative_positions=16, max_position_embeddings=72,
        pos_att_type="P2C", position_biased_input=False, norm_rel_ebd="none")),
    "family-deberta-absolute": dict(size=(12, 2, 2, 28), store="F32", seed=64, config=dict(
        max_position_embeddings=40, embedding_size=12)),
    "family-deberta-exits": dict(size=(24, 2, 4, 44), store="F32", seed=65, config=dict(
        V3, position_buckets=8, max_relative_positions=24, max_position_embeddings=100), exits=[
            exit_at(1, "cls", "own", temperature=0.75), exit_at(2, "mean", temperature=1.25),
            exit_at(3, "cls", "shared", True), exit_at(4, "cls", "shared", True, True)]),
    "family-deberta-v4": dict(version="4.57.1", size=(24, 2, 2, 28), store="F16", seed=66, config=dict(
        relative_attention=True, max_relative_positions=20, max_position_embeddings=64, pos_att_type="c2p|p2c",
        position_biased_input=False)),
}
BUCKETS = [(256, 512), (8, 16), (5, 16), (4, 16), (3, 9), (2, 16), (8, 7), (48, 512), (512, 8192), (6, 13)]


def randomize(module, generator):
    for name, parameter in module.named_parameters():
        std = 1.0 if "rel_embeddings" in name else 0.5 if "embeddings.weight" in name else 0.25 if parameter.dim() == 2 else 0.2
        parameter.data.normal_(0, std, generator=generator)
        if "norm" in name.lower() and name.endswith("weight"):
            parameter.data.add_(1)


def write_sentencepiece(path):
    model = sentencepiece_model_pb2.ModelProto()
    kinds = sentencepiece_model_pb2.ModelProto.SentencePiece
    for piece in SPECIALS:
        model.pieces.add(piece=piece, score=0.0, type=kinds.UNKNOWN if piece == "[UNK]" else kinds.CONTROL)
    for i, piece in enumerate(PIECES):  # sums of multiples of 1/64 are exact
        model.pieces.add(piece=piece, score=-2.0 - 9 * i / 64 - 4 * (len(piece) == 1), type=kinds.NORMAL)
    trainer = model.trainer_spec
    trainer.model_type = 1
    trainer.pad_id, trainer.bos_id, trainer.eos_id, trainer.unk_id = range(4)
    trainer.pad_piece, trainer.bos_piece, trainer.eos_piece, trainer.unk_piece = SPECIALS
    path.write_bytes(model.SerializeToString())


def write_tokenizer(out, only_sentencepiece):
    """First as the released models have it: a sentencepiece model, and two settings."""
    write_sentencepiece(out / "spm.model")
    write_json(out / "tokenizer_config.json", {"do_lower_case": False, "vocab_type": "spm"})
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert type(tokenizer).__name__.startswith("DebertaV2Tokenizer"), type(tokenizer)
    if not only_sentencepiece:
        (out / "spm.model").unlink()
        tokenizer.save_pretrained(out)
    return tokenizer


def write_model(out, m):
    shutil.rmtree(out, ignore_errors=True)  # a tokenizer that stands there would be read
    out.mkdir(parents=True)
    hidden, heads, layers, intermediate = m["size"]
    labels = m.get("labels", LABELS)
    config = DebertaV2Config(vocab_size=ROWS, hidden_size=hidden, num_attention_heads=heads, num_hidden_layers=layers,
                             intermediate_size=intermediate, id2label=dict(enumerate(labels)),
                             label2id={label: i for i, label in enumerate(labels)}, **m["config"])
    model = (DebertaV2Model if "exits" in m else DebertaV2ForSequenceClassification)(config).eval()
    generator = torch.Generator().manual_seed(m["seed"])
    randomize(model, generator)
    store_weights(model, out, m["store"])
    tokenizer = write_tokenizer(out, m.get("only_sentencepiece", False))
    max_tokens = config.max_position_embeddings
    states = lambda found, **more: model(
        input_ids=torch.tensor([found["input_ids"]]), token_type_ids=torch.tensor([found["token_type_ids"]]),
        attention_mask=torch.ones(1, len(found["input_ids"])), **more)
    if "exits" not in m:
        write_golden(out, tokenizer, max_tokens, lambda found: states(found).logits, TEXTS, LENGTHS, ROWS, generator)
        return
    answer_of = lambda heads: lambda found: exit_logits(
        [state[0] for state in states(found, output_hidden_states=True).hidden_states], m["exits"], heads)
    write_exits(out, tokenizer, max_tokens, answer_of, TEXTS, labels, m["exits"], hidden, generator)


def write_buckets(path):
    tables = []
    for buckets, longest in BUCKETS:
        farthest = min(2 * longest, 1100)
        found = make_log_bucket_position(torch.arange(-farthest, farthest + 1), buckets, longest).long().tolist()
        tables.append({"buckets": buckets, "longest": longest, "of": found[farthest:]})
        assert found[::-1] == [-bucket for bucket in found]
    write_json(path, tables, separators=(",", ":"))


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    models = pathlib.Path(sys.argv[1])
    names = [name for name, m in MODELS.items() if m.get("version", "5.24.0") == transformers.__version__]
    assert names, "no model is written by transformers " + transformers.__version__
    for name in names:
        write_model(models / name, MODELS[name])
    if transformers.__version__ == "5.24.0":
        (models.parent / "nn").mkdir(exist_ok=True)
        write_buckets(models.parent / "nn" / "relative_buckets.json")


if __name__ == "__main__":
    main()
